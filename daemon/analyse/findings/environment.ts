/** Variables that change how programs are found, loaded or configured (RULES O19), by whatever way they are assigned. */
import type { Span, Word } from '../../parse/model.ts';
import { wordValue } from '../../parse/model.ts';
import type { AnalysisContext } from '../analyse.ts';
import type { CommandRecord } from '../analyse-command.ts';
import { prefixOf } from '../args.ts';
import { allStatements } from '../statements.ts';
import type { FindingFamily, Report } from './family.ts';

type Id = 'environment-poisoning';

const nameBuiltins = new Set([
  'read',
  'mapfile',
  'readarray',
  'getopts',
  'declare',
  'typeset',
  'local',
  'export',
  'readonly',
  'printf',
]);
const lineReaders = new Set(['read', 'mapfile', 'readarray']);

export const environment: FindingFamily<Id> = {
  definitions: {
    'environment-poisoning': {
      class: 'environment',
      severity: 'high',
      hits: [
        'LD_PRELOAD=./x.so ls',
        'export PATH=/tmp:$PATH',
        'PATH=/tmp ls',
        'GIT_SSH_COMMAND=x git fetch',
        'env NODE_OPTIONS=--require=x node a.js',
        'read PATH',
        'for PATH in a; do ls; done',
        'printf -v PATH x',
        'BASH_ENV=x bash a.sh',
        'declare -x PAGER=x',
        'sudo PYTHONPATH=x python3 a.py',
        'IFS=; ls',
        'npm_config_registry=http://x npm i',
        'export "$X"',
        'export $(cat f)',
        'declare -n p=PATH; p=x',
        ': "${BASH_ENV:=x}"',
        'echo ${IFS=x}',
      ],
      misses: [
        'NODE_ENV=test npm test',
        'FOO=1 make',
        'GIT_PAGER=cat git log',
        'while IFS= read -r line; do echo "$line"; done < f',
        'X=1; echo $X',
        'LC_ALL=C sort f',
        'export NODE_ENV=production',
        'echo PATH=/x',
        'echo ${PATH:-x}',
        ': "${NAME:=x}"',
        'IFS=, read -r a b <<< "1,2"',
        'for file in a b; do ls "$file"; done',
      ],
    },
  },
  inCommand: (record, context, report) => {
    const name = record.instances[0]?.name;
    for (const assignment of record.command.assignments) {
      if (assignment.name === 'IFS' && lineReaders.has(name ?? '') && assignment.value?.values !== undefined) continue;
      const value = assignment.value === undefined ? undefined : wordValue(assignment.value);
      check(assignment.name, value, { start: assignment.start, end: assignment.end }, record, context, report);
    }
    for (const instance of record.instances) {
      const words = [instance.interpretation, ...instance.wrapping].flatMap((one) => one?.environment ?? []);
      for (const arg of words) {
        const match = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(arg.text ?? prefixOf(arg));
        if (match?.[1] !== undefined)
          check(match[1], arg.text === undefined ? undefined : match[2], arg.word, record, context, report);
        else if (instance.name === 'export' && arg.text === undefined) tellUnknown(arg.word, record, report);
      }
      if (instance.name === undefined || !nameBuiltins.has(instance.name)) continue;
      const reference = instance.args.some((one) => /^-\w*n/.test(one.text ?? ''));
      for (const arg of instance.interpretation?.names ?? []) {
        const match = /^([A-Za-z_]\w*)(?:\+?=([\s\S]*))?/.exec(arg.text ?? prefixOf(arg));
        if (match?.[1] !== undefined) check(match[1], match[2], arg.word, record, context, report);
        // `declare -n p=PATH`: what is assigned to the reference goes to the variable.
        if (reference && match?.[2] !== undefined) check(match[2], undefined, arg.word, record, context, report);
      }
    }
  },
  inScript: (script, _commands, _loose, context, report) => {
    for (const statement of allStatements(script.body)) {
      if (statement.type !== 'for' && statement.type !== 'select') continue;
      const why = context.catalogue.variables.danger(statement.variable, undefined);
      const span = { start: statement.start, end: statement.end };
      if (why !== undefined) report('environment-poisoning', `sets \`${statement.variable}\`: ${why}`, span, undefined);
    }
  },
};

/** `${name:=word}` sets the variable where it has no value yet. */
export function checkDefault(part: Span & { readonly name: string }, context: AnalysisContext): void {
  const why = context.catalogue.variables.danger(part.name, undefined);
  if (why === undefined) return;
  const { class: kind, severity } = environment.definitions['environment-poisoning'];
  context.findings.push({
    id: 'environment-poisoning',
    class: kind,
    severity,
    message: `may set \`${part.name}\`: ${why}`,
    span: { start: part.start, end: part.end },
    command: context.script.commands.find(({ start, end }) => start <= part.start && end >= part.end)?.id,
    neverAutoApproved: false,
  });
}

function tellUnknown(word: Word, record: CommandRecord, report: Report<Id>): void {
  const span = { start: word.start, end: word.end };
  report(
    'environment-poisoning',
    `exports \`${word.source}\`, and which variables that sets is not known`,
    span,
    record.command.id,
  );
}

function check(
  name: string,
  value: string | undefined,
  span: Span,
  record: CommandRecord,
  context: AnalysisContext,
  report: Report<Id>,
): void {
  const why = context.catalogue.variables.danger(name, value);
  if (why !== undefined)
    report(
      'environment-poisoning',
      `sets \`${name}\`: ${why}`,
      { start: span.start, end: span.end },
      record.command.id,
    );
}
