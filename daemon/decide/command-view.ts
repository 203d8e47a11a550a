/**
 * A command as rules see it, prepared once and asked about by every rule. A grant sees each form that analysis allows it
 * to see, character for character; a restriction sees every layer and inner command in every spelling that means the
 * same: quotes resolved, the program without its folder, paths normalised, absolute and below `~` (RULES O2, O27, O30).
 */
import type { AnalysedCommand, Analysis, Effect, Facts, Layer, PathTarget } from '../analyse/model.ts';
import type { Word } from '../parse/model.ts';
import { normaliseRelative } from './command-pattern.ts';
import { anyText, literalTokens, type Token } from './glob.ts';
import { findFoundNames, findListing } from './listed-names.ts';
import type { TargetView } from './path-match.ts';
import { findsHiddenNames, groupByStart, innerCommands, pathShape, wordAt } from './path-shape.ts';

export interface CommandView {
  readonly command: AnalysedCommand;
  readonly grants: readonly GrantForm[];
  /** Of the command and of everything it runs. */
  readonly wide: readonly WideForm[];
  readonly targets: readonly TargetView[];
  readonly connections: readonly Extract<Effect, { kind: 'connect' }>[];
  /** The name of a program that would run is not known. */
  readonly unknownProgram: boolean;
}

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

export interface WideForm {
  /** Spellings; a piece that is not known is `unknownPiece`, which only a wildcard meets. */
  readonly texts: readonly string[];
  /** Every text that the form could become; undefined when all of it is known. */
  readonly shape: readonly Token[] | undefined;
  /** The literal beginning of `shape`. */
  readonly shapeStart: string;
}

/** The view without what only could be: after one "maybe" a restriction must be certain to add anything. */
export function certainView(view: CommandView): CommandView {
  return {
    ...view,
    wide: view.wide.map((form) => ({ ...form, shape: undefined })),
    // A name that is looked for meets a rule for certain, wherever it is found.
    targets: view.targets.filter(({ shape, listed }) => listed === true || shape?.includes(anyText) !== true),
  };
}

/** A noncharacter: no rule and no command contains it. */
const unknownPiece = '\uffff';

/** @param analysis of the whole text, for what reaches the command from elsewhere in it. */
export function viewCommand(command: AnalysedCommand, facts: Facts, analysis: Analysis): CommandView {
  const all = [command, ...innerCommands(command)];
  return {
    command,
    grants: command.layers.flatMap((layer, index) => (layer.grants ? grantForms(command, layer, index) : [])),
    wide: all.flatMap((each) => wideForms(each, facts)),
    // The effects of a command include those of what it runs.
    targets: viewTargets(command, facts, analysis),
    connections: command.effects.filter((effect) => effect.kind === 'connect'),
    unknownProgram: all.some((each) => each.layers.some(hasUnknownProgram)),
  };
}

function hasUnknownProgram(layer: Layer): boolean {
  return layer.resolved === undefined && layer.words[0] !== undefined && layer.words[0].values?.[0] === undefined;
}

function viewTargets(command: AnalysedCommand, facts: Facts, analysis: Analysis): readonly TargetView[] {
  const isFound = (effect: Effect): boolean => 'target' in effect && effect.target.source === foundPath;
  const found = command.effects.some(isFound) ? findFoundNames(command) : undefined;
  return command.effects.flatMap((effect) => viewTarget(effect, command, facts, analysis, found));
}

function viewTarget(
  effect: Effect,
  command: AnalysedCommand,
  facts: Facts,
  analysis: Analysis,
  found: readonly (readonly Token[])[] | undefined,
): readonly TargetView[] {
  if (effect.kind !== 'read' && effect.kind !== 'write' && effect.kind !== 'remove') return [];
  const { kind, target } = effect;
  if (target.source === foundPath) return viewFound(kind, target, found);
  if (target.path !== undefined) return viewNamed(kind, target, command);
  const hidden = findsHiddenNames(analysis);
  const listing = hidden ? undefined : findListing(command, target, analysis.commands);
  if (listing === undefined || !coversTrees(kind, target, listing.trees, facts)) {
    return [{ kind, target, shape: pathShape(target, command, facts, hidden) }];
  }
  return [
    ...listing.names.map((shape): TargetView => ({ kind, target, shape, listed: true })),
    ...listing.trees.map((tree): TargetView => {
      const below = { ...target, path: tree, resolved: tree, recursive: true };
      return { kind, target: below, shape: undefined, listed: true };
    }),
  ];
}

/**
 * Whether the folders of a listing stand for all that it finds in them. For searching them they do, as for a search of a tree.
 * What shows whole files is asked about, and what changes them unless the folders are named: one could be restricted.
 */
function coversTrees(kind: TargetView['kind'], target: PathTarget, trees: readonly string[], facts: Facts): boolean {
  if (trees.length === 0) return true;
  if (kind === 'read') return target.searched === true;
  return trees.every((tree) => ![facts.workspace, facts.cwd].some((folder) => `${folder}/`.startsWith(`${tree}/`)));
}

/** `find -delete` removes only the names that it looks for. */
function viewNamed(kind: TargetView['kind'], target: PathTarget, command: AnalysedCommand): readonly TargetView[] {
  const deletes = kind === 'remove' && target.recursive && command.program === 'find';
  const names = deletes ? findFoundNames(command) : undefined;
  return names === undefined ? [{ kind, target, shape: undefined }] : viewFound(kind, target, names);
}

/** `{}` of `find -exec`: the names that it looks for, or else its whole tree, which counts like any search of a tree. */
function viewFound(
  kind: TargetView['kind'],
  target: PathTarget,
  names: readonly (readonly Token[])[] | undefined,
): readonly TargetView[] {
  if (names !== undefined)
    return names.map((shape) => ({
      kind,
      target: { ...target, path: undefined, resolved: undefined },
      shape,
      listed: true,
    }));
  const path = target.path ?? target.prefix?.replace(/\/$/, '');
  return [{ kind, target: { ...target, path, resolved: target.resolved ?? path, recursive: true }, shape: undefined }];
}

/** What it writes for the paths that `find` gives to a command. */
const foundPath = '{}';

/** As written, and with the quotes around addresses removed: `curl "https://host/a?b&c"` needs them only for the shell. */
function grantForms(command: AnalysedCommand, layer: Layer, index: number): readonly GrantForm[] {
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

function wideForms(command: AnalysedCommand, facts: Facts): readonly WideForm[] {
  const paths = pathsOf(command, facts);
  return command.layers.map((layer) => wideForm(layer, command, paths, facts));
}

function wideForm(layer: Layer, command: AnalysedCommand, paths: ReadonlyMap<number, string>, facts: Facts): WideForm {
  const plain = (word: Word): string => word.values?.join(' ') ?? maskUnknown(word, facts);
  const spellings = [
    layer.words.map(plain),
    layer.words.map((word) => normaliseOperand(plain(word))),
    layer.words.map((word) => paths.get(word.start) ?? plain(word)),
    layer.words.map((word) => belowFolder(paths.get(word.start), facts.home, '~') ?? plain(word)),
    layer.words.map((word) => belowFolder(paths.get(word.start), command.cwd, '.')?.slice(2) ?? plain(word)),
  ];
  const texts = new Set(layer.resolved === undefined ? [layer.text] : [layer.text, layer.resolved]);
  for (const [program = '', ...operands] of spellings) {
    texts.add([program, ...operands].join(' '));
    if (program.includes('/')) texts.add([program.slice(program.lastIndexOf('/') + 1), ...operands].join(' '));
  }
  const shape = layer.resolved === undefined ? commandShape(layer.words, facts) : undefined;
  return { texts: [...texts], shape, shapeStart: shape === undefined ? '' : literalStart(shape) };
}

/**
 * Absolute paths of operands, by the place of the word. A plain relative path inside the working directory stays as it
 * is: a rule such as `rm -rf /*` is about paths that are written, or lead, somewhere else.
 */
function pathsOf(command: AnalysedCommand, facts: Facts): ReadonlyMap<number, string> {
  const paths = new Map<number, string>();
  for (const effect of command.effects) {
    if (!('target' in effect) || effect.target.path === undefined) continue;
    const { path, span, source } = effect.target;
    const word = wordAt(command, span.start, source);
    if (word === undefined) continue;
    const relative = word.values !== undefined && word.values[0]?.startsWith('/') === false;
    if (!relative || belowFolder(path, facts.workspace ?? facts.cwd, '.') === undefined) paths.set(span.start, path);
  }
  return paths;
}

function normaliseOperand(value: string): string {
  if (!value.includes('/') || value.startsWith('-') || value.includes('://')) return value;
  return normaliseRelative(value).replace(/^\.\//, '') + (value.endsWith('/') && value.length > 1 ? '/' : '');
}

/** The path with `name` in the place of the folder; undefined when it lies elsewhere. */
function belowFolder(path: string | undefined, folder: string | undefined, name: string): string | undefined {
  if (path === undefined || folder === undefined) return undefined;
  if (path === folder) return name;
  return path.startsWith(folder === '/' ? '/' : `${folder}/`) ? `${name}${path.slice(folder.length)}` : undefined;
}

function maskUnknown(word: Word, facts: Facts): string {
  return word.parts
    .map((part) => {
      if (part.type === 'literal') return part.value;
      return part.type === 'tilde' && part.value === '' ? facts.home : unknownPiece;
    })
    .join('');
}

function commandShape(words: readonly Word[], facts: Facts): readonly Token[] {
  const tokens: Token[] = [];
  words.forEach((word, index) => {
    const own = wordShape(word, facts);
    if (index > 0) {
      // An unquoted expansion can vanish, and its blank with it.
      const vanishes = word.values === undefined && !word.quoted && own.every((token) => token === anyText);
      if (vanishes) tokens.push({ skip: own.length + 1 });
      tokens.push(' ');
    }
    tokens.push(...own);
  });
  if (tokens.length <= maxShape) return tokens;
  return [...tokens.slice(0, maxShape / 2).map(keepUnits), anyText, ...tokens.slice(-maxShape / 2).map(keepUnits)];
}

/** Of a longer text only the ends are compared with patterns; its middle counts as unknown, which can only ask. */
const maxShape = 1000;

/** A jump could lead past the cut, so an optional blank becomes any text. */
function keepUnits(token: Token): Token {
  return typeof token === 'object' && 'skip' in token ? anyText : token;
}

function wordShape(word: Word, facts: Facts): readonly Token[] {
  if (word.values !== undefined) return literalTokens(word.values.join(' '));
  return word.parts.flatMap((part): readonly Token[] => {
    if (part.type === 'literal') return literalTokens(part.value);
    return part.type === 'tilde' && part.value === '' ? literalTokens(facts.home) : [anyText];
  });
}

function literalStart(tokens: readonly Token[]): string {
  const end = tokens.findIndex((token) => typeof token !== 'string');
  return tokens.slice(0, end < 0 ? tokens.length : end).join('');
}
