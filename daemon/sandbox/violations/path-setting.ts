/** Puts together what paths are judged by: the plan, the host, and why places are hidden or protected. */
import path from 'node:path';
import { loadSessionData } from '../../platform/session-data.ts';
import { loadCredentials } from '../plan/credentials.ts';
import type { SessionPlan } from '../plan/plan.ts';
import type { PathSetting } from './file-violations.ts';
import { lookAtHost } from './host-look.ts';

export function readPathSetting(plan: SessionPlan): PathSetting {
  return {
    plan,
    host: lookAtHost(plan.account),
    credentials: loadCredentials().map((place) => ({
      path: place.path.startsWith('~/') ? path.join(plan.account.home, place.path.slice(2)) : place.path,
      because: place.why,
    })),
    protectedPaths: loadSessionData().protectedPaths,
  };
}
