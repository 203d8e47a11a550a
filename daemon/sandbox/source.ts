/**
 * What the owner of a workspace's session keeps while templates come and go: the account, and a fingerprint that is cheap
 * to take and changes when an open template no longer fits the host.
 */
import type { Account } from './account.ts';
import { findAccount } from './account.ts';
import { readHostFacts } from './facts.ts';
import { listWatchedPaths, takeFingerprint } from './fingerprint.ts';
import type { SessionInput } from './input.ts';
import type { SandboxSession } from './model.ts';
import { planSession } from './plan.ts';
import { openSession } from './session.ts';

export interface SandboxSource {
  /** As whom commands run: HOME, USER and LOGNAME of a command's environment come from here. */
  readonly account: Account;
  /** Equal texts: a template made at the first still fits at the second. */
  readonly fingerprint: () => string;
  /** @throws {SbxError} as `openSession` */
  readonly open: () => Promise<SandboxSession>;
}

export async function openSource(request: SessionInput): Promise<SandboxSource> {
  const input = { ...request, account: request.account ?? (await findAccount(request.workspace)) };
  const { account } = readHostFacts(input);
  let watched: readonly string[] = [];
  let last = '';
  return {
    account,
    fingerprint: () => {
      if (takeFingerprint(watched) === last) return last;
      // what appeared or went changes what is worth watching: the files of a new repository, say
      const facts = readHostFacts(input);
      watched = listWatchedPaths(planSession(input, facts), facts);
      last = takeFingerprint(watched);
      return last;
    },
    open: () => openSession(input),
  };
}
