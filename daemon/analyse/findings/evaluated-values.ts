/**
 * Values that bash evaluates by itself, where an expansion or an assignment only seems to copy them: prompts (`${x@P}`),
 * variables with the integer attribute, references to other variables (RULES O19, O26).
 * Source: bash(1) "Parameter transformation", "declare -i", "declare -n"; tried: `x='$(id)'; echo "${x@P}"` runs `id`.
 */
import type { Assignment, SimpleCommand, Word, WordPart } from '../../parse/model.ts';
import { wordValue } from '../../parse/model.ts';
import type { AnalysisContext } from '../analyse.ts';
import type { CommandRecord } from '../analyse-command.ts';
import type { ShellState } from '../shell-state.ts';
import { checkWord } from './arithmetic.ts';
import type { FindingFamily } from './family.ts';
import { isPlainName, isUnsafeIndirect, variableNames } from './variable-names.ts';

type Id = 'prompt-expansion';

export const evaluatedValues: FindingFamily<Id> = {
  definitions: {
    'prompt-expansion': {
      class: 'inner-code',
      severity: 'high',
      hits: ['echo "${X@P}"', 'X=a; echo ${X@P}', 'echo "${1@P}"', 'echo "${list[@]@P}"', 'cat <<E\n${X@P}\nE'],
      misses: ['echo "${X@Q}"', 'echo "${X@U}"', "echo '${X@P}'", 'echo "${X@A}"'],
    },
  },
};

/** Names with an attribute that makes bash evaluate what they are given, wherever the text declares them. */
export interface EvaluatedNames {
  readonly integers: ReadonlySet<string>;
  readonly references: ReadonlySet<string>;
}

const declarers = new Set(['declare', 'typeset', 'local', 'readonly']);

export function findEvaluated(commands: readonly SimpleCommand[], context: AnalysisContext): EvaluatedNames {
  const integers = new Set(context.catalogue.variables.integers);
  const references = new Set<string>();
  for (const { words } of commands) {
    const values = words.map((word) => wordValue(word) ?? '');
    const at = values.findIndex((value) => declarers.has(value));
    if (at < 0) continue;
    const isInteger = values.some((flag) => /^-\w*i/.test(flag));
    const isReference = values.some((flag) => /^-\w*n/.test(flag));
    for (const { source } of words.slice(at + 1)) {
      const name = /^[A-Za-z_]\w*/.exec(source)?.[0];
      if (name === undefined) continue;
      if (isInteger) integers.add(name);
      if (isReference && !source.includes('=')) references.add(name);
    }
  }
  return { integers, references };
}

/** `${x@P}` and `${!x}`, in whatever word they stand. */
export function checkExpansion(part: WordPart & { readonly type: 'parameter' }, context: AnalysisContext): void {
  if (part.operator?.endsWith('@P') === true)
    tell(
      'prompt-expansion',
      `expands the value of \`${part.name}\` as a prompt, which runs the commands in it`,
      part,
      context,
    );
  if (isUnsafeIndirect(part))
    tell(
      'code-in-name',
      `the value of \`${part.name}\` is used as the name of a variable, and a name can hold code`,
      part,
      context,
    );
}

/** A plain or prefix assignment. */
export function checkAssigned(
  assignment: Assignment,
  names: EvaluatedNames,
  state: ShellState,
  context: AnalysisContext,
): void {
  const { name, value } = assignment;
  if (names.integers.has(name))
    for (const word of [...(value === undefined ? [] : [value]), ...(assignment.elements ?? [])])
      checkWord(word, state, context);
  if (!names.references.has(name) || value === undefined || isPlainName(wordValue(value) ?? '')) return;
  tell(
    'code-in-name',
    `\`${value.source}\` is used as the name of a variable, and a name can hold code`,
    value,
    context,
  );
}

/** Builtins that assign: `declare -i n=…`, and `read`, `printf -v` and the like to a variable that is evaluated. */
export function checkBuiltin(
  record: CommandRecord,
  names: EvaluatedNames,
  state: ShellState,
  context: AnalysisContext,
): void {
  for (const { name, args, interpretation } of record.instances) {
    const declares = name !== undefined && (declarers.has(name) || name === 'export');
    const integer = declares && args.some((arg) => /^-\w*i/.test(arg.text ?? ''));
    const given = [...(interpretation?.names ?? []), ...(name === 'export' ? (interpretation?.environment ?? []) : [])];
    for (const { word, text, pieces } of given) {
      const first = pieces[0];
      const head = text ?? (first?.kind === 'known' ? first.text : '');
      const target = /^[A-Za-z_]\w*/.exec(head)?.[0];
      if (target === undefined || !(integer || names.integers.has(target))) continue;
      if (declares) {
        if (head.includes('=')) checkWord(word, state, context);
      } else if (name !== 'unset' && name !== 'test' && name !== '[' && name !== 'let') {
        tell(
          'code-in-name',
          `\`${target}\` is evaluated as arithmetic, and what it is given can hold code`,
          word,
          context,
        );
      }
    }
  }
}

/** The words of a loop over a variable that is evaluated, and the default that `${x:=…}` gives it. */
export function checkGiven(
  name: string,
  words: readonly Word[],
  names: EvaluatedNames,
  state: ShellState,
  context: AnalysisContext,
): void {
  if (names.integers.has(name)) for (const word of words) checkWord(word, state, context);
}

/** `[x]=1` among the elements of an array that is not associative. */
export function checkElement(element: Word, state: ShellState, context: AnalysisContext): void {
  if (!/^\[/.test(element.source) || /^\[\d+\]\+?=/.test(element.source)) return;
  const end = Math.max(element.source.lastIndexOf(']='), element.source.lastIndexOf(']+='));
  if (end < 0) return;
  const limit = element.start + end;
  const { values: _, ...rest } = element;
  checkWord(
    {
      ...rest,
      values: undefined,
      source: element.source.slice(1, end),
      start: element.start + 1,
      parts: element.parts.filter((part) => part.end <= limit),
    },
    state,
    context,
  );
}

function tell(
  id: Id | 'code-in-name',
  message: string,
  span: { readonly start: number; readonly end: number },
  context: AnalysisContext,
): void {
  const { start, end } = span;
  const definition = id === 'code-in-name' ? variableNames.definitions[id] : evaluatedValues.definitions[id];
  const command = context.script.commands.find((one) => one.start <= start && one.end >= end)?.id;
  context.findings.push({
    id,
    class: definition.class,
    severity: definition.severity,
    message,
    span: { start, end },
    command,
    neverAutoApproved: false,
  });
}
