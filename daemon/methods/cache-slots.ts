/**
 * Which layer of a workspace's caches a session writes: the kernel allows an upper layer to one overlay at a time. The
 * first session at a time always gets the first layer, so what it stored is there again next time.
 */
const taken = new Map<string, Set<number>>();

export interface CacheSlot {
  readonly slot: number;
  readonly release: () => void;
}

/** @param folder of the workspace. One daemon at a time uses it. */
export function takeCacheSlot(folder: string): CacheSlot {
  const slots = taken.get(folder) ?? new Set();
  taken.set(folder, slots);
  let slot = 0;
  while (slots.has(slot)) slot++;
  slots.add(slot);
  return { slot, release: () => void slots.delete(slot) };
}
