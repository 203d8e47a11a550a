/**
 * Objects of a pack that a command wrote. git believes a pack's index without looking: one that lies gives an existing
 * name another content. So nothing of a pack counts before its bytes have been unpacked and hashed.
 * Source: gitformat-pack(5)
 */
import { fstatSync } from 'node:fs';
import { applyDelta } from './delta.ts';
import { readPart } from './folder-tree.ts';
import { inflateBounded, maxPackedBytes, type ObjectType, objectHeader } from './loose-object.ts';
import { hashBytes, hashOf, type ObjectFormat } from './object-format.ts';
import type { PackIndex } from './pack-index.ts';
import type { WorkBudget } from './work-budget.ts';

const types: Readonly<Record<number, ObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
const positionDelta = 6;
const nameDelta = 7;
/** git itself makes chains of at most 4095. */
const maxChain = 4096;
const maxCacheBytes = 96 * 2 ** 20;

export interface PackedObject {
  readonly type: ObjectType;
  readonly content: Buffer;
}

interface Stored {
  readonly type: ObjectType | undefined;
  /** Where the object is that this one is a difference to. */
  readonly base: number | undefined;
  readonly bytes: Buffer;
}

export class Pack {
  readonly #descriptor: number;
  readonly #index: PackIndex;
  readonly #format: ObjectFormat;
  readonly #budget: WorkBudget;
  /** Where each object begins, sorted, and behind them where the trailer does. */
  readonly #borders: Float64Array;
  readonly #cache = new Map<number, PackedObject>();
  #cachedBytes = 0;

  constructor(descriptor: number, index: PackIndex, format: ObjectFormat, budget: WorkBudget) {
    this.#budget = budget;
    this.#descriptor = descriptor;
    this.#index = index;
    this.#format = format;
    const { size } = fstatSync(descriptor);
    budget.earn(size);
    const trailer = size - hashBytes(format);
    this.#borders = new Float64Array(index.count + 1);
    let filled = 0;
    for (const { position } of index.entries()) this.#borders[filled++] = position;
    this.#borders[filled] = trailer;
    this.#borders.sort();
  }

  /** @returns undefined unless the object's bytes hash to its name. */
  async read(name: string): Promise<PackedObject | undefined> {
    const position = this.#index.find(name);
    const found = position === undefined ? undefined : await this.#readAt(position);
    if (found === undefined) return undefined;
    return hashOf(this.#format, objectHeader(found.type, found.content), found.content) === name ? found : undefined;
  }

  async #readAt(position: number): Promise<PackedObject | undefined> {
    const deltas: (readonly [position: number, bytes: Buffer])[] = [];
    let at = position;
    let current = this.#cache.get(at);
    while (current === undefined) {
      const stored = await this.#readStored(at);
      if (stored === undefined || deltas.length > maxChain) return undefined;
      if (stored.base === undefined) {
        if (stored.type === undefined) return undefined;
        current = { type: stored.type, content: stored.bytes };
        this.#remember(at, current);
        break;
      }
      deltas.push([at, stored.bytes]);
      at = stored.base;
      current = this.#cache.get(at);
    }
    for (const [own, delta] of deltas.reverse()) {
      const content: Buffer | undefined = applyDelta(current.content, delta, maxPackedBytes);
      if (content === undefined) return undefined;
      this.#budget.spend(content.length);
      current = { type: current.type, content };
      this.#remember(own, current);
    }
    return current;
  }

  async #readStored(position: number): Promise<Stored | undefined> {
    const end = this.#borderAfter(position);
    if (end === undefined || position < 12 || end - position > maxPackedBytes) return undefined;
    const bytes = readPart(this.#descriptor, position, end - position);
    let at = 0;
    const byte = (): number => bytes[at++] ?? 0;
    const first = byte();
    const kind = (first >> 4) & 7;
    let size = first & 0x0f;
    let factor = 16;
    for (let next = first; next & 0x80 && at < bytes.length; factor *= 128) {
      next = byte();
      size += (next & 0x7f) * factor;
    }
    let base: number | undefined;
    if (kind === positionDelta) {
      let next = byte();
      let distance = next & 0x7f;
      while (next & 0x80 && at < bytes.length) {
        next = byte();
        distance = (distance + 1) * 128 + (next & 0x7f);
      }
      if (distance <= 0 || distance >= position) return undefined;
      base = position - distance;
    } else if (kind === nameDelta) {
      base = this.#index.find(bytes.toString('hex', at, at + hashBytes(this.#format)));
      if (base === undefined) return undefined;
      at += hashBytes(this.#format);
    } else if (types[kind] === undefined) return undefined;
    if (size > maxPackedBytes) return undefined;
    const inflated = await inflateBounded(bytes.subarray(at), size);
    this.#budget.spend(size);
    if (inflated?.length !== size) return undefined;
    return { type: types[kind], base, bytes: inflated };
  }

  #borderAfter(position: number): number | undefined {
    let low = 0;
    let high = this.#borders.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#borders[middle] ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return this.#borders[low];
  }

  #remember(position: number, object: PackedObject): void {
    if (object.content.length > maxCacheBytes / 4) return;
    this.#cache.set(position, object);
    this.#cachedBytes += object.content.length;
    for (const [oldest, { content }] of this.#cache) {
      if (this.#cachedBytes <= maxCacheBytes) break;
      this.#cache.delete(oldest);
      this.#cachedBytes -= content.length;
    }
  }
}
