/**
 * What a merged policy says about files to the sandbox: its own lists, and the `Read` and `Edit` denials of its rules, which
 * hold inside as well (RULES X9). Allowed `Edit` rules and additional folders make nothing writable: they answer questions
 * about commands, and only `allowWrite` opens a wall.
 */
import type { Origin } from '../../client/protocol/decision.ts';
import type { FileList } from './file-list.ts';
import { listPorts, type NetworkPorts } from './network-policy.ts';
import { findScope, type PathScope, type ScopePlaces } from './path-scope.ts';
import { type Policy, showOrigin } from './policy.ts';

/** `hide`: not readable. `show`: readable inside a hidden folder. `pin`: read-only. `open`: writable. */
export type FileEffect = 'hide' | 'show' | 'pin' | 'open' | 'unprotect';

export interface FileRule extends PathScope {
  readonly effect: FileEffect;
  /** The pattern as written. */
  readonly text: string;
  /** For people: the entry and its place. */
  readonly because: string;
  /** An entry that the sandbox cannot hold is a mistake; a rule still holds for decisions. */
  readonly mustHold: boolean;
  /** Who said so: what is hidden is shown again only by the same or a higher one. */
  readonly rank: number;
  /** Only this rule's hiding ends where it shows something; undefined for all that `rank` reaches. */
  readonly onlyIn?: FileRule;
  /** Nothing shows again what it hides. */
  readonly final: boolean;
}

/** What a policy says about the sandbox of its commands. */
export interface FilePolicy {
  readonly rules: readonly FileRule[];
  /** Commands may make user namespaces of their own. */
  readonly userNamespaces: boolean;
  /** Undefined: no way out of the session. */
  readonly network: NetworkPorts | undefined;
  /** Equal for policies that mean the same to the sandbox. */
  readonly key: string;
}

export const noFilePolicy: FilePolicy = { rules: [], userNamespaces: false, network: undefined, key: '[]' };

/** Places of credentials are opened by this rank and above, never by a project. */
export const userRank = 2;

const ranks: Readonly<Record<Origin['layer'], number>> = {
  managed: 3,
  flags: userRank,
  session: userRank,
  user: userRank,
  'project-local': 1,
  project: 1,
  'built-in': 1,
};

const effects: Readonly<Record<FileList, FileEffect>> = {
  denyRead: 'hide',
  allowRead: 'show',
  denyWrite: 'pin',
  allowWrite: 'open',
  unprotect: 'unprotect',
};

export function listFileRules(
  policy: Pick<Policy, 'files' | 'deny' | 'network' | 'userNamespaces'>,
  places: ScopePlaces,
  ports: NetworkPorts | 'offline' = listPorts(policy.network),
): FilePolicy {
  const entries = policy.files.flatMap(({ list, origin, pattern, text }): FileRule[] => {
    const effect = effects[list];
    const scope = findScope(pattern, effect === 'hide' || effect === 'pin' ? 'restrict' : 'grant', places);
    if (scope === undefined) return [];
    const because = `\`${list}\` \`${text}\` (${showOrigin(origin)})`;
    return [{ ...scope, effect, text, because, mustHold: true, rank: ranks[origin.layer], final: false }];
  });
  const denials = policy.deny.flatMap((rule): FileRule[] => {
    if ((rule.tool !== 'Read' && rule.tool !== 'Edit') || rule.pattern === undefined || rule.unread === true) return [];
    const scope = findScope(rule.pattern, 'restrict', places);
    if (scope === undefined) return [];
    const denial: FileRule = {
      ...scope,
      effect: rule.tool === 'Read' ? 'hide' : 'pin',
      text: rule.pattern.text,
      because: `\`${rule.text}\` (${showOrigin(rule.origin)})`,
      mustHold: false,
      rank: ranks[rule.origin.layer],
      final: rule.unless.length === 0,
    };
    const shown = rule.unless.flatMap((each): FileRule[] => {
      const within =
        each.tool === 'Read' && each.pattern !== undefined ? findScope(each.pattern, 'grant', places) : undefined;
      return within === undefined
        ? []
        : [{ ...denial, ...within, text: each.text, effect: 'show', onlyIn: denial, final: false }];
    });
    return [denial, ...shown];
  });
  const rules = [...entries, ...denials];
  const { userNamespaces } = policy;
  const network = ports === 'offline' ? undefined : ports;
  const about = rules.map((rule) => [rule.effect, rule.because, rule.top, rule.rank, rule.final]);
  return { rules, userNamespaces, network, key: JSON.stringify([userNamespaces, network, ...about]) };
}
