/**
 * git's configuration syntax, with the place of each setting in the text, so that one can be changed and the rest stays as
 * people wrote it. Text is latin1: bytes keep their places. Files it includes are not looked at.
 * Source: git-config(1) "Syntax"
 */

export interface ConfigSetting {
  /** `section.name` or `section.subsection.name`; section and name in lower case. */
  readonly key: string;
  /** Undefined for a name alone, which means true. */
  readonly value: string | undefined;
  /** From the name to behind the line end. */
  readonly start: number;
  readonly end: number;
}

export interface ConfigSection {
  /** `section` or `section.subsection`. */
  readonly name: string;
  /** Of the header, from its bracket to behind it. */
  readonly start: number;
  readonly headerEnd: number;
  /** Where the next one begins, or the text ends. */
  end: number;
  readonly settings: ConfigSetting[];
}

/** @returns undefined for what git would not read either. */
export function parseConfig(text: string): readonly ConfigSection[] | undefined {
  const sections: ConfigSection[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text[at] ?? '';
    if (/\s/.test(character) || character === '\ufeff') at++;
    else if (character === '#' || character === ';') at = lineEnd(text, at);
    else if (character === '[') {
      const header = /^\[([A-Za-z0-9.-]+)(?:[ \t]+"((?:[^"\\\n]|\\[^\n])*)")?[ \t]*\]/.exec(text.slice(at, at + 4096));
      if (header === null) return undefined;
      const last = sections.at(-1);
      if (last !== undefined) last.end = at;
      const section = (header[1] ?? '').toLowerCase();
      const name = header[2] === undefined ? section : `${section}.${header[2].replace(/\\(.)/g, '$1')}`;
      sections.push({ name, start: at, headerEnd: at + header[0].length, end: text.length, settings: [] });
      at += header[0].length;
    } else {
      const section = sections.at(-1);
      const name = /^[A-Za-z][A-Za-z0-9-]*/.exec(text.slice(at, at + 256))?.[0];
      if (section === undefined || name === undefined) return undefined;
      const read = readValue(text, at + name.length);
      if (read === undefined) return undefined;
      section.settings.push({
        key: `${section.name}.${name.toLowerCase()}`,
        value: read.value,
        start: at,
        end: read.end,
      });
      at = read.end;
    }
  }
  return sections;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}

function readValue(text: string, start: number): { value: string | undefined; end: number } | undefined {
  let at = start;
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\r') at++;
  if (at >= text.length || text[at] === '\n') return { value: undefined, end: Math.min(at + 1, text.length) };
  if (text[at] === '#' || text[at] === ';') return { value: undefined, end: lineEnd(text, at) };
  if (text[at] !== '=') return undefined;
  at++;
  let value = '';
  /** Spaces count only when something follows them. */
  let spaces = '';
  let isQuoted = false;
  for (; at < text.length && text[at] !== '\n'; at++) {
    const character = text[at] ?? '';
    if (character === '\r' && (text[at + 1] === '\n' || at + 1 === text.length)) continue;
    if (!isQuoted && /\s/.test(character)) {
      if (value !== '') spaces += character;
      continue;
    }
    if (!isQuoted && (character === '#' || character === ';')) {
      at = lineEnd(text, at) - (text[lineEnd(text, at) - 1] === '\n' ? 1 : 0);
      break;
    }
    if (character === '"') {
      isQuoted = !isQuoted;
      value += spaces;
      spaces = '';
      continue;
    }
    value += spaces;
    spaces = '';
    if (character !== '\\') {
      value += character;
      continue;
    }
    at++;
    const next = text[at] === '\r' && text[at + 1] === '\n' ? text[++at] : text[at];
    if (next === '\n') continue;
    const meaning = { n: '\n', t: '\t', b: '\b', '\\': '\\', '"': '"' }[next ?? ''];
    if (meaning === undefined) return undefined;
    value += meaning;
  }
  return isQuoted ? undefined : { value, end: Math.min(at + 1, text.length) };
}

/** Every value of every key, in order. */
export function valuesByKey(sections: readonly ConfigSection[]): ReadonlyMap<string, readonly (string | undefined)[]> {
  const values = new Map<string, (string | undefined)[]>();
  for (const { key, value } of sections.flatMap(({ settings }) => settings)) {
    const known = values.get(key);
    if (known === undefined) values.set(key, [value]);
    else known.push(value);
  }
  return values;
}

/**
 * The text with these values for the key instead of all that it has. A section that becomes empty goes with it, unless
 * something else is written there.
 * @param values need no quotes: the caller has checked that they have no character with a meaning.
 */
export function setConfig(text: string, section: string, name: string, values: readonly string[]): string | undefined {
  const sections = parseConfig(text);
  if (sections === undefined) return undefined;
  const key = `${section}.${name.toLowerCase()}`;
  const own = sections.filter((candidate) => candidate.name === section);
  const home = own.at(-1);
  const lines = values.map((value) => `\t${name} = ${value}\n`).join('');
  const edits: (readonly [start: number, end: number, text: string])[] = own.flatMap(({ settings }) =>
    settings
      .filter((setting) => setting.key === key)
      .map(({ start, end }) => [lineStart(text, start), end, ''] as const),
  );
  if (lines !== '') {
    const last = home?.settings.at(-1)?.end ?? (home === undefined ? undefined : home.headerEnd);
    if (last === undefined)
      edits.push([text.length, text.length, `${endLine(text)}${formatHeader(section)}\n${lines}`]);
    else {
      const at = text[last - 1] === '\n' || text[last] !== '\n' ? last : last + 1;
      edits.push([at, at, `${text[at - 1] === '\n' ? '' : '\n'}${lines}`]);
    }
  } else {
    for (const { start, headerEnd, end, settings } of own) {
      const rest = settings.every((setting) => setting.key === key) && onlySettings(text, headerEnd, end, settings);
      if (rest) edits.push([lineStart(text, start), headerEnd + (text[headerEnd] === '\n' ? 1 : 0), '']);
    }
  }
  edits.sort(([left], [right]) => right - left);
  return edits.reduce((result, [start, end, inserted]) => result.slice(0, start) + inserted + result.slice(end), text);
}

/** A setting may stand behind its header or another one's end on one line; only blanks before it go. */
function lineStart(text: string, at: number): number {
  let start = at;
  while (text[start - 1] === ' ' || text[start - 1] === '\t') start--;
  return start;
}

function onlySettings(text: string, start: number, end: number, settings: readonly ConfigSetting[]): boolean {
  let rest = '';
  let at = start;
  for (const setting of settings) {
    rest += text.slice(at, setting.start);
    at = setting.end;
  }
  return (rest + text.slice(at, end)).trim() === '';
}

const endLine = (text: string): string => (text === '' || text.endsWith('\n') ? '' : '\n');

function formatHeader(section: string): string {
  const dot = section.indexOf('.');
  if (dot < 0) return `[${section}]`;
  return `[${section.slice(0, dot)} "${section.slice(dot + 1).replace(/["\\]/g, '\\$&')}"]`;
}

/** A whole file. As for `setConfig`, values need no quotes. */
export function formatConfig(settings: readonly (readonly [section: string, name: string, value: string])[]): string {
  let text = '';
  let last: string | undefined;
  for (const [section, name, value] of settings) {
    if (section !== last) text += `${formatHeader(section)}\n`;
    text += `\t${name} = ${value}\n`;
    last = section;
  }
  return text;
}
