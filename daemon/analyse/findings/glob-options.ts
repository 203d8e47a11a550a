/** A wildcard at the start of a word of a program that runs code by some option: a file named like that option is enough. */
import { codeRoles } from '../roles.ts';
import type { FindingFamily } from './family.ts';

type Id = 'glob-option';

export const globOptions: FindingFamily<Id> = {
  definitions: {
    'glob-option': {
      class: 'inner-code',
      severity: 'medium',
      hits: ['tar cf a.tar *', 'zip a.zip *', 'rsync -a * dest', 'rg foo *'],
      misses: ['tar cf a.tar ./*', 'ls *', 'cat *.ts', 'tar cf a.tar -- *', 'rm -f *.log', 'wc -l *.ts', 'git add *'],
    },
  },
  inCommand: (record, _context, report) => {
    for (const { reading } of record.instances) {
      const worst = reading?.program.worstUnnamed;
      if (reading === undefined || worst === undefined) continue;
      const code = [...reading.program.options.values()].find((option) => codeRoles.has(option.meaning.role));
      if (code === undefined || reading.program.data.purpose === 'run') continue;
      for (const arg of reading.uncertain) {
        if (arg.pieces[0]?.kind !== 'glob') continue;
        report(
          'glob-option',
          `\`${arg.word.source}\` can match a file named like \`${code.spelling}\`, which runs code`,
          { start: arg.word.start, end: arg.word.end },
          record.command.id,
        );
      }
    }
  },
};
