/** Finds out, when a session opens, whether its runs may change the workspace's repository, and if not why. */
import path from 'node:path';
import type { SessionPlan } from '../plan/plan.ts';
import type { Starter } from '../template/starter.ts';
import { findForeignOwner, type Objection } from './objection.ts';
import type { OverlayTools } from './overlay-words.ts';
import { type StagedRun, type StagingPlace, stageRun } from './staging.ts';
import { tryStaging } from './trial.ts';

export interface Staging {
  /** Undefined where repositories are read-only. */
  readonly stage: (() => Promise<StagedRun>) | undefined;
  readonly warnings: readonly string[];
}

/** @param limits of an ordinary command, as an order to the starter has them. */
export async function openStaging(
  plan: SessionPlan,
  starter: Starter,
  tools: OverlayTools,
  limits: string,
): Promise<Staging> {
  const { account, gitFolders, staged, workspace } = plan;
  if (workspace === undefined || gitFolders.length === 0) return { stage: undefined, warnings: [] };
  if (staged === undefined) return { stage: undefined, warnings: ['the repository is read-only inside'] };
  const place: StagingPlace = { account, workspace, gitFolders, staged };
  const objection = findOwnerObjection(place) ?? (await tryPlace(place, starter, tools, limits));
  if (objection === undefined) return { stage: () => stageRun(place, tools), warnings: [] };
  const warning = `the repository is read-only inside: ${objection.why} (${objection.help})`;
  return { stage: undefined, warnings: [warning] };
}

function findOwnerObjection({ account, gitFolders }: StagingPlace): Objection | undefined {
  return gitFolders.map((folder) => findForeignOwner(folder, account)).find((found) => found !== undefined);
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
