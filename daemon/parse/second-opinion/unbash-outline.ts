/** The second opinion's facts: the same text as `unbash`, an independent parser, reads it. */
import { type Assignment, forEachChild, parse, type Redirection, type SyntaxNode } from 'unbash';
import { Stop } from '../stop.ts';
import type { Fact } from './outline.ts';

/** @throws {Stop} syntax-error where this parser finds one, too-complex when it runs out of stack. */
export function outlineUnbash(text: string): Fact[] {
  const facts: Fact[] = [];
  try {
    new UnbashReader(text, facts).visit(parse(text), 0);
  } catch (error) {
    if (error instanceof RangeError) throw new Stop('too-complex', 'the text is nested too deeply', 0, text.length);
    throw error;
  }
  return facts;
}

class UnbashReader {
  private readonly text: string;
  private readonly facts: Fact[];

  constructor(text: string, facts: Fact[]) {
    this.text = text;
    this.facts = facts;
  }

  /** @param offset where the text begins that the positions of this node count from */
  visit(node: SyntaxNode, offset: number): void {
    if (node.type === 'Script' && node.errors !== undefined && node.errors.length > 0) {
      const [error] = node.errors;
      throw new Stop('syntax-error', 'a second parser finds a syntax error here', (error?.pos ?? 0) + offset);
    }
    if (node.type === 'Command') this.addCommand(node, offset);
    if (node.type === 'Redirect' || node.type === 'HereString' || node.type === 'HereDoc') {
      this.addRedirection(node, offset);
    }
    if (node.type === 'Function') this.add('function', node.pos + offset, 0, node.name.text);
    const inside = this.findOffset(node, offset);
    forEachChild(node, (child) => this.visit(child, inside));
  }

  /**
   * The inside of backticks that hold a backslash is read as a text of its own, its escapes removed. Where none was, it is
   * a stretch of our text; otherwise the places remain wrong, and the readings differ.
   */
  private findOffset(node: SyntaxNode, offset: number): number {
    const source = node.type === 'CommandExpansion' ? node.script?.source : undefined;
    const start = offset + node.pos + 1;
    return source !== undefined && this.text.startsWith(`\`${source}\``, start - 1) ? start : offset;
  }

  private add(kind: Fact['kind'], start: number, end: number, detail?: string, value?: string): void {
    this.facts.push({ kind, start, end, detail, value });
  }

  private addCommand(node: SyntaxNode & { type: 'Command' }, offset: number): void {
    this.add('command', node.pos + offset, 0);
    for (const item of node.prefix) if (item.type === 'Assignment') this.addAssignment(item, offset);
    for (const item of node.name ? [node.name, ...node.suffix] : node.suffix) {
      const start = item.pos + offset;
      if (item.type === 'Word') this.add('word', start, this.findEnd(item.end + offset), undefined, item.value);
      // An argument of the form `NAME=value` is a word to us.
      if (item.type === 'Assignment') this.add('word', start, this.findEnd(item.end + offset));
    }
  }

  private addAssignment({ pos, end, name, value }: Assignment, offset: number): void {
    const known = value.type === 'Word' ? value.value : undefined;
    this.add('assignment', pos + offset, this.findEnd(end + offset), name, known);
  }

  private addRedirection(node: Redirection, offset: number): void {
    const target = node.type === 'HereDoc' ? node.delimiter : node.target;
    const value = node.type === 'HereDoc' ? undefined : node.target?.value;
    const start = target === undefined ? -1 : target.pos + offset;
    this.add('redirection', start, target === undefined ? -1 : this.findEnd(target.end + offset), node.operator, value);
    if (node.type === 'HereDoc') {
      const detail = node.delimiter?.quoted ? 'quoted' : 'expanded';
      this.add('heredoc', node.body.pos + offset, node.body.end + offset, detail);
    }
  }

  /** It counts a line continuation right behind a word to the word. */
  private findEnd(end: number): number {
    let last = end;
    while (this.text.startsWith('\\\n', last - 2) && this.text[last - 3] !== '\\') last -= 2;
    return last;
  }
}
