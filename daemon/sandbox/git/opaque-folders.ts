/**
 * Which folders of an overlay's upper layer hide what is below them. overlayfs says it by an extended attribute, which Node
 * cannot read; GNU tar writes those of a folder into its header as text.
 * Source: Documentation/filesystems/overlayfs.rst "userxattr"; POSIX pax "Extended Header"
 */
import { findTool, runTool } from '../../platform/spawn.ts';

const blockBytes = 512;
/** Headers of so many folders stay far below what is kept of a program's output. */
const foldersPerCall = 100;
const attribute = 'SCHILY.xattr.user.overlay.opaque=';

/** @returns undefined when there is no tar that can tell. */
export async function findOpaqueFolders(
  layer: string,
  folders: readonly string[],
): Promise<ReadonlySet<string> | undefined> {
  const tar = findTool('tar');
  if (folders.length === 0) return new Set();
  if (tar === undefined) return undefined;
  const opaque = new Set<string>();
  for (let from = 0; from < folders.length; from += foldersPerCall) {
    const some = folders.slice(from, from + foldersPerCall);
    const { ok, stdout } = await runTool([
      ...[tar, '--create', '--format=posix', '--xattrs', '--xattrs-include=user.overlay.*', '--no-recursion'],
      ...[
        '--numeric-owner',
        '--pax-option=delete=mtime,delete=atime,delete=ctime',
        '--file=-',
        `--directory=${layer}`,
        '--',
      ],
      ...some.map((folder) => `./${folder}`),
    ]);
    if (!ok) return undefined;
    const flags = readOpaqueFlags(Buffer.from(stdout));
    if (flags.length !== some.length) return undefined;
    for (const [index, flag] of flags.entries()) if (flag) opaque.add(some[index] ?? '');
  }
  return opaque;
}

/** For each member of an archive of folders, in order, whether its extended header has the attribute. */
export function readOpaqueFlags(archive: Buffer): readonly boolean[] {
  const flags: boolean[] = [];
  let isOpaque = false;
  for (let at = 0; at + blockBytes <= archive.length; ) {
    const header = archive.subarray(at, at + blockBytes);
    if (header[0] === 0) break;
    const size = Number.parseInt(header.toString('latin1', 124, 136), 8) || 0;
    const type = header.toString('latin1', 156, 157);
    at += blockBytes;
    if (type === 'x') isOpaque = hasAttribute(archive.subarray(at, at + size));
    if (type === '5') {
      flags.push(isOpaque);
      isOpaque = false;
    }
    at += Math.ceil(size / blockBytes) * blockBytes;
  }
  return flags;
}

/** Records are `LENGTH KEY=VALUE LF`, the length counted with itself. */
function hasAttribute(records: Buffer): boolean {
  for (let at = 0; at < records.length; ) {
    const space = records.indexOf(0x20, at);
    const length = Number(records.toString('latin1', at, space));
    if (space < 0 || !Number.isInteger(length) || length <= space - at) return false;
    if (records.toString('latin1', space + 1, at + length) === `${attribute}y\n`) return true;
    at += length;
  }
  return false;
}
