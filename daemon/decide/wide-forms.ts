/**
 * A command as a restriction sees it: every layer in every spelling that means the same. Quotes are resolved, the program
 * stands without its folder, paths are normalised, absolute and below `~` (RULES O27, O30).
 */
import type { AnalysedCommand, Facts, Layer } from '../analyse/model.ts';
import type { Word } from '../parse/model.ts';
import { normaliseOperand } from './command-pattern.ts';
import { anyText, literalTokens, type Token } from './glob.ts';
import { wordAt } from './path-shape.ts';

export interface WideForm {
  /** Spellings; a piece that is not known is `unknownPiece`, which only a wildcard meets. */
  readonly texts: readonly string[];
  /** Every text that the form could become; undefined when all of it is known. */
  readonly shape: readonly Token[] | undefined;
  /** The literal beginning of `shape`. */
  readonly shapeStart: string;
}

/** A noncharacter: no rule and no command contains it. */
const unknownPiece = '\uffff';

export function wideForms(command: AnalysedCommand, facts: Facts): readonly WideForm[] {
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
