/** The options that say what a run may use at most. */
import { SbxError } from '../protocol/errors.ts';
import { showLimit } from '../protocol/limit-names.ts';
import type { RunLimits } from '../protocol/run-limits.ts';
import { parseCount, parseDuration, parseSize } from './read-amounts.ts';
import type { OptionValues } from './read-options.ts';

export const limitOptions = {
  '--idle-timeout': 'value',
  '--cpu': 'value',
  '--memory': 'value',
  '--processes': 'value',
  '--open-files': 'value',
  '--max-file': 'value',
  '--max-output': 'value',
} as const;

/** The least of each that the daemon takes, in its own words: below it no program could start at all. */
const least = { memoryBytes: 16 * 1024 ** 2, processes: 8, openFiles: 64, fileBytes: 1024 } as const;

/** @throws {SbxError} `bad-usage` */
export function collectLimits(options: OptionValues<typeof limitOptions>): RunLimits | undefined {
  const read = <T extends keyof RunLimits>(
    name: T,
    option: keyof typeof limitOptions,
    parse: (text: string, option: string) => number,
  ): { [K in T]?: number } => {
    const text = options[option];
    if (typeof text !== 'string') return {};
    const value = parse(text, option);
    const lowest = name in least ? least[name as keyof typeof least] : 1;
    if (value >= lowest) return { [name]: value } as { [K in T]?: number };
    throw new SbxError('bad-usage', `\`${option}\`: less than ${showLimit(name, lowest)} lets no command start`, {
      help: `give at least ${showLimit(name, lowest)}`,
    });
  };
  const seconds = (text: string, option: string): number => Math.max(1, Math.round(parseDuration(text, option) / 1000));
  const limits: RunLimits = {
    ...read('idleTimeoutMs', '--idle-timeout', parseDuration),
    ...read('cpuSeconds', '--cpu', seconds),
    ...read('memoryBytes', '--memory', parseSize),
    ...read('processes', '--processes', parseCount),
    ...read('openFiles', '--open-files', parseCount),
    ...read('fileBytes', '--max-file', parseSize),
    ...read('outputBytes', '--max-output', parseSize),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}
