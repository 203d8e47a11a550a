/**
 * Reads a git configuration file as git does, without git: sections and subsections, quotes, escapes, comments, lines that
 * go on. What does not fit the grammar gives undefined, and is then trusted by nobody.
 *
 * Source: git-config(1) "Syntax" and git's config.c.
 */

export interface ConfigEntry {
  /** Lower case, as is the name. */
  readonly section: string;
  readonly subsection: string | undefined;
  readonly name: string;
  /** Undefined for a name alone, which means true. */
  readonly value: string | undefined;
}

export function parseGitConfig(text: string): readonly ConfigEntry[] | undefined {
  const reader = new Reader(text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n'));
  const entries: ConfigEntry[] = [];
  let section: { readonly section: string; readonly subsection: string | undefined } | undefined;
  for (;;) {
    reader.skip(/[ \t\n\v\f\r]*(?:[#;][^\n]*)?/y);
    if (reader.atEnd) return entries;
    if (reader.peek() === '\n') continue;
    if (reader.peek() === '[') {
      section = reader.takeSection();
      if (section === undefined) return undefined;
      continue;
    }
    const name = reader.take(/[A-Za-z][A-Za-z0-9-]*/y);
    if (name === undefined || section === undefined) return undefined;
    reader.skip(/[ \t]*/y);
    const assigned = reader.take(/=/y) !== undefined;
    const value = assigned ? reader.takeValue() : undefined;
    if (assigned ? value === undefined : !reader.atLineEnd) return undefined;
    entries.push({ ...section, name: name.toLowerCase(), value });
  }
}

const escapes = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['b', '\b'],
  ['"', '"'],
  ['\\', '\\'],
]);

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** A comment cannot follow a name that has no value: git takes that for an error. */
  get atLineEnd(): boolean {
    return this.atEnd || this.peek() === '\n';
  }

  peek(): string {
    return this.#text.charAt(this.#at);
  }

  take(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  skip(expression: RegExp): void {
    this.take(expression);
  }

  takeSection(): { section: string; subsection: string | undefined } | undefined {
    const plain = this.take(/\[[A-Za-z0-9.-]+\]/y);
    if (plain !== undefined) {
      const [section = '', ...rest] = plain.slice(1, -1).toLowerCase().split('.');
      return { section, subsection: rest.length === 0 ? undefined : rest.join('.') };
    }
    const quoted = this.take(/\[[A-Za-z0-9.-]+[ \t]+"(?:[^"\\\n]|\\[^\n])*"\]/y);
    if (quoted === undefined) return undefined;
    const open = quoted.indexOf('"');
    return {
      section: quoted.slice(1, open).trimEnd().toLowerCase(),
      subsection: quoted.slice(open + 1, -2).replace(/\\(.)/g, '$1'),
    };
  }

  takeValue(): string | undefined {
    let value = '';
    let blanks = '';
    let quoted = false;
    for (; !this.atEnd; this.#at++) {
      const character = this.peek();
      if (character === '\n') break;
      if (!quoted && (character === '#' || character === ';')) {
        this.skip(/[^\n]*/y);
        break;
      }
      if (!quoted && /[ \t\v\f\r]/.test(character)) {
        if (value !== '') blanks += character;
        continue;
      }
      value += blanks;
      blanks = '';
      if (character === '"') quoted = !quoted;
      else if (character === '\\') {
        this.#at++;
        const escaped = this.peek();
        if (escaped === '\n') continue;
        const meaning = escapes.get(escaped);
        if (meaning === undefined) return undefined;
        value += meaning;
      } else value += character;
    }
    return quoted ? undefined : value;
  }
}
