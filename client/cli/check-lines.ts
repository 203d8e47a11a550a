/**
 * `sbx check --jsonl`: one question a line, one answer a line, in order. A line that is no question is answered with an
 * error of its own and does not stop the others.
 */
import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { SbxError } from '../protocol/errors.ts';
import { type Flags, flagsSchema, modeSchema } from '../protocol/messages.ts';
import type { CheckBase } from './check-arguments.ts';
import { statuses } from './exit-status.ts';
import type { Check } from './offline-engine.ts';

const idSchema = z.union([z.string(), z.number()]);
const { allow, ask, deny } = flagsSchema.shape;
const questionSchema = z.strictObject({
  id: idSchema,
  command: z.string(),
  cwd: z.string().startsWith('/', 'must be absolute').optional(),
  allow,
  ask,
  deny,
  mode: modeSchema.optional(),
});

function joinFlags(base: Flags | undefined, line: Flags): Flags {
  return {
    ...base,
    ...(line.allow && { allow: [...(base?.allow ?? []), ...line.allow] }),
    ...(line.ask && { ask: [...(base?.ask ?? []), ...line.ask] }),
    ...(line.deny && { deny: [...(base?.deny ?? []), ...line.deny] }),
  };
}

function describeFault(error: unknown): object {
  if (error instanceof SbxError) {
    return { code: error.code, message: error.message, ...(error.help === undefined ? {} : { help: error.help }) };
  }
  if (error instanceof z.ZodError) {
    const [issue] = error.issues;
    const place = issue?.path.join('.') ?? '';
    return {
      code: 'bad-request',
      message: `${place === '' ? 'the line' : `\`${place}\``}: ${issue?.message ?? 'is invalid'}`,
    };
  }
  if (error instanceof SyntaxError) return { code: 'bad-request', message: `the line is not JSON: ${error.message}` };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

/**
 * Bytes between line feeds. Not `node:readline`, which also ends a line at U+2028, a character that JSON strings may hold,
 * and replaces bytes that are not UTF-8.
 */
async function* splitLines(input: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  for await (const chunk of input as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, at)]);
      parts = [];
      from = at + 1;
    }
    parts.push(chunk.subarray(from));
  }
  yield Buffer.concat(parts);
}

/** One line of the answer; `false` beside it when the line was no question. */
export function answerLine(
  check: Check,
  base: CheckBase,
  line: Buffer,
): { readonly answer: string; readonly ok: boolean } {
  let id: string | number | undefined;
  try {
    if (!isUtf8(line)) throw new SbxError('bad-request', 'the line is not valid UTF-8');
    const value: unknown = JSON.parse(line.toString('utf8'));
    id = idSchema.safeParse((value as { id?: unknown } | null)?.id).data;
    const { command, cwd, mode, allow, ask, deny } = questionSchema.parse(value);
    const flags = joinFlags(base.flags, {
      ...(allow && { allow }),
      ...(ask && { ask }),
      ...(deny && { deny }),
    });
    const decision = check({
      ...base,
      command,
      ...(cwd === undefined ? {} : { cwd }),
      ...(mode === undefined ? {} : { mode }),
      ...(Object.keys(flags).length === 0 ? {} : { flags }),
    });
    return { answer: JSON.stringify({ id, ...decision }), ok: true };
  } catch (error) {
    return { answer: JSON.stringify({ ...(id === undefined ? {} : { id }), error: describeFault(error) }), ok: false };
  }
}

/** 125 when any line was no question. */
export async function checkLines(check: Check, base: CheckBase, input: Readable, output: Writable): Promise<number> {
  let status = 0;
  let answers = '';
  for await (const line of splitLines(input)) {
    if (line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)) continue;
    const { answer, ok } = answerLine(check, base, line);
    if (!ok) status = statuses.failed;
    answers += `${answer}\n`;
    if (answers.length < 16_384) continue;
    if (!output.write(answers)) await once(output, 'drain');
    answers = '';
  }
  output.write(answers);
  return status;
}
