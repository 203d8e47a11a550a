/** What the terminal around us is, and putting it back the way it was whatever happens. */
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

export function measureTerminal(): TerminalSize {
  const fd = [1, 0, 2].find((candidate) => tty.isatty(candidate));
  const [columns, rows] = fd === undefined ? [0, 0] : new tty.WriteStream(fd).getWindowSize();
  // A serial line or a fresh pty may say 0 by 0.
  return { columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24 };
}

/** Raw mode that ends with the process at the latest, also when it ends by an error. */
export class RawMode {
  readonly #terminal: tty.ReadStream;
  readonly #restore = () => this.leave();
  #raw = false;

  constructor(terminal: tty.ReadStream) {
    this.#terminal = terminal;
    process.once('exit', this.#restore);
  }

  get isRaw(): boolean {
    return this.#raw;
  }

  enter(): void {
    this.#terminal.setRawMode(true);
    this.#raw = true;
  }

  leave(): void {
    if (!this.#raw) return;
    this.#raw = false;
    try {
      this.#terminal.setRawMode(false);
    } catch {
      // the terminal is gone
    }
  }
}
