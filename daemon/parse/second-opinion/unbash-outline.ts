/** The second opinion's facts: the same text as `unbash`, an independent parser, reads it. */
import { type Assignment, forEachChild, parse, type Redirection, type SyntaxNode } from 'unbash';
import { Stop } from '../stop.ts';
import type { Fact } from './outline.ts';

/** @throws {Stop} syntax-error where this parser finds one, too-complex when it runs out of stack. */
export function outlineUnbash(text: string): Fact[] {
  const facts: Fact[] = [];
  try {
    visit(parse(text), facts);
  } catch (error) {
    if (error instanceof RangeError) throw new Stop('too-complex', 'the text is nested too deeply', 0, text.length);
    throw error;
  }
  return facts;
}

function visit(node: SyntaxNode, facts: Fact[]): void {
  if (node.type === 'Script' && node.errors !== undefined && node.errors.length > 0) {
    const [error] = node.errors;
    throw new Stop('syntax-error', 'a second parser finds a syntax error here', error?.pos ?? 0);
  }
  if (node.type === 'Command') outlineCommand(node, facts);
  if (node.type === 'Redirect' || node.type === 'HereString' || node.type === 'HereDoc') {
    outlineRedirection(node, facts);
  }
  if (node.type === 'Function') facts.push({ kind: 'function', start: node.pos, end: 0, detail: node.name.text });
  forEachChild(node, (child) => visit(child, facts));
}

function outlineCommand(node: SyntaxNode & { type: 'Command' }, facts: Fact[]): void {
  facts.push({ kind: 'command', start: node.pos, end: 0 });
  for (const item of node.prefix) if (item.type === 'Assignment') facts.push(outlineAssignment(item));
  for (const item of node.name ? [node.name, ...node.suffix] : node.suffix) {
    if (item.type === 'Word') facts.push({ kind: 'word', start: item.pos, end: item.end, value: item.value });
    // An argument of the form `NAME=value` is a word to us.
    if (item.type === 'Assignment') facts.push({ kind: 'word', start: item.pos, end: item.end });
  }
}

function outlineAssignment({ pos, end, name, value }: Assignment): Fact {
  return {
    kind: 'assignment',
    start: pos,
    end,
    detail: name,
    value: value.type === 'Word' ? value.value : undefined,
  };
}

function outlineRedirection(node: Redirection, facts: Fact[]): void {
  const target = node.type === 'HereDoc' ? node.delimiter : node.target;
  const value = node.type === 'HereDoc' ? undefined : node.target?.value;
  facts.push({ kind: 'redirection', start: target?.pos ?? -1, end: target?.end ?? -1, detail: node.operator, value });
  if (node.type === 'HereDoc') {
    const detail = node.delimiter?.quoted ? 'quoted' : 'expanded';
    facts.push({ kind: 'heredoc', start: node.body.pos, end: node.body.end, detail });
  }
}
