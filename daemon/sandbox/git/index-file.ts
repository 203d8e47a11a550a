/**
 * git's index, read and written without its extensions. Those make a git believe trees that it did not compute, skip
 * looking at files, or read another file; all of them can be made again.
 * Source: gitformat-index(5), versions 2 to 4
 */
import { hashBytes, hashOf, isNull, type ObjectFormat } from './object-format.ts';

export interface IndexEntry {
  /** Bytes as latin1: so sorting by text is sorting by bytes. */
  readonly path: string;
  readonly stage: number;
  readonly mode: number;
  readonly hash: string;
  readonly assumeValid: boolean;
  readonly skipWorktree: boolean;
  readonly intentToAdd: boolean;
  /** Ten 32-bit numbers about the file in the working tree; the mode is one of them. */
  readonly stat: Buffer;
}

export const gitlinkMode = 0o160000;
/** A whole folder as one entry, in a sparse index. */
const folderMode = 0o040000;
const modes: ReadonlySet<number> = new Set([0o100644, 0o100755, 0o120000, gitlinkMode, folderMode]);
const statBytes = 40;
const modeAt = 24;

export type ReadIndex = { readonly entries: readonly IndexEntry[] } | { readonly unusable: string };

export function parseIndex(bytes: Buffer, format: ObjectFormat): ReadIndex {
  const width = hashBytes(format);
  const end = bytes.length - width;
  if (end < 12 || bytes.toString('latin1', 0, 4) !== 'DIRC') return { unusable: 'it is no index' };
  const version = bytes.readUInt32BE(4);
  const count = bytes.readUInt32BE(8);
  if (version < 2 || version > 4) return { unusable: `its version ${version} is not known` };
  const checksum = bytes.toString('hex', end);
  // none is written with `index.skipHash`
  if (!isNull(checksum) && hashOf(format, bytes.subarray(0, end)) !== checksum)
    return { unusable: 'its checksum is wrong' };
  if (count > end / (statBytes + width)) return { unusable: 'it is cut short' };
  const entries: IndexEntry[] = [];
  let at = 12;
  let previous = '';
  for (let index = 0; index < count; index++) {
    const start = at;
    if (at + statBytes + width + 4 > end) return { unusable: 'it is cut short' };
    const stat = bytes.subarray(at, at + statBytes);
    const hash = bytes.toString('hex', at + statBytes, at + statBytes + width);
    at += statBytes + width;
    const flags = bytes.readUInt16BE(at);
    at += 2;
    const isExtended = version >= 3 && (flags & 0x4000) !== 0;
    const extended = isExtended ? bytes.readUInt16BE(at) : 0;
    if (isExtended) at += 2;
    let kept = 0;
    if (version === 4) {
      let byte = bytes[at++] ?? 0;
      let removed = byte & 0x7f;
      while (byte & 0x80 && at < end) {
        byte = bytes[at++] ?? 0;
        removed = (removed + 1) * 128 + (byte & 0x7f);
      }
      kept = previous.length - removed;
    }
    const nul = bytes.indexOf(0, at);
    if (nul < 0 || nul >= end || kept < 0) return { unusable: 'it is cut short' };
    const path = previous.slice(0, kept) + bytes.toString('latin1', at, nul);
    at = version === 4 ? nul + 1 : start + Math.ceil((nul - start + 1) / 8) * 8;
    const entry: IndexEntry = {
      path,
      stage: (flags >> 12) & 3,
      mode: stat.readUInt32BE(modeAt),
      hash,
      assumeValid: (flags & 0x8000) !== 0,
      skipWorktree: (extended & 0x4000) !== 0,
      intentToAdd: (extended & 0x2000) !== 0,
      stat,
    };
    const before = entries.at(-1);
    if (before !== undefined && (before.path > path || (before.path === path && before.stage >= entry.stage))) {
      return { unusable: 'its entries are not in order' };
    }
    // an entry without a path stands for one of the shared index
    if (path === '') return { unusable: 'it is split over two files' };
    if (!isSafePath(entry)) return { unusable: `\`${Buffer.from(path, 'latin1')}\` is no path that git allows` };
    if (!modes.has(entry.mode)) return { unusable: `the mode of \`${Buffer.from(path, 'latin1')}\` is not known` };
    entries.push(entry);
    previous = version === 4 ? path : '';
  }
  for (; at < end; ) {
    if (at + 8 > end) return { unusable: 'it is cut short' };
    const name = bytes.toString('latin1', at, at + 4);
    if (name === 'link') return { unusable: 'it is split over two files' };
    if (/^[^A-Z]/.test(name) && name !== 'sdir') return { unusable: `its extension \`${name}\` is not known` };
    at += 8 + bytes.readUInt32BE(at + 4);
  }
  return at === end ? { entries } : { unusable: 'it is cut short' };
}

/** Source: verify_path in read-cache.c of git, with the names that other file systems take for `.git` */
function isSafePath({ path, mode }: IndexEntry): boolean {
  // hardly any path has a part that begins with a dot or could be another spelling of one, and there are many paths
  if (!/^\/|\/\/|\/$|(?:^|\/)\.|git|[\x80-\xff]/i.test(path)) return path !== '';
  const plain = mode === folderMode && path.endsWith('/') ? path.slice(0, -1) : path;
  return plain.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !isGitFolderName(part));
}

function isGitFolderName(part: string): boolean {
  // ignored by HFS+: zero width and direction marks; by NTFS: dots, spaces and streams at the end
  const text = Buffer.from(part, 'latin1')
    .toString()
    .replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
    .toLowerCase();
  return /^(?:\.git|git~1)[. ]*(?::.*)?$/s.test(text) || /^\.git\\/.test(text);
}

export function formatIndex(entries: readonly IndexEntry[], format: ObjectFormat): Buffer {
  const isExtended = (entry: IndexEntry): boolean => entry.skipWorktree || entry.intentToAdd;
  const header = Buffer.alloc(12);
  header.write('DIRC', 0, 'latin1');
  header.writeUInt32BE(entries.some(isExtended) ? 3 : 2, 4);
  header.writeUInt32BE(entries.length, 8);
  const parts: Buffer[] = [header];
  for (const entry of entries) {
    const path = Buffer.from(entry.path, 'latin1');
    const extended = isExtended(entry);
    const length = statBytes + hashBytes(format) + (extended ? 4 : 2) + path.length;
    const bytes = Buffer.alloc(Math.ceil((length + 1) / 8) * 8);
    entry.stat.copy(bytes, 0);
    bytes.writeUInt32BE(entry.mode, modeAt);
    bytes.write(entry.hash, statBytes, 'hex');
    let at = statBytes + hashBytes(format);
    const flags = (entry.assumeValid ? 0x8000 : 0) | (extended ? 0x4000 : 0) | (entry.stage << 12);
    at = bytes.writeUInt16BE(flags | Math.min(path.length, 0xfff), at);
    if (extended) at = bytes.writeUInt16BE((entry.skipWorktree ? 0x4000 : 0) | (entry.intentToAdd ? 0x2000 : 0), at);
    path.copy(bytes, at);
    parts.push(bytes);
  }
  if (entries.some(({ mode }) => mode === folderMode)) parts.push(Buffer.from('sdir\0\0\0\0', 'latin1'));
  const content = Buffer.concat(parts);
  return Buffer.concat([content, Buffer.from(hashOf(format, content), 'hex')]);
}
