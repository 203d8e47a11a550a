/**
 * A loose object: zlib over `TYPE SIZE NUL CONTENT`, named by the hash of that. Content and name must agree, because
 * whatever reads the repository later trusts the name.
 */
import { promisify } from 'node:util';
import { deflate, type InflateRaw, inflate } from 'node:zlib';
import { hashOf, type ObjectFormat } from './object-format.ts';

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

/** git streams blobs over 512 MiB into packs (`core.bigFileThreshold`), so a loose object is smaller. */
export const maxObjectBytes = 640 * 2 ** 20;

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: InflateRaw;
}

/** @returns the inflated bytes and how many of the given ones they took; undefined for what is no zlib, or too much. */
export function inflateBounded(
  bytes: Uint8Array,
  maxBytes: number,
): Promise<{ bytes: Buffer; used: number } | undefined> {
  return new Promise((resolve) => {
    inflate(bytes, { info: true, maxOutputLength: Math.max(1, maxBytes) }, (error, result) => {
      if (error !== null) return resolve(undefined);
      const { buffer, engine } = result as unknown as Inflated;
      resolve({ bytes: buffer, used: engine.bytesWritten });
    });
  });
}

/** Whether the file's bytes are exactly the object of that name. */
export async function isLooseObject(format: ObjectFormat, name: string, file: Uint8Array): Promise<boolean> {
  const inflated = await inflateBounded(file, maxObjectBytes);
  if (inflated === undefined || inflated.used !== file.length) return false;
  const { bytes } = inflated;
  const end = bytes.subarray(0, 64).indexOf(0);
  const header = /^(?:commit|tree|blob|tag) (0|[1-9]\d*)$/.exec(bytes.toString('latin1', 0, Math.max(0, end)));
  return header !== null && Number(header[1]) === bytes.length - end - 1 && hashOf(format, bytes) === name;
}

export function objectHeader(type: ObjectType, content: Uint8Array): Buffer {
  return Buffer.from(`${type} ${content.length}\0`);
}

export const writeLooseObject = (type: ObjectType, content: Uint8Array): Promise<Buffer> =>
  promisify<Uint8Array, Buffer>(deflate)(Buffer.concat([objectHeader(type, content), content]));
