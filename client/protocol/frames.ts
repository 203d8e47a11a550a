/**
 * Binary frames: bytes of a run's streams. Layout, big endian:
 * `u8 kind · u32 run · u64 seq · u64 offset · payload`. `offset` counts bytes of that stream before this payload;
 * `seq` is the event number of the run for output, 0 for stdin.
 */
import { limits } from './limits.ts';

export const frameKinds = { stdin: 0, stdout: 1, stderr: 2, pty: 3 } as const;
export type StreamName = keyof typeof frameKinds;

export interface Frame {
  readonly stream: StreamName;
  readonly run: number;
  readonly seq: number;
  readonly offset: number;
  readonly payload: Buffer;
}

export const frameHeaderBytes = 21;
const names: readonly StreamName[] = ['stdin', 'stdout', 'stderr', 'pty'];

/** The header alone, so that a sender can write header and payload without copying the payload. */
export function encodeFrameHeader(stream: StreamName, run: number, seq: number, offset: number): Buffer {
  const header = Buffer.allocUnsafe(frameHeaderBytes);
  header.writeUInt8(frameKinds[stream], 0);
  header.writeUInt32BE(run, 1);
  header.writeBigUInt64BE(BigInt(seq), 5);
  header.writeBigUInt64BE(BigInt(offset), 13);
  return header;
}

export function encodeFrame(frame: Frame): Buffer {
  return Buffer.concat([encodeFrameHeader(frame.stream, frame.run, frame.seq, frame.offset), frame.payload]);
}

/** Undefined when the bytes are not a frame: too short, unknown kind, payload over the limit, numbers past 2^53. */
export function decodeFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < frameHeaderBytes || bytes.length > frameHeaderBytes + limits.maxPayloadBytes) return undefined;
  const stream = names[bytes.readUInt8(0)];
  const seq = Number(bytes.readBigUInt64BE(5));
  const offset = Number(bytes.readBigUInt64BE(13));
  if (stream === undefined || !Number.isSafeInteger(seq) || !Number.isSafeInteger(offset)) return undefined;
  return { stream, run: bytes.readUInt32BE(1), seq, offset, payload: bytes.subarray(frameHeaderBytes) };
}
