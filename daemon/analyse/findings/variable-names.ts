/**
 * Builtins that take the name of a variable evaluate a subscript inside it, and that runs commands (RULES O26): the name must be
 * a literal plain identifier. The same holds for `${!x}` and for values that `declare` reads as an array.
 * Source: bash(1) "Arrays", "ARITHMETIC EVALUATION".
 */
import type { Statement, Word, WordPart } from '../../parse/model.ts';
import { wordValue } from '../../parse/model.ts';
import type { CommandRecord, Instance } from '../analyse-command.ts';
import { allStatements } from '../statements.ts';
import { type Arg, prefixOf } from '../words.ts';
import type { FindingFamily, Report } from './family.ts';

type Id = 'code-in-name';

export const variableNames: FindingFamily<Id> = {
  definitions: {
    'code-in-name': {
      class: 'inner-code',
      severity: 'high',
      hits: [
        'read "$NAME"',
        "unset 'a[$(id)]'",
        'printf -v "$N" x',
        '[ -v "$X" ]',
        '[[ -v $X ]]',
        'declare "$N=1"',
        "declare x='($(id))'",
        'echo "${!X}"',
        'wait -p "$N"',
        'mapfile "$N"',
        'declare -a "x=$Y"',
        'X=$(cat f); [ $X = a ]',
      ],
      misses: [
        'read -r a b',
        'unset X',
        'printf -v out %s x',
        '[ -v HOME ]',
        '[[ -v HOME ]]',
        'local x="$1"',
        'declare -a list',
        'echo "${!PREFIX*}"',
        'export A="$B"',
        '[ -n "$X" ]',
        '[ "$X" = a ]',
        'N=name; read "$N"',
        'echo "${!list[@]}"',
        "unset 'a[0]'",
      ],
    },
  },
  inCommand: (record, _context, report) => {
    for (const instance of record.instances) {
      for (const arg of instance.interpretation?.names ?? []) {
        if (!isSafeName(arg, instance)) tell(arg.word, record.command.id, report);
      }
      checkTest(instance, record, report);
    }
    for (const word of [
      ...record.command.words,
      ...record.command.assignments.flatMap((one) => (one.value === undefined ? [] : [one.value])),
    ]) {
      checkIndirect(word, record.command.id, report);
    }
  },
  inScript: (script, _commands, _loose, _context, report) => {
    for (const statement of allStatements(script.body))
      if (statement.type === 'conditional') checkConditional(statement, report);
  },
};

function tell(word: Word, command: number | undefined, report: Report<Id>): void {
  report(
    'code-in-name',
    `\`${word.source}\` is used as the name of a variable, and a name can hold code`,
    { start: word.start, end: word.end },
    command,
  );
}

function isSafeName(arg: Arg, instance: Instance): boolean {
  const head = arg.text ?? prefixOf(arg);
  const match = /^[A-Za-z_]\w*(?:\[(?:\d+|[@*])\])?(\+?=)?/.exec(head);
  if (match === null) return false;
  if (match[1] === undefined) return arg.text !== undefined && match[0].length === head.length;
  const value = head.slice(match[0].length);
  if (value.startsWith('('))
    return arg.word.parts.every((part) => part.type !== 'literal' || !part.quoted) && !arg.word.quoted;
  const array = instance.args.some((one) => /^-\w*[aA]/.test(one.text ?? ''));
  return arg.text !== undefined || value !== '' || !array;
}

/** `[ $X … ]`: a value from elsewhere that splits can bring its own `-v NAME[…]`. */
function checkTest(instance: Instance, record: CommandRecord, report: Report<Id>): void {
  if (instance.name !== '[' && instance.name !== 'test') return;
  for (const arg of instance.args.slice(1)) {
    if (arg.many && arg.pieces.some((piece) => piece.kind === 'value' && piece.assigned))
      tell(arg.word, record.command.id, report);
  }
}

function checkIndirect(word: Word, command: number | undefined, report: Report<Id>): void {
  if (word.values !== undefined) return;
  for (const part of word.parts) {
    if (isUnsafeIndirect(part)) tell(word, command, report);
    else if (part.type === 'parameter') for (const operand of part.operands) checkIndirect(operand, command, report);
  }
}

/** `${!x*}` and `${!x[@]}` list names; `${!x}` expands what the value names. */
function isUnsafeIndirect(part: WordPart): boolean {
  if (part.type !== 'parameter' || !part.indirect) return false;
  return part.operator === undefined || !/^(?:\*|@|\[)$/.test(part.operator);
}

function checkConditional(statement: Statement & { readonly type: 'conditional' }, report: Report<Id>): void {
  statement.words.forEach((word, index) => {
    checkIndirect(word, undefined, report);
    if (
      wordValue(statement.words[index - 1]) !== '-v' ||
      /^[A-Za-z_]\w*(?:\[(?:\d+|[@*])\])?$/.test(wordValue(word) ?? '')
    )
      return;
    tell(word, undefined, report);
  });
}
