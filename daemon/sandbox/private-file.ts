/** Bytes as a file without a name: a seccomp filter, a long command. Every reader has an offset of its own. */
import { closeSync, fchownSync, mkdtempSync, openSync, rmdirSync, unlinkSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface PrivateFile {
  /** A fresh read-only descriptor at offset 0; the caller closes it. */
  readonly open: () => number;
  readonly close: () => void;
}

/**
 * The content has no name in the file system once this returns, so nobody can read or change it there.
 * @param owner who may open the file again through a descriptor it was given; the daemon's account by default.
 */
export function createPrivateFile(
  content: Uint8Array | string,
  owner?: { readonly uid: number; readonly gid: number },
): PrivateFile {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sbx-'));
  const name = path.join(folder, 'content');
  let descriptor: number;
  try {
    descriptor = openSync(name, 'wx+', 0o600);
    unlinkSync(name);
  } finally {
    rmdirSync(folder);
  }
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset);
  if (owner !== undefined && process.getuid?.() === 0) fchownSync(descriptor, owner.uid, owner.gid);
  return {
    open: () => openSync(`/proc/self/fd/${descriptor}`, 'r'),
    close: () => closeSync(descriptor),
  };
}
