/**
 * Merges with the rights of the account whose repository it is, never with root's: a daemon of that account does it
 * itself, one that is root for another account starts a process that gives root up before it touches anything.
 */
import path from 'node:path';
import { findPackageRoot } from '../../platform/package-root.ts';
import { startProcess } from '../../platform/spawn.ts';
import type { Account } from '../plan/account.ts';
import { type MergeBackInput, type MergeReport, mergeBack } from './merge-back.ts';

/** What the process reads from its standard input. Base files are descriptors of that process. */
export interface MergeOrder extends Omit<MergeBackInput, 'base'> {
  readonly account: Pick<Account, 'uid' | 'gid' | 'name' | 'known'>;
  readonly base: readonly (readonly [name: string, file: number | 'absent'])[] | undefined;
}

const firstBaseDescriptor = 3;

export async function mergeAsAccount(account: Account, input: MergeBackInput): Promise<MergeReport> {
  if (process.getuid?.() !== 0 || account.uid === 0) return mergeBack(input);
  const entries = input.base === undefined ? undefined : [...input.base.files];
  const handed = (entries ?? []).flatMap(([, file]) => (file === 'absent' ? [] : [file]));
  const order: MergeOrder = {
    ...input,
    account: { uid: account.uid, gid: account.gid, name: account.name, known: account.known },
    base: entries?.map(([name, file]) => [name, file === 'absent' ? file : firstBaseDescriptor + handed.indexOf(file)]),
  };
  const child = startProcess([process.execPath, path.join(findPackageRoot(), 'dist', 'merge-back.js')], {
    stdio: ['pipe', 'pipe', 'pipe', ...handed],
  });
  const [stdin, stdout, stderr] = child.streams;
  const output = collect(stdout);
  const errors = collect(stderr);
  stdin?.on('error', () => {});
  stdin?.end(JSON.stringify(order));
  const { code } = await child.exit;
  if (code !== 0) throw new Error((await errors).trim().split('\n').at(-1) || `the merge ended with status ${code}`);
  return JSON.parse(await output) as MergeReport;
}

async function collect(stream: NodeJS.ReadableStream | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
