/**
 * What a run may use, by the names that policies, requests and reports share, and how an amount of each is written for
 * people. Without the validator: it is on the path of every `sbx run`.
 */

export const limitNames = [
  'timeoutMs',
  'idleTimeoutMs',
  'cpuSeconds',
  'memoryBytes',
  'processes',
  'openFiles',
  'fileBytes',
  'tmpBytes',
  'outputBytes',
] as const;
export type LimitName = (typeof limitNames)[number];

/** What each limits, as a noun, and the option of `sbx run` that sets it. The size of `/tmp` belongs to the session. */
export const limitWords: Readonly<Record<LimitName, readonly [what: string, option: string | undefined]>> = {
  timeoutMs: ['the time limit', '--timeout'],
  idleTimeoutMs: ['the limit on time without output', '--idle-timeout'],
  cpuSeconds: ['the limit on processor time of a process', '--cpu'],
  memoryBytes: ['the memory limit', '--memory'],
  processes: ['the limit on processes and threads', '--processes'],
  openFiles: ['the limit on open files of a process', '--open-files'],
  fileBytes: ['the limit on the size of a file', '--max-file'],
  tmpBytes: ['the size of each temporary folder', undefined],
  outputBytes: ['the limit on output', '--max-output'],
};

const timeUnits = [
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;
const byteUnits = [
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
  ['bytes', 1],
] as const;

/** In the largest unit that divides it, so that no digit is lost. */
export function showLimit(name: LimitName, value: number): string {
  const units = name.endsWith('Ms') ? timeUnits : name.endsWith('Bytes') ? byteUnits : undefined;
  if (units === undefined) return name === 'cpuSeconds' ? `${value} s` : String(value);
  const [unit, size] = units.find(([, divisor]) => value % divisor === 0) ?? units[units.length - 1] ?? ['', 1];
  return `${value / size} ${value === 1 && unit === 'bytes' ? 'byte' : unit}`;
}
