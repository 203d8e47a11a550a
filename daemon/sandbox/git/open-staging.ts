/** Finds out, when a session opens, whether its runs may change the workspace's repository, and if not why. */
import path from 'node:path';
import type { Account } from '../plan/account.ts';
import type { SessionPlan } from '../plan/plan.ts';
import { isWithin } from '../plan/within.ts';
import type { Starter } from '../template/starter.ts';
import { findForeignOwner, type Objection } from './objection.ts';
import type { OverlayTools } from './overlay-words.ts';
import { explainUnstageable } from './stageable.ts';
import { type StagedRun, type StagingPlace, stageRun } from './staging.ts';
import { tryStaging } from './trial.ts';

export interface Staging {
  /**
   * Undefined where repositories are read-only. One below the workspace is staged only for a run in its folder, so that a
   * tree of many costs a run no more than it uses.
   */
  readonly stage: ((folders: readonly string[]) => Promise<StagedRun>) | undefined;
  readonly warnings: readonly string[];
}

/** @param limits of an ordinary command, as an order to the starter has them. */
export async function openStaging(
  plan: SessionPlan,
  starter: Starter,
  tools: OverlayTools,
  limits: string,
): Promise<Staging> {
  const { account, gitFolders, nestedGitFolders, staged, workspace } = plan;
  if (workspace === undefined || gitFolders.length === 0) return { stage: undefined, warnings: [] };
  if (staged === undefined) return { stage: undefined, warnings: ['the repository is read-only inside'] };
  const objections = new Map(gitFolders.map((folder) => [folder, findObjection(folder, account)] as const));
  const usable = gitFolders.filter((folder) => objections.get(folder) === undefined);
  const warnings = gitFolders.flatMap((folder) => {
    const objection = objections.get(folder);
    return objection === undefined
      ? []
      : [warnOf(nestedGitFolders.includes(folder) ? `\`${folder}\`` : undefined, objection)];
  });
  const [first] = usable;
  if (first === undefined) return { stage: undefined, warnings };
  const place: StagingPlace = { account, workspace, gitFolders: [first], staged };
  const refused = await tryPlace(place, starter, tools, limits);
  if (refused !== undefined) return { stage: undefined, warnings: [...warnings, warnOf(undefined, refused)] };
  const isUsed = (folder: string, folders: readonly string[]): boolean =>
    !nestedGitFolders.includes(folder) || folders.some((each) => isWithin(path.dirname(folder), each));
  return {
    stage: (folders) => stageRun({ ...place, gitFolders: usable.filter((folder) => isUsed(folder, folders)) }, tools),
    warnings,
  };
}

function warnOf(repository: string | undefined, { why, help }: Objection): string {
  return `${repository ?? 'the repository'} is read-only inside: ${why} (${help})`;
}

function findObjection(folder: string, account: Account): Objection | undefined {
  const unstageable = explainUnstageable(folder);
  return unstageable === undefined
    ? findForeignOwner(folder, account)
    : { why: unstageable.because, help: unstageable.help };
}

async function tryPlace(
  place: StagingPlace,
  starter: Starter,
  tools: OverlayTools,
  limits: string,
): Promise<Objection | undefined> {
  const run = await stageRun(place, tools);
  try {
    const heads = place.gitFolders.map((folder) => path.join(folder, 'HEAD'));
    return await tryStaging(starter, run.words, heads, limits);
  } finally {
    await run.discard();
  }
}
