/**
 * A loose object: zlib over `TYPE SIZE NUL CONTENT`, named by the hash of that. Content and name must agree, because
 * whatever reads the repository later trusts the name.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { createInflate, deflate, inflate } from 'node:zlib';
import { UnusableFile } from './folder-tree.ts';
import type { ObjectFormat } from './object-format.ts';
import type { WorkBudget } from './work-budget.ts';

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

/** git streams blobs over 512 MiB into packs (`core.bigFileThreshold`), so the file of a loose object is smaller. */
export const maxLooseBytes = 640 * 2 ** 20;
/** Of a pack objects are unpacked in memory. */
export const maxPackedBytes = 256 * 2 ** 20;
const maxHeaderBytes = 64;

/** @returns undefined for what is no zlib, or more than the bound. */
export function inflateBounded(bytes: Uint8Array, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    inflate(bytes, { maxOutputLength: Math.max(1, maxBytes) }, (error, result) => {
      resolve(error === null ? result : undefined);
    });
  });
}

/** Whether the file's bytes are exactly the object of that name. Unpacked piece by piece, so it takes little memory. */
export async function isLooseObject(
  format: ObjectFormat,
  name: string,
  file: Uint8Array,
  budget: WorkBudget,
): Promise<boolean> {
  const unpacking = createInflate({ chunkSize: 64 * 1024 });
  const hash = createHash(format);
  let start: Buffer = Buffer.alloc(0);
  let total = 0;
  unpacking.end(file);
  try {
    for await (const piece of unpacking as AsyncIterable<Buffer>) {
      if (start.length < maxHeaderBytes) start = Buffer.concat([start, piece.subarray(0, maxHeaderBytes)]);
      total += piece.length;
      budget.spend(piece.length);
      hash.update(piece);
    }
  } catch (error) {
    if (error instanceof UnusableFile) throw error;
    return false;
  }
  const end = start.indexOf(0);
  const header = /^(?:commit|tree|blob|tag) (0|[1-9]\d*)$/.exec(start.toString('latin1', 0, Math.max(0, end)));
  if (header === null || Number(header[1]) !== total - end - 1) return false;
  return unpacking.bytesWritten === file.length && hash.digest('hex') === name;
}

export function objectHeader(type: ObjectType, content: Uint8Array): Buffer {
  return Buffer.from(`${type} ${content.length}\0`);
}

export const writeLooseObject = (type: ObjectType, content: Uint8Array): Promise<Buffer> =>
  promisify<Uint8Array, Buffer>(deflate)(Buffer.concat([objectHeader(type, content), content]));
