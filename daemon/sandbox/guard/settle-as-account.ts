/**
 * Acts with the rights of the account whose workspace it is, never with root's: a daemon of that account does it itself,
 * one that is root for another account starts a process that gives root up before it touches anything.
 */
import path from 'node:path';
import { findPackageRoot } from '../../platform/package-root.ts';
import { startProcess } from '../../platform/spawn.ts';
import type { Account } from '../plan/account.ts';
import { type Outcome, type SettleOrder, settleSuspects } from './settle-suspects.ts';

/** What the process reads from its standard input. */
export interface AccountOrder extends SettleOrder {
  readonly account: Pick<Account, 'uid' | 'gid' | 'name' | 'known'>;
}

/** @throws when the process could not do it. */
export async function settleAsAccount(account: Account, order: SettleOrder): Promise<readonly Outcome[]> {
  if (process.getuid?.() !== 0 || account.uid === 0) return settleSuspects(order);
  const program = path.join(findPackageRoot(), 'dist', 'settle-suspects.js');
  const child = startProcess([process.execPath, program], { stdio: ['pipe', 'pipe', 'pipe'] });
  const [stdin, stdout, stderr] = child.streams;
  const texts = Promise.all([collect(stdout), collect(stderr)]);
  stdin?.on('error', () => {});
  const { uid, gid, name, known } = account;
  stdin?.end(JSON.stringify({ ...order, account: { uid, gid, name, known } } satisfies AccountOrder));
  const { code } = await child.exit;
  const [output, errors] = await texts;
  if (code !== 0) throw new Error(errors.trim().split('\n').at(-1) || `it ended with status ${code}`);
  return JSON.parse(output) as readonly Outcome[];
}

async function collect(stream: NodeJS.ReadableStream | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
