/**
 * What stood at protected names when a run began, written down while one goes on: a daemon that is killed looks at nothing
 * any more, so who comes after it has to tell what the command made from what was there.
 *
 * It lies in the daemon's own folder, which no command sees, under a name of the workspace and the daemon's own number.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Violation } from '../../../client/protocol/events.ts';
import { type DaemonMark, findBootMs, findDaemon, markDaemon } from '../daemon-mark.ts';
import type { Account } from '../plan/account.ts';
import type { ProtectedName } from './protected-names.ts';

export interface GuardRecord {
  readonly daemon: DaemonMark;
  readonly workspace: string;
  readonly account: Account;
  readonly quarantine: string;
  readonly names: readonly ProtectedName[];
  /** What was there, as `keyOf` names it. Undefined: what the runs made has been settled, and only has to be told. */
  readonly found: readonly string[] | undefined;
  /** All of the workspace had been looked at: only then is what is not among `found` new. */
  readonly isWhole: boolean;
  /** Absolute paths that a person let the runs make. */
  readonly approved: readonly string[];
  /** Rules of the policy let them make more, so that only who knows the policy can settle it. */
  readonly needsPolicy: boolean;
  readonly told: readonly Violation[];
}

export interface StoredRecord {
  readonly file: string;
  /** A daemon in another pid namespace may still be there. */
  readonly isUncertain: boolean;
  readonly record: GuardRecord;
}

const nameOf = (workspace: string, account: Account): string =>
  createHash('sha256').update(`${account.uid}\0${workspace}`).digest('hex').slice(0, 24);

export function recordFile(folder: string, workspace: string, account: Account): string {
  return path.join(folder, `${nameOf(workspace, account)}-${process.pid}.json`);
}

/** @throws when it cannot be written. */
export function writeRecord(file: string, record: Omit<GuardRecord, 'daemon'>, daemon = markDaemon()): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.draft`;
  writeFileSync(draft, JSON.stringify({ ...record, daemon } satisfies GuardRecord), { mode: 0o600 });
  renameSync(draft, file);
}

export function removeRecord(file: string): void {
  rmSync(file, { force: true });
}

/** Those of daemons that are gone, or not to be seen from here; of all workspaces, or of one. */
export function findRecords(folder: string, of?: { workspace: string; account: Account }): readonly StoredRecord[] {
  const start = of === undefined ? '' : `${nameOf(of.workspace, of.account)}-`;
  return listNames(folder)
    .filter((name) => name.startsWith(start) && name.endsWith('.json'))
    .flatMap((name) => {
      const file = path.join(folder, name);
      const record = readRecord(file);
      const daemon = record === undefined ? 'this' : findDaemon(record);
      if (record === undefined || daemon === 'this' || daemon === 'alive') return [];
      return [{ file, record, isUncertain: daemon === 'elsewhere' }];
    });
}

/** Made since the machine was started again, when no command of the record's daemon was left to make it. */
export function isYounger(place: Buffer, { daemon }: GuardRecord): boolean {
  if (daemon.boot === markDaemon().boot) return false;
  const stat = lstatSync(place, { throwIfNoEntry: false });
  return stat !== undefined && stat.birthtimeMs > findBootMs();
}

/** Undefined when it is none: one is never half written. */
function readRecord(file: string): GuardRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as GuardRecord;
  } catch {
    return undefined;
  }
}

const patienceMs = 10_000;

/** One at a time settles a record. One that dies over it holds nobody up. */
export async function claimRecord(file: string, settle: (record: GuardRecord) => Promise<void>): Promise<void> {
  const claim = `${file}.claim`;
  const until = Date.now() + patienceMs;
  while (!makeClaim(claim) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
  try {
    const record = readRecord(file);
    if (record !== undefined) await settle(record);
  } finally {
    rmSync(claim, { force: true });
  }
}

function makeClaim(claim: string): boolean {
  try {
    writeFileSync(claim, JSON.stringify({ daemon: markDaemon() }), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const other = readRecord(claim);
  if (other !== undefined && findDaemon(other) === 'gone') rmSync(claim, { force: true });
  return false;
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
