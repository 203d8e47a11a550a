/**
 * A place in the text that is being read, with the work and depth spent so far. Reading can be bounded to a part of the
 * text (the inside of backticks, the body of a here-document) and still gives spans of the whole text.
 */

import { maxCountedLength, maxDepth, maxReaderSteps } from './limits.ts';
import type { Redirection, Statement } from './model.ts';
import { Stop } from './stop.ts';

/** A here-document whose body has not been reached: bash reads it after the next newline token. */
export interface PendingHeredoc {
  readonly delimiter: string;
  readonly quoted: boolean;
  readonly stripsTabs: boolean;
  readonly redirection: { -readonly [Key in keyof Redirection]: Redirection[Key] };
}

/** What the reader of words needs from the reader of statements; handed in, as the two call each other. */
export interface Grammar {
  /** Reads statements up to the `)` that closes a substitution, which is left unread. */
  readSubstitutionBody(cursor: Cursor): Statement[];
  /** Reads statements up to the end of a bounded cursor. */
  readWholeBody(cursor: Cursor): Statement[];
}

interface Budget {
  steps: number;
  depth: number;
  /** Characters in the bodies of quoted here-documents. */
  quotedHeredocLength: number;
}

export class Cursor {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly grammar: Grammar;
  readonly budget: Budget;
  position: number;
  /** Here-documents of the innermost list of statements that wait for their body. */
  pending: PendingHeredoc[] = [];
  /** An enclosing list waits for a body: a newline in here would be read differently by different shells. */
  outerPending = false;
  /** Reading the body of a here-document: a further here-document in it is read differently by different shells. */
  insideHeredoc = false;
  /** Inside `$(…)` or `<(…)`, whose commands bash 5.2 prints and reads again before it runs them. */
  insideSubstitution = false;

  constructor(text: string, grammar: Grammar, start = 0, end = text.length, budget?: Budget) {
    this.text = text;
    this.grammar = grammar;
    this.start = start;
    this.position = start;
    this.end = end;
    this.budget = budget ?? { steps: 0, depth: 0, quotedHeredocLength: 0 };
  }

  /** A cursor over part of the text that draws on the same budget. */
  bounded(start: number, end: number): Cursor {
    const cursor = new Cursor(this.text, this.grammar, start, end, this.budget);
    cursor.insideHeredoc = this.insideHeredoc;
    cursor.insideSubstitution = this.insideSubstitution;
    return cursor;
  }

  /** The character `offset` after the position, or the empty string past the end. */
  peek(offset = 0): string {
    const at = this.position + offset;
    return at < this.end ? this.text.charAt(at) : '';
  }

  startsWith(token: string): boolean {
    return this.position + token.length <= this.end && this.text.startsWith(token, this.position);
  }

  atEnd(): boolean {
    return this.position >= this.end;
  }

  advance(count = 1): void {
    this.position += count;
    if (++this.budget.steps > maxReaderSteps) this.stop('too-complex', 'the text takes too many steps to read');
    if (this.position - this.budget.quotedHeredocLength > maxCountedLength) {
      const message = `the text is longer than ${maxCountedLength} characters, quoted here-documents not counted`;
      this.stop('too-long', message, 0, this.text.length);
    }
  }

  /** Runs `read` one level deeper. @throws {Stop} too-complex */
  nested<Result>(read: () => Result): Result {
    if (++this.budget.depth > maxDepth) this.stop('too-complex', `the text is nested deeper than ${maxDepth} levels`);
    const result = read();
    this.budget.depth--;
    return result;
  }

  stop(code: Stop['code'], message: string, start = this.position, end = start + 1): never {
    throw new Stop(code, message, start, end);
  }

  syntaxError(message: string, start = this.position): never {
    return this.stop('syntax-error', message, start);
  }

  unsupported(message: string, start = this.position, end = Math.max(start + 1, this.position)): never {
    return this.stop('unsupported-syntax', message, start, end);
  }

  /** Skips spaces, tabs, line continuations, and a comment if one begins here. Stops at a newline. */
  skipBlanks(): void {
    for (;;) {
      const char = this.peek();
      if (char === ' ' || char === '\t') this.advance();
      else if (char === '\\' && this.peek(1) === '\n') this.advance(2);
      else break;
    }
    if (this.peek() === '#' && this.isAtWordStart()) {
      const newline = this.text.indexOf('\n', this.position);
      this.advance((newline === -1 || newline > this.end ? this.end : newline) - this.position);
    }
  }

  /** The rest of `foo\⏎#bar` belongs to the word `foo`; after a blank or an operator `#` begins a comment. */
  private isAtWordStart(): boolean {
    let before = this.position - 1;
    while (this.text[before] === '\n' && this.text[before - 1] === '\\') before -= 2;
    return before < this.start || isMeta(this.text.charAt(before));
  }
}

/** Ends an unquoted word: blanks, newline and bash's operators. */
export function isMeta(char: string): boolean {
  return char === '' || ' \t\n;&|<>()'.includes(char);
}

const namePattern = /[A-Za-z_][A-Za-z0-9_]*/y;

/** The name of a variable at the cursor, or the empty string. */
export function findName(cursor: Cursor): string {
  namePattern.lastIndex = cursor.position;
  const name = namePattern.exec(cursor.text)?.[0] ?? '';
  return name.slice(0, cursor.end - cursor.position);
}
