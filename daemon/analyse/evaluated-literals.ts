/**
 * Commands in literal text that bash evaluates by itself: `x='a[$(rm y)]'; echo $((x))`, `read 'a[$(rm y)]'`, `${x@P}`. That it
 * is evaluated is a finding; once there is one, restrictions see the substitutions in every literal that could be meant.
 */
import type { SimpleCommand, Word } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';
import type { AnalysisContext } from './analyse.ts';
import type { CommandRecord } from './analyse-command.ts';
import { runText } from './inner-text.ts';

const evaluating: ReadonlySet<string> = new Set(['arithmetic-on-unknown', 'code-in-name', 'prompt-expansion']);

export function followEvaluated(commands: readonly CommandRecord[], context: AnalysisContext): void {
  if (!context.findings.some(({ id }) => evaluating.has(id))) return;
  for (const record of commands) {
    const inner = literalsOf(record.command).flatMap((word) => readSubstitutions(word, record, context));
    if (inner.length === 0) continue;
    const { result } = record;
    record.result = {
      ...result,
      readOnly: false,
      notReadOnlyBecause: result.notReadOnlyBecause ?? 'bash may run commands in its values',
      inner: [...result.inner, ...inner.map((one) => one.result)],
      effects: [...result.effects, ...inner.flatMap((one) => one.result.effects)],
    };
  }
}

function literalsOf({ assignments, words }: SimpleCommand): readonly Word[] {
  const values = assignments.flatMap(({ value, elements }) => [
    ...(value === undefined ? [] : [value]),
    ...(elements ?? []),
  ]);
  return [...values, ...words.slice(1)].filter((word) => /\$\(|`/.test(wordValue(word) ?? ''));
}

/** Bash expands such text as it does the body of a here-document. */
function readSubstitutions(
  word: Word,
  { command, state }: CommandRecord,
  context: AnalysisContext,
): readonly CommandRecord[] {
  const text = `: <<VALUE\n${wordValue(word) ?? ''}\nVALUE\n`;
  if (context.budget.texts <= 0 || context.parse(text).kind === 'unparsable') return [];
  return runText(text, word, command, { cwd: state.cwd, changed: true }, context);
}
