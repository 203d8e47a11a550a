/** What the terminal around us is. */
import { readFileSync } from 'node:fs';
import tty from 'node:tty';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * A background job must not touch the terminal: changing its settings or reading it would stop the job.
 * Without a controlling terminal there is no job control. Source: proc(5) /proc/pid/stat, fields pgrp and tpgid. Where
 * there is no /proc the answer is yes.
 */
export function isForeground(): boolean {
  try {
    const text = readFileSync('/proc/self/stat', 'utf8');
    // The program's name stands in parentheses and may hold anything; the numbers follow the last one.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[5] === '-1' || fields[2] === fields[5];
  } catch {
    return true;
  }
}

/** As of now: Node keeps the size of its own streams up to date on SIGWINCH. */
export function measureTerminal(): TerminalSize {
  // Touching a stream that is a pipe would make that pipe non-blocking for everybody who shares it.
  const stream = tty.isatty(1) ? process.stdout : tty.isatty(2) ? process.stderr : undefined;
  const [columns, rows] = stream?.getWindowSize() ?? [0, 0];
  // A serial line or a fresh pty may say 0 by 0.
  return { columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24 };
}
