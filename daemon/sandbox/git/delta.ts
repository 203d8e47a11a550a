/** Rebuilds an object from the one it was stored as a difference to. Source: gitformat-pack(5), "Deltified representation" */

/** @returns undefined for a delta that does not fit its base or its own sizes. */
export function applyDelta(base: Uint8Array, delta: Uint8Array, maxBytes: number): Buffer | undefined {
  let at = 0;
  const byte = (): number => delta[at++] ?? 0;
  const size = (): number => {
    let value = 0;
    let factor = 1;
    for (;;) {
      const next = byte();
      value += (next & 0x7f) * factor;
      factor *= 128;
      if (next < 0x80 || at > delta.length) return value;
    }
  };
  if (size() !== base.length) return undefined;
  const length = size();
  if (length > maxBytes) return undefined;
  const result = Buffer.allocUnsafe(length);
  let filled = 0;
  while (at < delta.length) {
    const instruction = byte();
    if (instruction === 0) return undefined;
    let source: Uint8Array = delta;
    let from: number;
    let count: number;
    if (instruction & 0x80) {
      from = 0;
      count = 0;
      for (let bit = 0; bit < 4; bit++) if (instruction & (1 << bit)) from += byte() * 2 ** (8 * bit);
      for (let bit = 0; bit < 3; bit++) if (instruction & (0x10 << bit)) count += byte() * 2 ** (8 * bit);
      if (count === 0) count = 0x10000;
      source = base;
    } else {
      from = at;
      count = instruction;
      at += count;
    }
    if (from + count > source.length || filled + count > length || at > delta.length) return undefined;
    result.set(source.subarray(from, from + count), filled);
    filled += count;
  }
  return filled === length && at === delta.length ? result : undefined;
}
