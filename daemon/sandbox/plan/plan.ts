/**
 * Decides what a session's template looks like, from the request and from facts of the host. Pure: the same input gives
 * the same plan, which tests read as data.
 *
 * Hidden places are made part of an overlay wherever possible: a mask that is a mount falls off when the host renames
 * over its mount point, a name that the overlay's upper layers hide stays hidden, also when it appears later.
 */
import path from 'node:path';
import type { NetworkWish } from '../network/listeners.ts';
import type { Account } from './account.ts';
import type { HiddenFact, HostFacts } from './facts.ts';
import type { SessionInput, WritableBind } from './input.ts';
import type { PlaceKind } from './places.ts';
import { type CachePlan, planCaches } from './tool-caches.ts';
import { isWithin } from './within.ts';

export { isWithin };

/** A folder that is seen through a read-only overlay. All names are relative to `path`. */
export interface OverlayPlace {
  readonly path: string;
  /** The folder's own permission bits, which the topmost layer shows. */
  readonly mode: number;
  /** Folders of the topmost layer with their permission bits, parents first. */
  readonly topFolders: readonly (readonly [name: string, mode: number])[];
  /** Empty files of the topmost layer. */
  readonly topFiles: readonly string[];
  /** Folders of the middle layer that lead to `whiteouts`, parents first. */
  readonly hideFolders: readonly (readonly [name: string, mode: number])[];
  /** Names that do not exist below the topmost layer. */
  readonly whiteouts: readonly string[];
  /** What of hidden folders stays visible. */
  readonly exceptions: readonly string[];
  /** Nothing of the folder is a layer: it is hidden as a whole, and what is seen in it are mounts. */
  readonly emptied?: true;
  /** Links of the topmost layer, with what they hold. */
  readonly topLinks?: readonly (readonly [name: string, target: string])[];
}

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

function isStrictlyWithin(folder: string, candidate: string): boolean {
  return candidate !== folder && isWithin(folder, candidate);
}

/** Folders from below `folder` down to the parent of `leaf`, as relative names. */
function foldersBetween(folder: string, leaf: string): string[] {
  const names = path
    .relative(folder, path.dirname(leaf))
    .split('/')
    .filter((name) => name !== '');
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

export function byDepth(a: string, b: string): number {
  return a.split('/').length - b.split('/').length || (a < b ? -1 : 1);
}

/** The session's own `/var/tmp` lies between an overlay of `/var` and a home below it: each needs its own overlay. */
function isHiddenAgain(place: string, candidate: string): boolean {
  return isStrictlyWithin(place, '/var/tmp') && isWithin('/var/tmp', candidate);
}

/** Kernel file systems cannot be the lower layer of an overlay, and nobody renames their files. */
const kernelFolders = ['/proc', '/sys', '/dev'];

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

  const warnings: string[] = [];
  if (account.uid === 0) warnings.push('commands run as root, because the workspace belongs to root');
  if (
    facts.folders.has(account.home) &&
    account.home !== '/' &&
    !covering.some((place) => isWithin(place, account.home))
  ) {
    if (!inWritable(account.home)) {
      warnings.push(
        'a mount lies below the home folder: a hidden file that is replaced during a run may become readable',
      );
    }
  }
  if (input.userNamespaces === 'open') {
    warnings.push(
      'commands may make user namespaces, because the policy says so: more of the kernel is in their reach',
    );
  }
  const socketsInside = facts.sockets.filter(inWritable);
  if (socketsInside.length > 0) {
    warnings.push(`unix sockets are blocked, because \`${socketsInside[0]}\` of the host lies in a writable folder`);
  }
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
    warnings,
  };
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

/**
 * What is shown of an emptied folder is an overlay too, so that what is hidden in it stays hidden and its sockets refuse
 * connections. A folder with mounts below it cannot be one, and is bound as it is.
 */
function chooseShownPlaces(
  emptied: readonly HiddenFact[],
  facts: HostFacts,
  inWritable: (candidate: string) => boolean,
): string[] {
  return emptied
    .flatMap((fact) => fact.except.map((name) => path.join(fact.path, name)))
    .filter(
      (place) =>
        facts.folders.has(place) && !inWritable(place) && !facts.mounts.some((mount) => isStrictlyWithin(place, mount)),
    );
}

/**
 * The home, `/var` (sockets of services lie there) and whatever else has something to hide, outermost folders only. A
 * folder with mounts below it cannot be the lower layer of an overlay made in a user namespace: the kernel refuses to
 * look under mounts that a more privileged namespace made.
 */
function chooseOverlayPlaces(
  facts: HostFacts,
  input: SessionInput,
  hidden: readonly { readonly path: string }[],
  emptied: readonly { readonly path: string }[],
  sockets: readonly string[],
  inWritable: (candidate: string) => boolean,
): string[] {
  const wanted = [
    facts.account.home,
    '/var',
    ...hidden.map(({ path: place }) => path.dirname(place)),
    ...sockets.map((s) => path.dirname(s)),
  ];
  const possible = wanted.filter(
    (place) =>
      place !== '/' &&
      facts.folders.has(place) &&
      !inWritable(place) &&
      !kernelFolders.some((folder) => isWithin(folder, place)) &&
      ![...hidden, ...emptied].some((other) => isWithin(other.path, place)) &&
      !facts.mounts.some((mount) => isStrictlyWithin(place, mount)) &&
      !(input.writable ?? []).some((bind) => isWithin(bind.target, place)),
  );
  return [...new Set(possible)]
    .filter((place, _, all) => !all.some((other) => isStrictlyWithin(other, place) && !isHiddenAgain(other, place)))
    .sort(byDepth);
}

function planOverlay(
  place: string,
  facts: HostFacts,
  hidden: readonly { readonly path: string; readonly kind: PlaceKind; readonly except: readonly string[] }[],
  targets: readonly string[],
): OverlayPlace {
  const topFolders = new Map<string, number>();
  const hideFolders = new Map<string, number>();
  const modeOf = (name: string): number => facts.folders.get(path.join(place, name)) ?? 0o755;
  const addFolders = (layer: Map<string, number>, names: readonly string[]): void => {
    for (const name of names) layer.set(name, modeOf(name));
  };
  const topFiles: string[] = [];
  const whiteouts: string[] = [];
  const exceptions: string[] = [];
  for (const { path: absolute, kind, except } of hidden) {
    const name = path.relative(place, absolute);
    if (kind === 'file') {
      addFolders(topFolders, foldersBetween(place, absolute));
      topFiles.push(name);
      continue;
    }
    addFolders(hideFolders, foldersBetween(place, absolute));
    whiteouts.push(name);
    if (kind === 'folder') {
      addFolders(topFolders, [...foldersBetween(place, absolute), name]);
      for (const exception of except) {
        const shown = path.join(absolute, exception);
        addFolders(topFolders, foldersBetween(place, shown));
        if (facts.folders.has(shown)) addFolders(topFolders, [`${name}/${exception}`]);
        else topFiles.push(`${name}/${exception}`);
        exceptions.push(`${name}/${exception}`);
      }
    }
  }
  for (const target of targets.filter((candidate) => isStrictlyWithin(place, candidate))) {
    const isHidden = hidden.some((entry) => isWithin(entry.path, target));
    if (isHidden || !facts.folders.has(target)) {
      addFolders(topFolders, [...foldersBetween(place, target), path.relative(place, target)]);
    }
  }
  return {
    path: place,
    mode: facts.folders.get(place) ?? 0o755,
    topFolders: [...topFolders].sort(([a], [b]) => byDepth(a, b)),
    topFiles,
    hideFolders: [...hideFolders].sort(([a], [b]) => byDepth(a, b)),
    whiteouts,
    exceptions,
  };
}

/** Only what mounts need is there: their mount points, and links that lead to them. */
function planEmptied(
  fact: HiddenFact,
  facts: HostFacts,
  shown: readonly string[],
  mountPoints: readonly string[],
): OverlayPlace {
  const place = fact.path;
  const modeOf = (name: string): number => facts.folders.get(path.join(place, name)) ?? 0o755;
  const excepted = fact.except.map((name) => path.join(place, name));
  const isFile = (candidate: string): boolean => excepted.includes(candidate) && !facts.folders.has(candidate);
  const inside = [...excepted, ...mountPoints, facts.account.home].filter((each) => isStrictlyWithin(place, each));
  const links = (fact.links ?? []).map(([name, target]) => [name, target] as const);
  const folders = new Set([
    ...inside.flatMap((each) => foldersBetween(place, each)),
    ...inside.filter((each) => !isFile(each)).map((each) => path.relative(place, each)),
    ...links.flatMap(([name]) => foldersBetween(place, path.join(place, name))),
  ]);
  return {
    path: place,
    mode: facts.folders.get(place) ?? 0o755,
    topFolders: [...folders].sort(byDepth).map((name) => [name, modeOf(name)] as const),
    topFiles: excepted.filter(isFile).map((each) => path.relative(place, each)),
    hideFolders: [],
    whiteouts: [],
    exceptions: excepted.filter((each) => !shown.includes(each)).map((each) => path.relative(place, each)),
    emptied: true,
    topLinks: links,
  };
}
