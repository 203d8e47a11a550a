/** Parses /proc/PID/mountinfo. Source: proc_pid_mountinfo(5). */
import { readFileSync } from 'node:fs';

export interface Mount {
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
