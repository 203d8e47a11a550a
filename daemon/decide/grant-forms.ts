/**
 * A command as a grant sees it: each layer that analysis allows it to see, character for character, with the units that a
 * wildcard must not stand for. Attack: the star of a broad grant takes in an option, an assignment or a host that a grant
 * has to name (RULES O2, O3, O17, O30).
 */
import type { AnalysedCommand, Layer } from '../analyse/model.ts';
import type { Word } from '../parse/model.ts';
import { normaliseOperand, normaliseRelative } from './command-pattern.ts';
import { groupByStart } from './path-shape.ts';

export interface GrantForm {
  readonly text: string;
  /** The same with `a/../b` as `b`: a wildcard behind a folder does not lead out of it again (RULES O18). */
  readonly straight: string;
  /** The command as written, without its redirections. */
  readonly whole: boolean;
  /** Begins with assignments that could not be stripped: more than harmless ones (RULES N1, O19). */
  readonly assigned: boolean;
  /** Where the text says which hosts it speaks to; a grant that names one must name all of them. */
  readonly hosts: readonly HostPlace[];
  /** Units of `text` that a wildcard must not match; undefined when a wildcard can match nothing here. */
  readonly pinned: ReadonlySet<number> | undefined;
  /** What a grant must name besides when it names a program that the command runs (`npx eslint *`). */
  readonly inner: readonly { readonly from: number; readonly pinned: readonly number[] }[];
}

export interface HostPlace {
  /** Units of the text; `from` to `to` is the host itself, or a whole word that sends the traffic elsewhere. */
  readonly from: number;
  readonly to: number;
  /** Undefined for a word that is no address. */
  readonly host: string | undefined;
}

/** As written, and with the quotes around addresses removed: `curl "https://host/a?b&c"` needs them only for the shell. */
export function grantForms(command: AnalysedCommand, layer: Layer, index: number): readonly GrantForm[] {
  const addresses = new Set((command.routes ?? []).flatMap(({ word, address }) => (address ? [word.start] : [])));
  const words = layer.words.map((word) =>
    addresses.has(word.start) ? { ...word, source: unquote(word.source) } : word,
  );
  const asWritten = grantForm(command, layer, index);
  if (words.every((word, at) => word.source === layer.words[at]?.source)) return [asWritten];
  const joined = layer.words.map(({ source }) => source).join(' ');
  if (!layer.text.endsWith(joined)) return [asWritten];
  const head = layer.text.slice(0, layer.text.length - joined.length);
  const bare: Layer = { ...layer, words, text: head + words.map(({ source }) => source).join(' ') };
  return [asWritten, { ...grantForm(command, bare, index), whole: false }];
}

function unquote(source: string): string {
  return /^(["'])([^"'\\`\s]*)\1$/.exec(source)?.[2] ?? source;
}

function grantForm(command: AnalysedCommand, layer: Layer, index: number): GrantForm {
  const whole = index === 0;
  const sources = layer.words.map((word) => word.source);
  const [program = '', ...operands] = sources;
  const joined = sources.join(' ');
  const placed = layer.text.endsWith(joined);
  const head = placed ? layer.text.slice(0, layer.text.length - joined.length) : '';
  const plain = placed && !/[*'"\\$`]/.test(program) && program.includes('/') ? normaliseRelative(program) : program;
  const text = placed ? [head + plain, ...operands].join(' ') : layer.text;
  const straight = placed
    ? [head + straightProgram(layer.words[0], plain), ...layer.words.slice(1).map(straighten)].join(' ')
    : text;
  const assigned = command.command.assignments.length > 0 && !layer.text.startsWith(joined);
  if (!placed) return { text, straight, whole, assigned, hosts: [], pinned: undefined, inner: [] };

  const starts: number[] = [];
  let at = head.length;
  for (const source of [plain, ...operands]) {
    starts.push(at);
    at += source.length + 1;
  }
  const pinned = new Set<number>();
  const pin = (from: number, to: number): void => {
    for (let unit = from; unit < to; unit++) pinned.add(unit);
  };
  // A wildcard never stands for a leading assignment, nor for part of the path that selects another program (O3, O30).
  pin(0, head.length);
  if (plain.includes('/')) pin(head.length, head.length + plain.indexOf('/') + 1);
  const next = command.layers[index + 1];
  const removed = next === undefined ? 0 : layer.words.length - next.words.length;
  const isWrapper = next?.removed === 'wrapper' && next.words.every((word, at) => word === layer.words[removed + at]);
  if (isWrapper || command.inner.length > 0) pin(head.length, head.length + plain.length);
  if (isWrapper && next.grants) {
    // A stripped wrapper: the rule must name it with its options and the program that it runs (O17).
    pin(head.length, (starts[removed] ?? text.length) + (next.words[0]?.source.length ?? 0));
  }
  const places = new Map<Word, number | undefined>();
  layer.words.forEach((word, at) => {
    if (!places.has(word)) places.set(word, starts[at]);
  });
  const byStart = groupByStart(layer.words);
  const findPlace = (wanted: Word): Word | undefined =>
    byStart.get(wanted.start)?.find((each) => isSameWord(each, wanted));
  for (const danger of command.unnamed) {
    const place = findPlace(danger.word);
    const start = place === undefined ? undefined : places.get(place);
    if (start === undefined) return { text, straight, whole, assigned, hosts: [], pinned: undefined, inner: [] };
    const { source } = danger.word;
    pin(start, start + (source.startsWith(danger.name) ? danger.name.length : source.length));
  }
  const hosts = (command.routes ?? []).flatMap(({ word, address }) => {
    const place = findPlace(word);
    const start = place === undefined ? undefined : places.get(place);
    return start === undefined || place === undefined ? [] : [hostPlace(place.source, start, address)];
  });
  return { text, straight, whole, assigned, hosts, pinned, inner: innerPins(command, layer, starts) };
}

/** Dangers of the programs that stand in the command's own words: a grant for such a program leaves them out like any other. */
function innerPins(command: AnalysedCommand, layer: Layer, starts: readonly number[]): GrantForm['inner'] {
  return command.inner.flatMap((inner) => {
    const [program] = inner.command.words;
    const from = starts[program === undefined ? -1 : layer.words.indexOf(program)];
    if (from === undefined || program === undefined) return [];
    const pinned = inner.unnamed.flatMap(({ word, name }) => {
      const start = starts[layer.words.indexOf(word)];
      if (start === undefined) return [];
      const length = word.source.startsWith(name) ? name.length : word.source.length;
      return Array.from({ length }, (_, unit) => start + unit);
    });
    return pinned.length === 0 ? [] : [{ from: from + program.source.length, pinned }];
  });
}

/** The authority of an address, without its port; all of any other word. */
function hostPlace(source: string, start: number, address: boolean): HostPlace {
  const match = /^(?:-[^=]*=)?["']?(?:[a-z][a-z0-9+.-]*:\/\/)?/i.exec(source)?.[0] ?? '';
  const authority = /^[^/?#"'\s]*/.exec(source.slice(match.length))?.[0] ?? '';
  if (!address || authority === '') return { from: start, to: start + source.length, host: undefined };
  const host = authority.includes('@') ? authority : authority.replace(/:[\d*]*$/, '');
  const from = start + match.length;
  return { from, to: from + host.length, host: authority.replace(/^.*@/, '').replace(/:\d*$/, '') };
}

/** As a plain path is written in the form itself, one with quotes in it is where it leads out of a folder. */
function straightProgram(word: Word | undefined, plain: string): string {
  const value = word?.values?.length === 1 ? word.values[0] : undefined;
  return value?.includes('/..') === true ? normaliseRelative(value) : plain;
}

function straighten(word: Word): string {
  const value = word.values?.length === 1 ? word.values[0] : undefined;
  return value?.includes('/..') === true ? normaliseOperand(value) : word.source;
}

function isSameWord(a: Word, b: Word): boolean {
  return (
    a === b || (a.start === b.start && a.end === b.end && (a.source === b.source || a.source === unquote(b.source)))
  );
}
