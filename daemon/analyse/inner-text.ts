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

/** A program that stands on the standard input of the command. */
export function runFed(
  text: string,
  span: Span,
  command: SimpleCommand,
  start: Partial<ShellState>,
  context: AnalysisContext,
): readonly CommandRecord[] {
  if (context.depth >= maxInnerDepth || context.budget.texts <= 0) return [];
  // What it reads on standard input is its program and no longer there.
  return runText(text, span, command, { ...start, input: undefined }, context);
}

/** Shell text of which parts are not known: what stands around them is seen by restrictions. */
export function readKnownParts(
  arg: Arg,
  command: SimpleCommand,
  start: Partial<ShellState>,
  context: AnalysisContext,
): readonly CommandRecord[] {
  const known = arg.pieces.some((piece) => piece.kind === 'known' && /[^\s]/.test(piece.text));
  if (arg.text !== undefined || !known || context.depth >= maxInnerDepth || context.budget.texts <= 0) return [];
  const text = arg.pieces.map((piece) => (piece.kind === 'known' ? piece.text : unknownText)).join('');
  if (context.parse(text).kind === 'unparsable') return [];
  return runText(text, { start: arg.word.start, end: arg.word.end }, command, start, context);
}

/** An expansion of which nothing is known. */
const unknownText = '"${_}"';
