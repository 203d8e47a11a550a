/** The shape of a path that is not fully known: what an operand such as `"$dir"/*.env` could name. */
import type { AnalysedCommand, Analysis, Facts, PathTarget } from '../analyse/model.ts';
import type { Word } from '../parse/model.ts';
import { anyInSegment, anyText, digits, literalTokens, type Token, visibleInSegment } from './glob.ts';

/**
 * @param hiddenNames globs may find names that begin with a dot, and cross folders, which they do not unless the shell is
 * told so.
 */
export function pathShape(
  target: PathTarget,
  command: AnalysedCommand,
  facts: Facts,
  hiddenNames: boolean,
): readonly Token[] {
  const word = findWord(target, command);
  const parts = word?.parts.filter((part) => part.type !== 'literal' || part.value !== '') ?? [];
  const [first] = parts;
  const tokens: Token[] = [];
  if (first?.type === 'tilde' && first.value === '') tokens.push(...literalTokens(facts.home));
  else if (first?.type === 'literal' || first?.type === 'glob') {
    const absolute = first.type === 'literal' && first.value.startsWith('/');
    if (!absolute) tokens.push(...(command.cwd === undefined ? [anyText, '/'] : literalTokens(folder(command.cwd))));
  } else if (target.pattern !== undefined && /^[^*?[\]]*\*[^*?[\]]*$/.test(target.pattern)) {
    return target.pattern.split('').map((unit) => (unit === '*' ? anyInSegment : unit));
  } else if (target.prefix !== undefined) {
    const byGlob = target.confined && target.prefix.endsWith('/') && !hiddenNames;
    return [...literalTokens(target.prefix), byGlob ? visibleInSegment : anyText];
  } else return [anyText, ...parts.slice(1).flatMap((part) => partShape(part, hiddenNames))];
  parts.forEach((part, index) => {
    if (index === 0 && part.type === 'tilde') return;
    const atStart = tokens[tokens.length - 1] === '/';
    const before = parts[index - 1];
    if (part.type === 'glob') tokens.push(globShape(part.value, atStart && !hiddenNames, hiddenNames));
    else if (part.type === 'literal' && before?.type === 'glob' && before.value === '[')
      tokens.push(...literalTokens(part.value.replace(/^[!^]?[^/][^\]/]*\]/, '')));
    else tokens.push(...partShape(part, hiddenNames));
  });
  return throughProcess(tokens) ? [anyText] : dropDots(tokens);
}

/** `/proc/PID/cwd` and `root` lead to any place: every PID has its own. Source: proc(5). */
function throughProcess(tokens: readonly Token[]): boolean {
  const text = tokens.map((token) => (typeof token === 'string' ? token : '*')).join('');
  return /^\/+proc\/+[^/]+\/(?:.*\/)?(?:cwd|root|fd|\*+)(?:\/|$)/.test(text);
}

/**
 * Whether globs of this text may find hidden names: `dotglob`, `GLOBIGNORE`, or an extglob that names the dot itself.
 * Whatever sets options of the shell counts, `globstar` among them.
 * Source: bash(1) "Pathname Expansion".
 */
export function findsHiddenNames(analysis: Analysis): boolean {
  const known = hiddenNames.get(analysis);
  if (known !== undefined) return known;
  const found = looksForHiddenNames(analysis);
  hiddenNames.set(analysis, found);
  return found;
}

/** Asked once for every unknown path of a text. */
const hiddenNames = new WeakMap<Analysis, boolean>();

function looksForHiddenNames(analysis: Analysis): boolean {
  if (/[@!?+*]\(|GLOBIGNORE|BASHOPTS/.test(analysis.script.text)) return true;
  return analysis.commands.some((command) => [command, ...innerCommands(command)].some(changesGlobs));
}

function changesGlobs({ command, layers }: AnalysedCommand): boolean {
  const program = layers.at(-1)?.words[0];
  if (program !== undefined && (program.values === undefined || program.values[0] === 'shopt')) return true;
  return command.words.some((word) => word.values?.some((value) => /^[-+]O|glob/.test(value)) === true);
}

export function innerCommands(command: AnalysedCommand): readonly AnalysedCommand[] {
  return command.inner.flatMap((inner) => [inner, ...innerCommands(inner)]);
}

function folder(path: string): string {
  return path === '/' ? '/' : `${path}/`;
}

function findWord(target: PathTarget, command: AnalysedCommand): Word | undefined {
  if (target.redirection !== undefined) return target.redirection.target;
  // The words of inner text have places of their own; the same source text has the same shape wherever it stands.
  return wordAt(command, target.span.start, target.source);
}

/** By place, because a command can have as many targets as words. */
const wordsByStart = new WeakMap<readonly Word[], ReadonlyMap<number, readonly Word[]>>();

export function wordAt({ command: { words } }: AnalysedCommand, start: number, source: string): Word | undefined {
  let known = wordsByStart.get(words);
  if (known === undefined) {
    known = groupByStart(words);
    wordsByStart.set(words, known);
  }
  return known.get(start)?.find((word) => word.source === source);
}

/** The words that begin at each place, in their order. */
export function groupByStart(words: readonly Word[]): ReadonlyMap<number, readonly Word[]> {
  const groups = new Map<number, Word[]>();
  for (const word of words) {
    const group = groups.get(word.start);
    if (group === undefined) groups.set(word.start, [word]);
    else group.push(word);
  }
  return groups;
}

function partShape(part: Word['parts'][number], deep: boolean): readonly Token[] {
  if (part.type === 'literal') return literalTokens(part.value);
  if (part.type === 'arithmetic') return [digits];
  if (part.type === 'parameter' && (part.length || ownNumbers.has(part.name))) return [digits];
  return [part.type === 'glob' ? globShape(part.value, false, deep) : anyText];
}

/** Parameters that bash sets to a number. */
const ownNumbers: ReadonlySet<string> = new Set(['?', '#', '$', '!']);

/** @param deep under `globstar` `**` crosses folders. */
function globShape(glob: string, atSegmentStart: boolean, deep: boolean): Token {
  if (deep && glob.includes('**')) return anyText;
  return atSegmentStart ? visibleInSegment : anyInSegment;
}

/** Removes `./` and resolves `x/../` as far as both sides are literal; a `..` after an unknown piece can lead anywhere. */
function dropDots(tokens: readonly Token[]): readonly Token[] {
  const kept: Token[][] = [[]];
  for (const token of tokens) {
    if (token === '/') kept.push([]);
    else kept[kept.length - 1]?.push(token);
  }
  const segments: Token[][] = [];
  for (const [index, segment] of kept.entries()) {
    const text = segment.every((token) => typeof token === 'string') ? segment.join('') : undefined;
    if ((text === '' && index > 0) || text === '.') continue;
    if (text !== '..') {
      segments.push(segment);
      continue;
    }
    const before = segments[segments.length - 1];
    if (before?.every((token) => typeof token === 'string') !== true) return [anyText];
    if (segments.length > 1) segments.pop();
  }
  return segments.flatMap((segment, index): readonly Token[] => (index === 0 ? segment : ['/', ...segment]));
}
