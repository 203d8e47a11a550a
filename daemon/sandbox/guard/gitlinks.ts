/**
 * Reads which paths of a repository are submodules, from its index file: there a host's `git status` looks for another
 * repository and runs what that one's configuration says.
 *
 * Source: gitformat-index(5), versions 2 to 4.
 */
import { closeSync } from 'node:fs';
import { toRaw } from './raw-name.ts';
import { openFolder, readSmallFile } from './verified-folder.ts';

const maxIndexBytes = 64 * 1024 ** 2;
const gitlinkMode = 0o160000;
const fixedBytes = 40;

/** Raw paths, of the workspace's own repository. */
export function listSubmodules(workspace: string): readonly string[] {
  let folder: number;
  try {
    folder = openFolder(toRaw(workspace), ['.git']);
  } catch {
    return [];
  }
  try {
    const index = readSmallFile(folder, 'index', maxIndexBytes);
    if (index === undefined) return [];
    return findGitlinks(index, 20) ?? findGitlinks(index, 32) ?? [];
  } finally {
    closeSync(folder);
  }
}

/** Raw paths. Undefined when it is no index that can be read. */
export function findGitlinks(index: Buffer, hashBytes: 20 | 32): readonly string[] | undefined {
  if (index.length < 12 || index.toString('latin1', 0, 4) !== 'DIRC') return undefined;
  const version = index.readUInt32BE(4);
  if (version < 2 || version > 4) return undefined;
  const found: string[] = [];
  let at = 12;
  let previous = '';
  for (let left = index.readUInt32BE(8); left > 0; left--) {
    const flagsAt = at + fixedBytes + hashBytes;
    if (flagsAt + 2 > index.length) return undefined;
    const isExtended = version >= 3 && (index.readUInt16BE(flagsAt) & 0x4000) !== 0;
    let nameAt = flagsAt + (isExtended ? 4 : 2);
    let kept = 0;
    if (version === 4) {
      const number = readOffset(index, nameAt);
      if (number === undefined || number.value > previous.length) return undefined;
      kept = previous.length - number.value;
      nameAt = number.next;
    }
    const end = index.indexOf(0, nameAt);
    if (end < 0) return undefined;
    const isLink = index.readUInt32BE(at + 24) === gitlinkMode;
    if (version === 4) previous = previous.slice(0, kept) + index.toString('latin1', nameAt, end);
    if (isLink) found.push(version === 4 ? previous : index.toString('latin1', nameAt, end));
    at = version === 4 ? end + 1 : at + ((end - at + 8) & ~7);
  }
  return found;
}

/** As in packs: each byte but the last has its highest bit set, and counts one more. */
function readOffset(bytes: Buffer, start: number): { value: number; next: number } | undefined {
  let value = -1;
  for (let at = start; at < bytes.length && at < start + 5; at++) {
    const byte = bytes[at] ?? 0;
    value = (value + 1) * 128 + (byte & 127);
    if ((byte & 128) === 0) return { value, next: at + 1 };
  }
  return undefined;
}
