/**
 * Builtins that take the name of a variable evaluate a subscript inside it, and that runs commands (RULES O26): the name must be
 * a literal plain identifier. The same holds for `${!x}` and for values that `declare` reads as an array.
 * Source: bash(1) "Arrays", "ARITHMETIC EVALUATION".
 */
import type { Statement, Word, WordPart } from '../../parse/model.ts';
import { wordValue } from '../../parse/model.ts';
import type { CommandRecord, Instance } from '../analyse-command.ts';
import { type Arg, prefixOf } from '../args.ts';
import { allStatements } from '../statements.ts';
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
        'for i in ${!X}; do echo "$i"; done',
        'declare -n r="$X"',
        "local -n r='a[$(id)]'",
        'declare -n r; r=$X',
        "export -a 'x=($(id))'",
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
        'declare -n r=list; echo "${r[0]}"',
        'export -n X',
      ],
    },
  },
  inCommand: (record, _context, report) => {
    for (const instance of record.instances) {
      const declares: Declares = {
        arrays: instance.args.some((one) => /^-\w*[aA]/.test(one.text ?? '')),
        references: instance.args.some((one) => /^-\w*n/.test(one.text ?? '')),
      };
      const arrays = instance.name === 'export' && declares.arrays;
      const names = instance.interpretation?.names ?? [];
      for (const arg of arrays ? [...names, ...(instance.interpretation?.environment ?? [])] : names) {
        if (!isSafeName(arg, declares)) tell(arg.word, record.command.id, report);
      }
      checkTest(instance, record, report);
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

/** What the options of the builtin make of the names. */
interface Declares {
  readonly arrays: boolean;
  readonly references: boolean;
}

function isSafeName(arg: Arg, declares: Declares): boolean {
  const head = arg.text ?? prefixOf(arg);
  const match = /^[A-Za-z_]\w*(?:\[(?:\d+|[@*])\])?(\+?=)?/.exec(head);
  if (match === null) return false;
  if (match[1] === undefined) return arg.text !== undefined && match[0].length === head.length;
  const value = head.slice(match[0].length);
  // What a reference is given is the name of another variable.
  if (declares.references) return arg.text !== undefined && isPlainName(value);
  if (value.startsWith('('))
    return arg.word.parts.every((part) => part.type !== 'literal' || !part.quoted) && !arg.word.quoted;
  return arg.text !== undefined || value !== '' || !declares.arrays;
}

const plainName = /^[A-Za-z_]\w*(?:\[(?:\d+|[@*])\])?$/;

/** A name that nothing in it is evaluated of. */
export function isPlainName(text: string): boolean {
  return plainName.test(text);
}

/** `[ $X … ]`: a value from elsewhere that splits can bring its own `-v NAME[…]`. */
function checkTest(instance: Instance, record: CommandRecord, report: Report<Id>): void {
  if (instance.name !== '[' && instance.name !== 'test') return;
  for (const arg of instance.args.slice(1)) {
    if (arg.many && arg.pieces.some((piece) => piece.kind === 'value' && piece.assigned))
      tell(arg.word, record.command.id, report);
  }
}

/** `${!x*}` and `${!x[@]}` list names; `${!x}` expands what the value names. */
export function isUnsafeIndirect(part: WordPart & { readonly type: 'parameter' }): boolean {
  if (!part.indirect) return false;
  return part.operator === undefined || !/^(?:\*|@|\[)$/.test(part.operator);
}

function checkConditional(statement: Statement & { readonly type: 'conditional' }, report: Report<Id>): void {
  statement.words.forEach((word, index) => {
    if (wordValue(statement.words[index - 1]) !== '-v' || isPlainName(wordValue(word) ?? '')) return;
    tell(word, undefined, report);
  });
}
