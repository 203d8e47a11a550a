/** Reads amounts as people write them: times, sizes, counts. */
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

const byteUnits = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 } as const;
const sizeShape = /^(\d+(?:\.\d+)?)(?:([kmgt])(?:i?b)?|b)?$/i;

/** Whole bytes; every unit is a power of 1024, as in ulimit and docker. @throws {SbxError} `bad-usage` */
export function parseSize(text: string, option: string): number {
  const [, amount, unit = ''] = sizeShape.exec(text) ?? [];
  const factor = byteUnits[unit.toLowerCase() as keyof typeof byteUnits];
  const bytes = amount === undefined ? Number.NaN : Math.round(Number(amount) * factor);
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new SbxError('bad-usage', `\`${option}\`: \`${text}\` is not a size`, {
    help: 'write 512M, 2G, 64K or a number of bytes',
  });
}

/** @throws {SbxError} `bad-usage` */
export function parseCount(text: string, option: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count >= 1) return count;
  throw new SbxError('bad-usage', `\`${option}\`: \`${text}\` is not a whole number above 0`, { help: 'write 100' });
}
