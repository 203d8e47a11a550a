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
import { findNearest } from './nearest.ts';
import type { Check } from './offline-engine.ts';

const idSchema = z.union([z.string(), z.number()]);
const { allow, ask, deny } = flagsSchema.shape;
const questionSchema = z.strictObject({
  id: idSchema.optional(),
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

/** What was expected, and which name was most likely meant. */
function describeIssue(issue: z.core.$ZodIssue | undefined): { message: string; help?: string } {
  const place = issue === undefined || issue.path.length === 0 ? 'the line' : `\`${issue.path.join('.')}\``;
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const near = findNearest(key, Object.keys(questionSchema.shape));
    const known = `the keys are ${Object.keys(questionSchema.shape).join(', ')}`;
    return { message: `unknown key \`${key}\``, help: near === undefined ? known : `did you mean \`${near}\`?` };
  }
  if (issue?.code === 'invalid_type') return { message: `${place}: expected ${issue.expected}` };
  if (issue?.code === 'invalid_union') return { message: `${place}: expected a string or a number` };
  if (issue?.code === 'invalid_value') return { message: `${place}: expected one of ${issue.values.join(', ')}` };
  return { message: `${place}: ${issue?.message ?? 'is invalid'}` };
}

function describeFault(error: unknown): object {
  if (error instanceof SbxError) {
    return { code: error.code, message: error.message, ...(error.help === undefined ? {} : { help: error.help }) };
  }
  if (error instanceof z.ZodError) return { code: 'bad-request', ...describeIssue(error.issues[0]) };
  if (error instanceof SyntaxError) {
    return { code: 'bad-request', message: 'the line is not JSON', help: 'write one {"id": …, "command": …} a line' };
  }
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

/** One line of the answer; `false` beside it when the line, counted from 1, was no question. */
export function answerLine(
  check: Check,
  base: CheckBase,
  line: Buffer,
  number: number,
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
    return { answer: JSON.stringify({ id, line: number, error: describeFault(error) }), ok: false };
  }
}

/** 125 when any line was no question. */
export async function checkLines(check: Check, base: CheckBase, input: Readable, output: Writable): Promise<number> {
  let status = 0;
  let answers = '';
  let number = 0;
  for await (const line of splitLines(input)) {
    number += 1;
    if (line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)) continue;
    const { answer, ok } = answerLine(check, base, line, number);
    if (!ok) status = statuses.failed;
    answers += `${answer}\n`;
    if (answers.length < 16_384) continue;
    if (!output.write(answers)) await once(output, 'drain');
    answers = '';
  }
  output.write(answers);
  return status;
}
