/** Definitions that make a known name run something else (RULES O34): functions, aliases, `hash -p`, `enable -f`. */
import type { CommandRecord } from '../analyse-command.ts';
import { prefixOf } from '../args.ts';
import { allStatements } from '../statements.ts';
import type { FindingFamily } from './family.ts';

type Id = 'redefined-name';

export const redefinitions: FindingFamily<Id> = {
  definitions: {
    'redefined-name': {
      class: 'deception',
      severity: 'high',
      hits: [
        'ls() { rm -rf x; }; ls',
        'function cd { echo; }',
        'alias git=rm',
        'hash -p ./x ls',
        'mytool a; mytool() { rm x; }; mytool b',
        'enable -f ./x.so ls',
      ],
      misses: [
        'build() { make; }; build',
        'main() { helper; }; helper() { echo; }; main',
        'alias',
        'hash -r',
        'log_it() { echo "$1"; }; log_it a',
      ],
    },
  },
  inCommand: (record, context, report) => {
    for (const { name, reading } of record.instances) {
      const span = { start: record.command.start, end: record.command.end };
      if (name === 'alias') {
        for (const { arg } of reading?.operands ?? []) {
          const alias = /^([^=]+)=/.exec(arg.text ?? prefixOf(arg))?.[1];
          if (alias === undefined && arg.text !== undefined) continue;
          const known =
            alias === undefined ||
            context.catalogue.programs.has(alias) ||
            context.catalogue.wrappers.has(alias) ||
            context.script.text.includes('expand_aliases');
          if (known)
            report(
              'redefined-name',
              `makes \`${alias ?? arg.word.source}\` stand for something else`,
              span,
              record.command.id,
            );
        }
      } else if (
        (name === 'hash' && reading?.options.some(({ option }) => option.spelling === '-p')) ||
        (name === 'enable' && reading?.options.some(({ option }) => option.spelling === '-f'))
      ) {
        report('redefined-name', 'sets what a command name runs', span, record.command.id);
      }
    }
  },
  inScript: (script, commands, _loose, context, report) => {
    const firstRun = findFirstRuns(commands);
    for (const statement of allStatements(script.body)) {
      if (statement.type !== 'function') continue;
      const known = context.catalogue.programs.has(statement.name) || context.catalogue.wrappers.has(statement.name);
      if (known || (firstRun.get(statement.name) ?? statement.start) < statement.start) {
        report(
          'redefined-name',
          `defines a function named \`${statement.name}\`, which is the name of a command`,
          { start: statement.start, end: statement.end },
          undefined,
        );
      }
    }
  },
};

/** Where each name is first run as a program, before it can be a function; calls inside function bodies run later. */
function findFirstRuns(commands: readonly CommandRecord[]): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const { command, instances, result } of commands) {
    if (result.callsFunction !== undefined || command.positions.includes('function')) continue;
    for (const { name } of instances) {
      if (name !== undefined && command.start < (first.get(name) ?? Number.POSITIVE_INFINITY))
        first.set(name, command.start);
    }
  }
  return first;
}
