/**
 * Lines of a reflog. Whoever reads one prints it on a terminal, so control characters do not pass. Text is taken as bytes
 * (latin1), because names and messages may have any encoding.
 * Source: gitrepository-layout(5) "logs"; refs/files-backend.c of git
 */
import { isHash, type ObjectFormat } from './object-format.ts';

const linePattern = /^([0-9a-f]+) ([0-9a-f]+) ([^\t<>\n]*<[^\t<>\n]*> \d+ [+-]\d{4})(?:\t(.*))?$/s;

export interface ReflogChange {
  /** Whole lines that the real log does not have, in order. */
  readonly added: readonly string[];
  /** What the reference was before the first of them, as the command saw it. */
  readonly firstOld: string | undefined;
}

export function splitReflog(bytes: Uint8Array): readonly string[] {
  return Buffer.from(bytes)
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '');
}

/** What is no line of a reflog is left out. */
export function cleanReflog(lines: readonly string[], format: ObjectFormat): readonly string[] {
  return lines.flatMap((line) => {
    const [, before = '', after = '', who, message] = linePattern.exec(line) ?? [];
    if (who === undefined || !isHash(format, before) || !isHash(format, after)) return [];
    const clean = (text: string): string => text.replace(/[\x00-\x1f\x7f]/g, ' ');
    return [`${before} ${after} ${clean(who)}${message === undefined ? '' : `\t${clean(message)}`}`];
  });
}

/**
 * The same line may be there several times; each counts once. So a merge that is tried again adds nothing twice, and lines
 * that the host added meanwhile do not matter.
 */
export function findReflogChange(real: readonly string[], staged: readonly string[]): ReflogChange {
  const known = new Map<string, number>();
  for (const line of real) known.set(line, (known.get(line) ?? 0) + 1);
  const added = staged.filter((line) => {
    const left = known.get(line) ?? 0;
    known.set(line, left - 1);
    return left <= 0;
  });
  return { added, firstOld: added[0]?.split(' ', 1)[0] };
}

export const formatReflog = (lines: readonly string[]): Buffer =>
  Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');
