/** Shell text inside a command (`bash -c TEXT`, `eval TEXT`, `ssh host TEXT`): parsed and analysed like the outer text. */
import type { SimpleCommand, Span } from '../parse/model.ts';
import { type AnalysisContext, maxInnerDepth } from './analyse.ts';
import type { CommandRecord } from './analyse-command.ts';
import type { Arg } from './args.ts';
import { findAll } from './findings/find-all.ts';
import type { Finding } from './model.ts';
import type { ShellState } from './shell-state.ts';
import { walkScript } from './walk.ts';

/**
 * The commands of the text; undefined when the text is not known or nests too deeply. Findings in it are reported at
 * the word that holds it.
 */
export function runInnerText(
  arg: Arg,
  command: SimpleCommand,
  state: Partial<ShellState>,
  context: AnalysisContext,
): readonly CommandRecord[] | undefined {
  if (arg.text === undefined || context.depth >= maxInnerDepth || context.budget.texts <= 0) return undefined;
  const span: Span = { start: arg.word.start, end: arg.word.end };
  return runText(arg.text, span, command, state, context);
}

export function runText(
  text: string,
  span: Span,
  command: SimpleCommand,
  state: Partial<ShellState>,
  context: AnalysisContext,
): readonly CommandRecord[] {
  context.budget.texts -= 1;
  const parsed = context.parse(text);
  const at = (finding: Omit<Finding, 'span' | 'command'>): void => {
    context.findings.push({ ...finding, span, command: command.id });
  };
  if (parsed.kind === 'unparsable') {
    const deceptive = parsed.code === 'control-character';
    at({
      id: deceptive ? 'control-character' : 'unreadable-code',
      class: deceptive ? 'deception' : 'undecidable',
      severity: 'high',
      message: `the shell text that it runs cannot be read: ${parsed.message}`,
      neverAutoApproved: deceptive,
    });
    return [];
  }
  const findings: Finding[] = [];
  const inner: AnalysisContext = { ...context, script: parsed, depth: context.depth + 1, findings };
  const { commands, loose } = walkScript(parsed, inner, state);
  findAll(parsed, commands, loose, inner);
  for (const finding of findings) at(finding);
  return commands;
}
