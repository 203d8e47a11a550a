/** Reads a time limit as people write it. */
import { SbxError } from '../protocol/errors.ts';

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const shape = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/;
/** A timer of Node cannot be longer. */
const maxMs = 2_147_483_647;

/** Whole milliseconds; a bare number is seconds. @throws {SbxError} `bad-usage` */
export function parseDuration(text: string, option: string): number {
  const [, amount, unit = 's'] = shape.exec(text) ?? [];
  const ms = amount === undefined ? Number.NaN : Math.round(Number(amount) * unitsMs[unit as keyof typeof unitsMs]);
  if (ms >= 1 && ms <= maxMs) return ms;
  throw new SbxError('bad-usage', `\`${option}\`: \`${text}\` is not a time between 1ms and 24 days`, {
    help: 'write 90, 90s, 5m, 1h or 500ms',
  });
}
