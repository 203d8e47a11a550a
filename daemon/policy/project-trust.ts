/** What a project would grant, what of it its user trusts, and the change of that (`sbx trust`). */
import type { Origin } from '../../client/protocol/decision.ts';
import { listGrants } from '../decide/project-grants.ts';
import type { Engine } from '../offline.ts';

export interface ShownGrant {
  readonly what: string;
  /** Trust is given to this. */
  readonly identity: string;
  readonly reason: string | undefined;
  readonly origin: Origin;
  readonly trusted: boolean;
}

export interface ProjectTrust {
  readonly grants: readonly ShownGrant[];
  /** ISO 8601; undefined where nothing was ever trusted. */
  readonly trustedAt: string | undefined;
  readonly problems: readonly string[];
}

interface Place {
  readonly cwd: string;
  readonly workspace: string;
  readonly home: string;
}

export function showTrust(engine: Engine, place: Place): ProjectTrust {
  const { layers } = engine.policyOf(place);
  const record = engine.trust.read();
  return {
    grants: layers
      .filter(({ layer }) => layer === 'project' || layer === 'project-local')
      .flatMap(({ whole, waiting }) => {
        const waits = new Set(waiting.map(({ identity }) => identity));
        return listGrants(whole).map(({ what, identity, origin, rule }) => {
          return { what, identity, reason: rule?.reason, origin, trusted: !waits.has(identity) };
        });
      }),
    trustedAt: record.workspaces.get(place.workspace)?.trustedAt,
    problems: [
      ...(record.problem === undefined ? [] : [record.problem]),
      ...layers
        .filter(({ layer, state }) => layer.startsWith('project') && state === 'broken')
        .map(({ file }) => `\`${file}\` has mistakes and grants nothing until they are corrected: sbx policy lint`),
    ],
  };
}

/** Trusts what was shown, and nothing that was written since. @throws {SbxError} `bad-policy` */
export function trustGrants(engine: Engine, place: Place, shown: ProjectTrust): void {
  const identities = shown.grants.map(({ identity }) => identity);
  engine.trust.trust(place.workspace, identities, new Date());
}
