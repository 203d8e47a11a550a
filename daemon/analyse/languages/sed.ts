/**
 * Reads sed scripts as GNU sed does, to know whether one writes files (`w`, `W`, `s///w`), runs commands (`e`, `s///e`) or
 * reads other files (`r`, `R`). A script that cannot be read to its end counts as dangerous.
 * Source: sed manual "sed scripts"; bracket expressions hide the delimiter (tried with GNU sed 4.9).
 */
import type { Arg } from '../args.ts';
import { isFreeTarget } from '../path-targets.ts';
import { dangerousText, harmlessText, type ProgramText } from './program-text.ts';

export function readSed(arg: Arg): ProgramText {
  const text = fillNumbers(arg);
  if (text === undefined) return dangerousText('is not known, and sed can run commands and write files');
  return new SedReader(text).read();
}

/** Numbers of unknown value stand where sed and awk take digits; anything else unknown has no text. */
export function fillNumbers(arg: Arg): string | undefined {
  let text = '';
  for (const piece of arg.pieces) {
    if (piece.kind === 'known') text += piece.text;
    else if (piece.kind === 'number') text += '1';
    else return undefined;
  }
  return text;
}

class SedReader {
  readonly #text: string;
  #at = 0;
  readonly #reads: string[] = [];
  readonly #writes: string[] = [];
  readonly #shell: string[] = [];
  #runs = false;

  constructor(text: string) {
    this.#text = text;
  }

  read(): ProgramText {
    while (this.#at < this.#text.length) {
      if (!this.#readCommand()) return dangerousText('cannot be read to its end');
    }
    const writes = this.#writes.filter((path) => !isFreeTarget(path));
    if (this.#runs)
      return dangerousText('runs commands', { reads: this.#reads, writes, shell: this.#shell, runs: true });
    if (writes.length > 0) return dangerousText('writes files', { reads: this.#reads, writes });
    return this.#reads.length === 0 ? harmlessText : { ...harmlessText, reads: this.#reads };
  }

  #readCommand(): boolean {
    this.#skip(/[\s;]*/y);
    if (this.#at >= this.#text.length) return true;
    if (!this.#readAddress()) return false;
    this.#skip(/[ \t]*/y);
    if (this.#peek() === ',') {
      this.#at += 1;
      this.#skip(/[ \t]*/y);
      if (/[+~]/.test(this.#peek())) this.#at += 1;
      if (!this.#readAddress()) return false;
    }
    this.#skip(/[ \t!]*/y);
    const command = this.#peek();
    this.#at += 1;
    switch (command) {
      case '{':
      case '}':
      case '=':
      case 'd':
      case 'D':
      case 'g':
      case 'G':
      case 'h':
      case 'H':
      case 'n':
      case 'N':
      case 'p':
      case 'P':
      case 'x':
      case 'z':
      case 'F':
        return command === '{' || this.#readEnd();
      case '#':
        this.#skip(/[^\n]*/y);
        return true;
      case 'q':
      case 'Q':
      case 'l':
      case 'L':
        this.#skip(/[ \t]*\d*/y);
        return this.#readEnd();
      case ':':
      case 'b':
      case 't':
      case 'T':
      case 'v':
        this.#skip(/[ \t]*[^\s;}]*/y);
        return this.#readEnd();
      case 'a':
      case 'i':
      case 'c':
        this.#skip(/(?:\\[\s\S]|[^\n\\])*/y);
        return true;
      case 'r':
      case 'R':
        this.#reads.push(this.#restOfLine());
        return true;
      case 'w':
      case 'W':
        this.#writes.push(this.#restOfLine());
        return true;
      case 'e':
        this.#runs = true;
        this.#shell.push(this.#restOfLine());
        return true;
      case 's':
        return this.#readSubstitution();
      case 'y':
        return this.#readTransliteration();
      default:
        return false;
    }
  }

  #readAddress(): boolean {
    const char = this.#peek();
    if (char === '$') this.#at += 1;
    else if (/\d/.test(char)) this.#skip(/\d+(?:[ \t]*~[ \t]*\d+)?/y);
    else if (char === '/' || char === '\\') {
      this.#at += char === '\\' ? 2 : 1;
      if (!this.#readDelimited(char === '\\' ? (this.#text[this.#at - 1] ?? '') : '/', true)) return false;
      this.#skip(/[IM]*/y);
    }
    return true;
  }

  #readSubstitution(): boolean {
    const delimiter = this.#peek();
    this.#at += 1;
    if (delimiter === '' || delimiter === '\n' || delimiter === '\\') return false;
    if (!this.#readDelimited(delimiter, true)) return false;
    const start = this.#at;
    if (!this.#readDelimited(delimiter, false)) return false;
    const replacement = this.#text.slice(start, this.#at - 1);
    for (;;) {
      const flag = this.#peek();
      if (/[gpiImM0-9]/.test(flag)) this.#at += 1;
      else if (flag === 'e') {
        this.#runs = true;
        this.#shell.push(replacement);
        this.#at += 1;
      } else if (flag === 'w') {
        this.#at += 1;
        this.#writes.push(this.#restOfLine());
        return true;
      } else return this.#readEnd();
    }
  }

  #readTransliteration(): boolean {
    const delimiter = this.#peek();
    this.#at += 1;
    if (delimiter === '' || delimiter === '\n' || delimiter === '\\') return false;
    return this.#readDelimited(delimiter, false) && this.#readDelimited(delimiter, false) && this.#readEnd();
  }

  /** Leaves the position after the closing delimiter. */
  #readDelimited(delimiter: string, expression: boolean): boolean {
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? '';
      this.#at += 1;
      if (char === delimiter) return true;
      if (char === '\\') this.#at += 1;
      else if (char === '\n' && expression) return false;
      else if (char === '[' && expression) this.#skip(/\^?\]?(?:\[:[^\]]*:\]|\[\.[^\]]*\.\]|\[=[^\]]*=\]|[^\]])*\]/y);
    }
    return false;
  }

  #restOfLine(): string {
    const end = this.#text.indexOf('\n', this.#at);
    const rest = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end;
    return rest.trim();
  }

  /** After a command: blanks, then `;`, `}`, `#`, a newline or the end. */
  #readEnd(): boolean {
    this.#skip(/[ \t]*/y);
    return this.#at >= this.#text.length || /[;\n}#]/.test(this.#peek());
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  #skip(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    this.#at += pattern.exec(this.#text)?.[0].length ?? 0;
  }
}
