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
    const pieces: Fact[] = [];
    for (const item of node.prefix) if (item.type === 'Assignment') pieces.push(this.readAssignment(item, offset));
    for (const item of node.name ? [node.name, ...node.suffix] : node.suffix) {
      const start = item.pos + offset;
      const end = this.findEnd(item.end + offset);
      // An argument of the form `NAME=value` is a word to us.
      const value = item.type === 'Word' ? item.value : undefined;
      if (item.type === 'Word' || item.type === 'Assignment') pieces.push({ kind: 'word', start, end, value });
    }
    this.addJoined(pieces);
  }

  /** It ends a word before `<(`, where bash goes on with it: `--file=<(a)`. */
  private addJoined(pieces: readonly Fact[]): void {
    let last: Fact | undefined;
    for (const piece of pieces) {
      const joins = last?.end === piece.start && /^[<>]\($/.test(this.text.slice(piece.start, piece.start + 2));
      if (last !== undefined && joins) last = { ...last, end: piece.end, value: undefined };
      else {
        if (last !== undefined) this.facts.push(last);
        last = piece;
      }
    }
    if (last !== undefined) this.facts.push(last);
  }

  private readAssignment({ pos, end, name, value }: Assignment, offset: number): Fact {
    const known = value.type === 'Word' ? value.value : undefined;
    return { kind: 'assignment', start: pos + offset, end: this.findEnd(end + offset), detail: name, value: known };
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
