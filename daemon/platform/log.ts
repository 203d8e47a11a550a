/** The daemon's own log: one line per event, private to the user, at most two files of a bounded size. */
import { appendFileSync, renameSync, statSync } from 'node:fs';

const maxBytes = 4 * 1024 * 1024;

export type Log = (message: string) => void;

export function openLog(file: string): Log {
  return (message) => {
    try {
      if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > maxBytes) renameSync(file, `${file}.1`);
      appendFileSync(file, `${new Date().toISOString()} ${message.replaceAll('\n', '\n    ')}\n`, { mode: 0o600 });
    } catch {
      // A full disk must not stop commands; there is nowhere else to say so.
    }
  };
}
