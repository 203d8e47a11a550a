/** Which hash names a repository's objects. Source: git's hash-function-transition.txt */
import { createHash } from 'node:crypto';

export type ObjectFormat = 'sha1' | 'sha256';

export const hashBytes = (format: ObjectFormat): number => (format === 'sha1' ? 20 : 32);

export const isHash = (format: ObjectFormat, text: string): boolean =>
  text.length === 2 * hashBytes(format) && /^[0-9a-f]+$/.test(text);

export function hashOf(format: ObjectFormat, ...parts: readonly Uint8Array[]): string {
  const hash = createHash(format);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** In reflogs and in an index: no object. */
export const isNull = (hash: string): boolean => /^0+$/.test(hash);
