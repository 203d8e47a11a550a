/** The resource limits that the daemon itself has: a child can be given less, never more. */
import { readFileSync } from 'node:fs';

/** Rows of /proc/self/limits by the names of prlimit(1). Source: fs/proc/base.c, `lnames`. */
const rows = {
  core: 'Max core file size',
  cpu: 'Max cpu time',
  fsize: 'Max file size',
  nofile: 'Max open files',
  nproc: 'Max processes',
} as const;
export type ResourceName = keyof typeof rows;
export type HardLimits = Readonly<Record<ResourceName, number>>;

/** In seconds, bytes or pieces; `Infinity` where there is none. */
export function parseHardLimits(text: string): HardLimits {
  const read = (row: string): number => {
    const hard = new RegExp(`^${row} +\\S+ +(\\S+)`, 'm').exec(text)?.[1];
    return hard === undefined || hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
  };
  return Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, read(row)])) as HardLimits;
}

export function readHardLimits(): HardLimits {
  return parseHardLimits(readFileSync('/proc/self/limits', 'utf8'));
}
