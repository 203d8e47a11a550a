/** The file that holds many references. Source: git-pack-refs(1); packed-backend.c of git */
import { isHash, type ObjectFormat } from './object-format.ts';
import { isRefName } from './ref-name.ts';

/** Lines that make no sense are left out: nothing is ever taken from them. */
export function parsePackedRefs(bytes: Uint8Array, format: ObjectFormat): ReadonlyMap<string, string> {
  const refs = new Map<string, string>();
  for (const line of Buffer.from(bytes).toString().split('\n')) {
    const space = line.indexOf(' ');
    const hash = line.slice(0, space);
    const name = line.slice(space + 1);
    if (space > 0 && isHash(format, hash) && isRefName(name)) refs.set(name, hash);
  }
  return refs;
}

/** Every other line stays as it is. */
export function removeFromPackedRefs(bytes: Uint8Array, removed: string): Buffer {
  const kept: string[] = [];
  const name = Buffer.from(removed).toString('latin1');
  let isRemoved = false;
  for (const line of Buffer.from(bytes).toString('latin1').split('\n')) {
    // a line of a tag's target belongs to the one before
    if (!line.startsWith('^')) isRemoved = !line.startsWith('#') && line.slice(line.indexOf(' ') + 1) === name;
    if (!isRemoved && line !== '') kept.push(`${line}\n`);
  }
  return Buffer.from(kept.join(''), 'latin1');
}
