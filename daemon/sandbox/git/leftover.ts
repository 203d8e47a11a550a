/**
 * Takes over what runs of a daemon that was killed left staged. Merging again what was merged before changes nothing, so
 * it does not matter how far that daemon had come.
 */
import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Violation } from '../../../client/protocol/events.ts';
import { findDaemon } from '../daemon-mark.ts';
import type { Account } from '../plan/account.ts';
import { readRecord } from './run-record.ts';
import { liveCopies, removeCopy, settleCopy } from './settle.ts';

/** A merge that hangs, as on a network file system, does not keep a session from opening. */
const patienceMs = 30_000;

/**
 * Never rejects.
 * @param staged the workspace's folder of staged copies.
 */
export async function takeLeftovers(account: Account, staged: string | undefined): Promise<readonly Violation[]> {
  if (staged === undefined) return [];
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Violation[]>((resolve) => {
    timer = setTimeout(() => resolve([]), patienceMs);
  });
  const notes = await Promise.race([settleAll(account, staged), late]);
  clearTimeout(timer);
  return notes;
}

async function settleAll(account: Account, staged: string): Promise<readonly Violation[]> {
  const notes: Violation[] = [];
  for (const name of listFolders(staged)) {
    if (liveCopies.has(name)) continue;
    const folder = path.join(staged, name);
    const record = readRecord(folder);
    if (record === undefined) {
      // its daemon was killed before the run had its copy, or another one is about to make it
      if (isOld(folder)) await removeCopy({ account, folder }).catch(() => undefined);
      continue;
    }
    const daemon = findDaemon(record);
    if (daemon === 'alive') continue;
    if (daemon === 'elsewhere') {
      notes.push({
        kind: 'git',
        target: record.gitFolder,
        message: `a daemon that cannot be seen from here began a run whose changes to the repository are in \`${folder}/up\``,
      });
      continue;
    }
    liveCopies.add(name);
    notes.push(...(await settleCopy({ account, folder, record, base: undefined })));
    liveCopies.delete(name);
  }
  return notes;
}

/** Between the folder and its record lie microseconds. */
const settledAfterMs = 60_000;

function isOld(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.ctimeMs > settledAfterMs;
}

function listFolders(staged: string): string[] {
  try {
    return readdirSync(staged);
  } catch {
    return [];
  }
}
