/** Colour only where a person looks: on a terminal, and never against NO_COLOR. Source: no-color.org */
import tty from 'node:tty';

export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

export function choosePaint(fd: number, env: Readonly<Record<string, string | undefined>>): Paint {
  const coloured = tty.isatty(fd) && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  const wrap = (on: number, off: number) => (text: string) => (coloured ? `\x1b[${on}m${text}\x1b[${off}m` : text);
  return { bold: wrap(1, 22), dim: wrap(2, 22), red: wrap(31, 39), green: wrap(32, 39), yellow: wrap(33, 39) };
}
