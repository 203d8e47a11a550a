/**
 * The index beside a pack: sorted names, and where each object begins. Read by position, because it can be large.
 * Source: gitformat-pack(5), "Version 2 pack-*.idx files"
 */
import { fstatSync } from 'node:fs';
import { readPart } from './folder-tree.ts';
import { hashBytes, type ObjectFormat } from './object-format.ts';

const headerBytes = 8;
const fanoutBytes = 256 * 4;
const blockCount = 4096;
/** Of 18 million objects; a file with holes can claim any number. */
const maxIndexBytes = 512 * 2 ** 20;

export interface PackIndex {
  readonly count: number;
  /** Position in the pack, in the order of names; undefined for a name that is not there. */
  readonly find: (name: string) => number | undefined;
  readonly has: (name: string) => boolean;
  /** Every name with its position, sorted by name. */
  readonly entries: () => Iterable<PackEntry>;
  /** The checksum of the pack that it belongs to. */
  readonly packChecksum: string;
}

export interface PackEntry {
  readonly name: string;
  readonly position: number;
}

/** @returns undefined for what is no index of this version. */
export function readPackIndex(descriptor: number, format: ObjectFormat): PackIndex | undefined {
  const size = fstatSync(descriptor).size;
  if (size > maxIndexBytes) return undefined;
  const width = hashBytes(format);
  const head = readPart(descriptor, 0, headerBytes + fanoutBytes);
  if (head.length < headerBytes + fanoutBytes || head.readUInt32BE(0) !== 0xff744f63 || head.readUInt32BE(4) !== 2) {
    return undefined;
  }
  const fanout = Array.from({ length: 256 }, (_, index) => head.readUInt32BE(headerBytes + index * 4));
  const count = fanout[255] ?? 0;
  const names = headerBytes + fanoutBytes;
  const positions = names + count * (width + 4);
  const large = positions + count * 4;
  const trailer = size - 2 * width;
  if (
    trailer < large ||
    (trailer - large) % 8 !== 0 ||
    fanout.some((value, index) => value < (fanout[index - 1] ?? 0))
  ) {
    return undefined;
  }
  // names are mostly asked for in their order, so those with one first byte are kept
  let bucket: { readonly first: number; readonly bytes: Buffer } | undefined;
  const locate = (name: string): number | undefined => {
    const wanted = Buffer.from(name, 'hex');
    const first = wanted[0] ?? 0;
    const start = first === 0 ? 0 : (fanout[first - 1] ?? 0);
    const size = (fanout[first] ?? 0) - start;
    if (bucket?.first !== first) bucket = { first, bytes: readPart(descriptor, names + start * width, size * width) };
    let low = 0;
    let high = Math.floor(bucket.bytes.length / width);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = bucket.bytes.compare(wanted, 0, width, middle * width, (middle + 1) * width);
      if (order === 0) return start + middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return undefined;
  };
  const positionIn = (small: number, table: (index: number) => Buffer): number =>
    small < 0x8000_0000 ? small : Number(table(small - 0x8000_0000).readBigUInt64BE());
  const readLarge = (index: number): Buffer => {
    const bytes = readPart(descriptor, large + index * 8, 8);
    return bytes.length === 8 && large + index * 8 + 8 <= trailer ? bytes : Buffer.alloc(8, 0xff);
  };
  return {
    count,
    has: (name) => locate(name) !== undefined,
    find: (name) => {
      const index = locate(name);
      if (index === undefined) return undefined;
      return positionIn(readPart(descriptor, positions + index * 4, 4).readUInt32BE(), readLarge);
    },
    *entries() {
      for (let from = 0; from < count; from += blockCount) {
        const length = Math.min(blockCount, count - from);
        const blockNames = readPart(descriptor, names + from * width, length * width);
        const blockPositions = readPart(descriptor, positions + from * 4, length * 4);
        for (let index = 0; index < length; index++) {
          const name = blockNames.toString('hex', index * width, (index + 1) * width);
          yield { name, position: positionIn(blockPositions.readUInt32BE(index * 4), readLarge) };
        }
      }
    },
    packChecksum: readPart(descriptor, trailer, width).toString('hex'),
  };
}
