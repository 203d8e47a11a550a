/**
 * Gives a run its private copy of the workspace's repository and takes over, after its end, what the run did to it. A
 * command may write everything in its copy, configuration and hooks included, because nothing of it is believed: only
 * what the merge back knows to be safe arrives on the host.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Violation } from '../../../client/protocol/events.ts';
import type { Account } from '../plan/account.ts';
import { keepBase } from './base-contents.ts';
import { openGitBase } from './git-base.ts';
import { compileOverlays, type OverlayTools, type StagedFolder } from './overlay-words.ts';
import { makeRecord } from './run-record.ts';
import { discardCopy, liveCopies, type StagedCopy, settleCopy, waitForMerges } from './settle.ts';

export interface StagingPlace {
  readonly account: Account;
  readonly workspace: string;
  readonly gitFolders: readonly string[];
  /** Folder of the host that holds the copies. */
  readonly staged: string;
}

export interface StagedRun {
  /** Prefix of bubblewrap's argv. */
  readonly words: readonly string[];
  /** Once, when no process of the run is left. Never rejects. */
  readonly settle: () => Promise<readonly Violation[]>;
  /** Instead, when the command was not started or nothing of it shall arrive. Never rejects. */
  readonly discard: () => Promise<void>;
}

/**
 * What a longer run found at its start is written down beside its copy, for the merge after a crash: most runs are over
 * before, and pay nothing for it.
 */
const keepAfterMs = 1000;

function keepBases(copies: readonly StagedCopy[]): void {
  for (const { account, base, folder } of copies) {
    // what root writes there the account could not read
    if (base === undefined || account.uid !== process.getuid?.()) continue;
    try {
      keepBase(base, folder);
    } catch {
      // a full disk: then the times of the files have to do
    }
  }
}

export async function stageRun(place: StagingPlace, tools: OverlayTools): Promise<StagedRun> {
  const { account, gitFolders, staged, workspace } = place;
  for (const gitFolder of gitFolders) await waitForMerges(gitFolder);
  const copies = gitFolders.map((gitFolder): StagedFolder & StagedCopy => {
    const name = randomBytes(9).toString('hex');
    liveCopies.add(name);
    const record = makeRecord(gitFolder, workspace);
    return {
      ...{ name, gitFolder, account, folder: path.join(staged, name) },
      ...{ record, text: JSON.stringify(record), base: openGitBase(gitFolder) },
    };
  });
  const keeping = setTimeout(() => keepBases(copies), keepAfterMs);
  keeping.unref();
  const end = async <T>(each: (copy: StagedCopy) => Promise<T>): Promise<T[]> => {
    clearTimeout(keeping);
    const results = await Promise.all(copies.map(each));
    for (const { name } of copies) liveCopies.delete(name);
    return results;
  };
  return {
    words: compileOverlays(copies, tools),
    settle: async () => (await end(settleCopy)).flat(),
    discard: async () => void (await end(discardCopy)),
  };
}
