/**
 * Decides what a session's template looks like, from the request and from facts of the host. Pure: the same input gives
 * the same plan, which tests read as data.
 */
import path from 'node:path';
import type { NetworkWish } from '../network/listeners.ts';
import type { Account } from './account.ts';
import type { HiddenFact, HostFacts } from './facts.ts';
import type { SessionInput, WritableBind } from './input.ts';
import {
  chooseOverlayPlaces,
  chooseShownPlaces,
  isHiddenAgain,
  kernelFolders,
  type OverlayPlace,
  planEmptied,
  planOverlay,
} from './overlays.ts';
import { type CachePlan, planCaches } from './tool-caches.ts';
import { byDepth, foldersBetween, isStrictlyWithin, isWithin } from './within.ts';

export interface Mask {
  readonly path: string;
  readonly kind: 'folder' | 'file';
  /** What of the folder stays visible, relative, and whether that is a folder. */
  readonly except: readonly (readonly [name: string, kind: 'folder' | 'file'])[];
}

export interface SessionPlan {
  readonly account: Account;
  readonly workspace: string | undefined;
  readonly overlays: readonly OverlayPlace[];
  /** The workspace and private folders, outer ones first. */
  readonly writable: readonly WritableBind[];
  /** Folders that stay writable but become mounts, so that they cannot be renamed away from under their pins. */
  readonly held: readonly string[];
  /** Paths inside writable places that are read-only. */
  readonly pins: readonly string[];
  /** One read-only mount each: a run that may change one gets a private copy (../git). */
  readonly gitFolders: readonly string[];
  /** Those of them that only a run in their own folder may write. */
  readonly nestedGitFolders: readonly string[];
  /** Folder of the host for those copies, out of reach of commands; undefined when no run may change a repository. */
  readonly staged: string | undefined;
  /** Hidden places that no overlay covers, hidden by a mount each. */
  readonly masks: readonly Mask[];
  /** Undefined: the session has nothing but its loopback. */
  readonly network: NetworkPlan | undefined;
  /** File that `/etc/resolv.conf` leads to, when that lies in a folder that the session has anew. */
  readonly resolver: string | undefined;
  /** Links of `/run` that programs are reached through. */
  readonly runLinks: readonly (readonly [name: string, target: string])[];
  readonly freshFolders: readonly string[];
  readonly caches: CachePlan | undefined;
  readonly tmpBytes: number;
  /** Of all commands together. */
  readonly processes: number;
  /** The highest number of a process in the session, where that limits how many there are. */
  readonly processNumbers: number | undefined;
  readonly inotify: { readonly instances: number; readonly watches: number };
  /** `blocked` where a socket of the host lies inside a writable place. */
  readonly unixSockets: 'allowed' | 'blocked';
  readonly userNamespaces: 'closed' | 'open';
  readonly warnings: readonly string[];
}

export interface NetworkPlan extends NetworkWish {
  /** Files of the host in whose place commands see the session's own: how names are resolved, and the names of hosts. */
  readonly resolver: string | undefined;
  readonly hosts: string | undefined;
}

const defaultTmpBytes = 2 * 1024 ** 3;
const defaultProcesses = 4096;
/** Numbers below are given out only once. Source: kernel/pid.c, `RESERVED_PIDS` */
const reservedNumbers = 300;

export function planSession(input: SessionInput, facts: HostFacts): SessionPlan {
  const { account } = facts;
  const processes = input.processes ?? defaultProcesses;
  const freshFolders = ['/tmp', ...(facts.hasVarTmp ? ['/var/tmp'] : [])];
  const own = [...(input.workspace === undefined ? [] : [input.workspace]), ...facts.open];
  const writable: WritableBind[] = [
    // What is denied as a whole is not writable in the first place.
    ...own
      .filter((folder) => !facts.pins.some((pin) => isWithin(pin, folder)))
      .map((folder) => ({ source: folder, target: folder })),
    ...(input.writable ?? []),
  ].sort((a, b) => byDepth(a.target, b.target));
  const targets = writable.map((bind) => bind.target);
  const inWritable = (candidate: string): boolean => targets.some((target) => isWithin(target, candidate));
  const isAnew = (candidate: string): boolean =>
    [...freshFolders, '/run', ...kernelFolders].some((folder) => isWithin(folder, candidate)) &&
    !isWithin(account.home, candidate);

  const sockets = facts.sockets.filter((socket) => !isAnew(socket));
  const hidden = facts.hidden.filter(
    ({ path: place }) =>
      !inWritable(place) && (!isAnew(place) || kernelFolders.some((folder) => isWithin(folder, place))),
  );
  const gitFolders = facts.gitFolders.filter(
    (folder) => inWritable(folder) || !facts.hidden.some((entry) => isWithin(folder, entry.path)),
  );
  const emptied = hidden.filter(
    (fact) =>
      fact.kind === 'folder' &&
      (fact.holdsHome === true || [...targets, ...gitFolders].some((place) => isStrictlyWithin(fact.path, place))),
  );
  const seen = facts.hidden.flatMap((fact) => fact.except.map((name) => path.join(fact.path, name)));
  const shown = chooseShownPlaces(emptied, facts, inWritable);
  const places = chooseOverlayPlaces(
    facts,
    input,
    hidden.filter((fact) => !emptied.includes(fact)),
    emptied,
    sockets,
    inWritable,
  );
  const overlayOf = (candidate: string): string | undefined =>
    places.findLast((place) => isStrictlyWithin(place, candidate) && !isHiddenAgain(place, candidate));

  // What is shown of a hidden folder is a mount of its own, above the overlay.
  const placeOf = (fact: HiddenFact): string | undefined => {
    if (fact.isInShown !== true) return overlayOf(fact.path);
    const innermost = seen
      .filter((place) => isStrictlyWithin(place, fact.path))
      .sort(byDepth)
      .at(-1);
    return innermost !== undefined && shown.includes(innermost) ? innermost : undefined;
  };

  const inTargets = facts.hidden.filter(({ path: place }) => inWritable(place));
  const masked = hidden.filter((fact) => !emptied.includes(fact) && placeOf(fact) === undefined);
  const masks = [...inTargets, ...masked].flatMap((fact): Mask[] =>
    fact.kind === 'absent'
      ? []
      : [
          {
            path: fact.path,
            kind: fact.kind,
            except: fact.except.map((name) => [
              name,
              facts.folders.has(path.join(fact.path, name)) ? 'folder' : 'file',
            ]),
          },
        ],
  );
  const pins = facts.pins.filter(inWritable);
  const covering = [...places, ...shown, ...emptied.map((fact) => fact.path)];
  const socketMasks = sockets
    .filter((socket) => !inWritable(socket) && !covering.some((place) => isWithin(place, socket)))
    .map((socket): Mask => ({ path: socket, kind: 'file', except: [] }));

  const caches =
    input.caches &&
    planCaches(input.caches, {
      home: account.home,
      present: facts.caches,
      covered: [
        ...[...masks, ...socketMasks].map((mask) => mask.path),
        ...targets,
        ...pins,
        ...facts.mounts.filter((mount) => isWithin(account.home, mount) && mount !== account.home),
      ],
      hidden: facts.hidden.filter((fact) => !emptied.includes(fact)).map((fact) => fact.path),
      emptied: emptied.map((fact) => fact.path),
      shown,
      overlays: covering,
    });
  const mountPoints = [...targets, ...(caches?.places ?? []).map(({ target }) => target)];

  const socketsInside = facts.sockets.filter(inWritable);
  const isHomeBare =
    facts.folders.has(account.home) &&
    account.home !== '/' &&
    !covering.some((place) => isWithin(place, account.home)) &&
    !inWritable(account.home);
  return {
    account,
    workspace: input.workspace,
    overlays: [
      ...[...places, ...shown].map((place) =>
        planOverlay(
          place,
          facts,
          hidden.filter((entry) => !emptied.includes(entry) && placeOf(entry) === place),
          mountPoints,
        ),
      ),
      ...emptied.map((fact) => planEmptied(fact, facts, shown, [...mountPoints, ...gitFolders])),
    ],
    writable,
    held: listHeld(
      pins,
      [
        ...pins.filter((pin) => !facts.loosePins.includes(pin)),
        ...gitFolders,
        ...inTargets.filter((fact) => fact.holdsAbove === true && fact.kind !== 'absent').map((fact) => fact.path),
      ],
      targets,
    ),
    pins: pins.toSorted(byDepth),
    gitFolders,
    nestedGitFolders: facts.nestedGitFolders.filter((folder) => gitFolders.includes(folder)),
    staged: gitFolders.length > 0 ? input.staged : undefined,
    masks: [...masks, ...socketMasks].sort((a, b) => byDepth(a.path, b.path)),
    network: input.network && { ...input.network, resolver: facts.nameFiles.resolver, hosts: facts.nameFiles.hosts },
    resolver: facts.resolver !== undefined && isAnew(facts.resolver) ? facts.resolver : undefined,
    runLinks: facts.runLinks,
    freshFolders,
    caches,
    tmpBytes: input.tmpBytes ?? defaultTmpBytes,
    processes,
    // root's processes are not counted otherwise
    processNumbers: account.uid === 0 && facts.limitsNumbers ? processes + reservedNumbers : undefined,
    inotify: {
      instances: Math.max(16, Math.floor(facts.inotify.instances / 2)),
      watches: Math.max(1024, Math.floor(facts.inotify.watches / 2)),
    },
    unixSockets: socketsInside.length > 0 ? 'blocked' : 'allowed',
    userNamespaces: input.userNamespaces ?? 'closed',
    warnings: listWarnings(account, input, isHomeBare, socketsInside),
  };
}

/** @param isHomeBare no overlay covers it. */
function listWarnings(
  account: Account,
  input: SessionInput,
  isHomeBare: boolean,
  socketsInside: readonly string[],
): string[] {
  const [socket] = socketsInside;
  return [
    ...(account.uid === 0 ? ['commands run as root, because the workspace belongs to root'] : []),
    ...(isHomeBare
      ? ['a mount lies below the home folder: a hidden file that is replaced during a run may become readable']
      : []),
    ...(input.userNamespaces === 'open'
      ? ['commands may make user namespaces, because the policy says so: more of the kernel is in their reach']
      : []),
    ...(socket === undefined
      ? []
      : [`unix sockets are blocked, because \`${socket}\` of the host lies in a writable folder`]),
  ];
}

/**
 * A mount point cannot be renamed, but a folder above it can, and takes it along: then the pinned name is free. So every
 * folder between a writable place and a pin becomes a mount too.
 */
function listHeld(pins: readonly string[], fixed: readonly string[], targets: readonly string[]): string[] {
  const above = fixed.flatMap((place) => {
    const target = targets.findLast((candidate) => isStrictlyWithin(candidate, place));
    return target === undefined ? [] : foldersBetween(target, place).map((name) => path.join(target, name));
  });
  return [...new Set(above)].filter((folder) => !pins.includes(folder)).sort(byDepth);
}
