/**
 * git in another repository (RULES O10, O25): its hooks and configuration run programs. Not a finding when the facts show that
 * the folder belongs to the repository the text started in.
 */
import type { CommandRecord, Instance } from '../analyse-command.ts';
import type { Facts } from '../model.ts';
import { hasOption } from '../reading.ts';
import type { FindingFamily } from './family.ts';

type Id = 'other-repository';

export const repositories: FindingFamily<Id> = {
  definitions: {
    'other-repository': {
      class: 'undecidable',
      severity: 'medium',
      hits: [
        'cd vendor/lib && git status',
        'cd /elsewhere && git log',
        'git -C ../other status',
        'cd "$X" && git status',
        'git --git-dir=x/.git log',
        'cd unknown; git diff',
      ],
      misses: [
        'git status',
        'cd . && git status',
        'cd src && git status',
        'git -C packages/api log',
        'cd /elsewhere && ls',
        'cd src && cd .. && git log',
        '(cd /elsewhere); git status',
      ],
    },
  },
  inCommand: (record, context, report) => {
    for (const instance of record.instances) {
      if (instance.program?.name !== 'git') continue;
      const where = instance.interpretation?.cwd;
      if (!foreign(instance, record, where, context.facts)) continue;
      report(
        'other-repository',
        'runs git where another repository\u2019s hooks and settings may hold',
        { start: record.command.start, end: record.command.end },
        record.command.id,
      );
    }
  },
};

function foreign(instance: Instance, record: CommandRecord, where: string | undefined, facts: Facts): boolean {
  const { reading } = instance;
  if (
    reading !== undefined &&
    (namesRepository(reading.options.map(({ option }) => option.spelling)) ||
      hasOption(reading, '--git-dir') ||
      hasOption(reading, '--work-tree'))
  )
    return true;
  if (globalOptions(instance).some((text) => text.startsWith('--git-dir') || text.startsWith('--work-tree')))
    return true;
  if (!record.state.changed && where === record.state.cwd) return false;
  if (where === undefined) return true;
  if (where === facts.cwd) return false;
  const home = facts.paths.get(facts.cwd)?.repository;
  return home === undefined || facts.paths.get(where)?.repository !== home;
}

function namesRepository(spellings: readonly string[]): boolean {
  return spellings.includes('--git-dir') || spellings.includes('--work-tree');
}

function globalOptions(instance: Instance): readonly string[] {
  const at = instance.reading?.subcommandAt ?? 0;
  return instance.args.slice(1, 1 + at).map((arg) => arg.text ?? '');
}
