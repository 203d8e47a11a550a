/** Parses /proc/PID/mountinfo. Source: proc_pid_mountinfo(5). */
import { readFileSync } from 'node:fs';

export interface Mount {
  readonly id: number;
  /** The mount that it is mounted on. */
  readonly parent: number;
  /** `major:minor` of the file system; the same for every mount of it. */
  readonly device: string;
  /** The folder or file of the file system that the mount shows. */
  readonly root: string;
  readonly path: string;
  readonly options: readonly string[];
  readonly type: string;
  readonly source: string;
}

/** Octal escapes of mountinfo (space, tab, newline, backslash) are bytes of a UTF-8 path. */
function decodePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export function parseMountTable(text: string): Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [head = '', tail = ''] = line.split(' - ', 2);
      const fields = head.split(' ');
      const [type = '', source = ''] = tail.split(' ');
      return {
        id: Number(fields[0]),
        parent: Number(fields[1]),
        device: fields[2] ?? '',
        root: decodePath(fields[3] ?? ''),
        path: decodePath(fields[4] ?? ''),
        options: (fields[5] ?? '').split(','),
        type,
        source: decodePath(source),
      };
    });
}

/** @throws when the process is gone. */
export function readMountTable(pid: number | 'self'): Mount[] {
  return parseMountTable(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
}

/**
 * The mount that a path really leads to. A mount may be in the table and yet out of sight, when another was made later
 * on a folder above it.
 */
export function findMountAt(mounts: readonly Mount[], place: string): Mount | undefined {
  const ids = new Set(mounts.map((mount) => mount.id));
  let current = mounts.find((mount) => mount.path === '/' && !ids.has(mount.parent));
  const names = place.split('/').filter((name) => name !== '');
  for (let length = 0; length <= names.length; length++) {
    const prefix = `/${names.slice(0, length).join('/')}`;
    for (let on = current; on !== undefined; ) {
      const below = on.id;
      on = mounts.find((mount) => mount.parent === below && mount.path === prefix && mount.id !== below);
      current = on ?? current;
    }
  }
  return current;
}
