/**
 * Reads what a failed command wrote to its error output: which of the errors that a sandbox causes it tells, and of which
 * paths. The text is the command's own and may say anything; it explains a failure and never decides anything.
 */
import { stripVTControlCharacters } from 'node:util';
import { type ErrorKind, errorPatterns, otherReasons } from './error-words.ts';
import { findClearPaths, findPrintedPaths } from './printed-paths.ts';

export interface ReportedError {
  readonly kind: ErrorKind;
  /** As printed, quoting undone; the likeliest first. */
  readonly candidates: readonly string[];
  /** It made, removed or renamed an entry of the folder that holds the path. */
  readonly changesFolder: boolean;
  /** What failed is called mkdir. */
  readonly makesFolder: boolean;
}

/** Lines beside the one with the reason in which its path may stand: `Caused by:` chains, blocks of npm, CMake. */
const linesAbove = 5;
const linesBelow = 4;
const maxErrors = 64;
const maxLineLength = 4096;

/** Words for changing entries of folders, as programs and system calls call it. */
const changesFolder =
  /\b(?:mkdir|mkdtemp|unlink|rmdir|rename|symlink|link|mknod|remov|delet|creat|mkstemp|touch|lock|move|temporary)/iu;

interface Reason {
  readonly kind: ErrorKind;
  readonly begin: number;
  readonly end: number;
}

function findReason(line: string): Reason | undefined {
  for (const { kind, pattern } of errorPatterns) {
    const match = pattern.exec(line);
    if (match === null) continue;
    // that it could not write has another reason, which the line gives
    if (kind === 'unwritable' && otherReasons.test(line)) return undefined;
    return { kind, begin: match.index, end: match.index + match[0].length };
  }
  return undefined;
}

/** A message that ends with a colon goes on in the next line, where what has no reason of its own has its path. */
function readNeighbours(lines: readonly string[], at: number, kind: ErrorKind): string[] {
  const goesOn = /:\s*$/u.test(lines[at] ?? '');
  const above = kind === 'unwritable' ? [] : lines.slice(Math.max(0, at - linesAbove), at).toReversed();
  const below = kind === 'unwritable' && !goesOn ? [] : lines.slice(at + 1, at + 1 + linesBelow);
  return [...(goesOn ? [...below, ...above] : [...above, ...below])].flatMap(findClearPaths);
}

/** @param isCut the beginning of the text is missing, so its first line is not whole. */
export function readErrors(text: string, isCut: boolean): ReportedError[] {
  const lines = stripVTControlCharacters(text)
    .split(/[\n\r]+/u)
    .slice(isCut ? 1 : 0)
    .map((line) => line.slice(0, maxLineLength));
  const errors: ReportedError[] = [];
  for (const [index, line] of lines.entries()) {
    const reason = findReason(line);
    if (reason === undefined) continue;
    const before = line.slice(0, reason.begin);
    // where no reason is given the path may stand within the words that tell it
    const after = line.slice(reason.kind === 'unwritable' ? reason.begin : reason.end);
    const own = findPrintedPaths(before, after, reason.kind === 'unwritable');
    const isClear = own.some((candidate) => candidate.includes('/'));
    errors.push({
      kind: reason.kind,
      candidates: isClear ? own : [...own, ...readNeighbours(lines, index, reason.kind)],
      changesFolder: changesFolder.test(line),
      makesFolder: /mkdir/iu.test(line),
    });
    if (errors.length === maxErrors) break;
  }
  return errors;
}
