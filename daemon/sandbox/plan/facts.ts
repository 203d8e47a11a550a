/**
 * Looks at the host, once per template: which hidden places are there, where links lead, which sockets and mounts exist.
 * The only impure part of planning.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Mount, readMountTable } from '../../platform/mount-table.ts';
import { loadSessionData } from '../../platform/session-data.ts';
import type { Account } from './account.ts';
import { findAliases } from './aliases.ts';
import { type HiddenPlace, listHiddenPlaces, loadCredentials } from './credentials.ts';
import { type ExpandedFiles, noFiles } from './expand-files.ts';
import { findGitFolders } from './git-folders.ts';
import { type HiddenClaim, settleHidden, withoutNested } from './hidden-places.ts';
import { findShownOfHome, type ShownOfHome } from './home-programs.ts';
import type { SessionInput } from './input.ts';
import { findHostCache } from './tool-caches.ts';
import { isWithin } from './within.ts';

export type PlaceKind = 'folder' | 'file' | 'absent';

export interface HiddenFact {
  /** No component but the last can be a link. */
  readonly path: string;
  readonly kind: PlaceKind;
  /** What of the folder stays visible, relative. */
  readonly except: readonly string[];
  /** Why it is hidden; absent for another path of the same file. */
  readonly because?: string;
  /** Folders above it must not be renamed, or it would lie where nobody looks for it. */
  readonly holdsAbove?: boolean;
  /** It lies in a folder that is shown inside a hidden one. */
  readonly isInShown?: boolean;
  /** It is a home of the account, or a folder above one, and a policy hides it. */
  readonly holdsHome?: boolean;
  /** Links in it that are shown as links, relative, with what they hold. */
  readonly links?: readonly (readonly [name: string, target: string])[];
}

export interface HostFacts {
  /** With the home's links resolved. */
  readonly account: Account;
  readonly hidden: readonly HiddenFact[];
  /** Permission bits of every existing folder that a plan may have to show. */
  readonly folders: ReadonlyMap<string, number>;
  /** Mount points of the host. */
  readonly mounts: readonly string[];
  /** Unix sockets of the host that have a path. */
  readonly sockets: readonly string[];
  /** Git folders of the workspace's repository, links resolved. */
  readonly gitFolders: readonly string[];
  /** Those of them that belong to repositories below the workspace. */
  readonly nestedGitFolders: readonly string[];
  readonly pins: readonly string[];
  /** Those of the pins that protect files which run by themselves; a person may lift them for one command. */
  readonly protection: readonly string[];
  /** Pins of patterns that hold wherever the file lies: folders above them may be renamed. */
  readonly loosePins: readonly string[];
  /** Paths that would be pinned if they existed. */
  readonly absentPins: readonly string[];
  /** Where hidden places are looked for: what appears there, or leads elsewhere from now on, needs a new template. */
  readonly lookedFor: readonly string[];
  /** Folders outside of the workspace that the policy makes writable. */
  readonly open: readonly string[];
  /** Why something is pinned or writable. */
  readonly because: ReadonlyMap<string, string>;
  readonly searches: ExpandedFiles['searches'];
  /** What a policy wants and no mount can hold. */
  readonly remarks: readonly string[];
  /** Caches of tools that the host has. */
  readonly caches: readonly string[];
  readonly resolver: string | undefined;
  /** Files that `/etc/resolv.conf` and `/etc/hosts` lead to. */
  readonly nameFiles: { readonly resolver: string | undefined; readonly hosts: string | undefined };
  readonly runLinks: readonly (readonly [name: string, target: string])[];
  readonly hasVarTmp: boolean;
  /** Process numbers are limited per pid namespace. */
  readonly limitsNumbers: boolean;
  readonly inotify: { readonly instances: number; readonly watches: number };
}

function kindOf(place: string): PlaceKind | 'link' {
  try {
    const stat = lstatSync(place);
    if (stat.isSymbolicLink()) return 'link';
    return stat.isDirectory() ? 'folder' : 'file';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'absent';
    return 'file'; // present but out of reach for the daemon: hide it all the same
  }
}

function tryRealpath(place: string): string | undefined {
  try {
    return realpathSync.native(place);
  } catch {
    return undefined;
  }
}

function findFile(place: string): string | undefined {
  const real = tryRealpath(place);
  return real !== undefined && kindOf(real) === 'file' ? real : undefined;
}

function expandPattern(pattern: string): string[] {
  const name = path.basename(pattern);
  if (!name.includes('*')) return [pattern];
  const parts = name.split('*');
  const expression = new RegExp(`^${parts.map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&')).join('.*')}$`);
  try {
    return readdirSync(path.dirname(pattern))
      .filter((entry) => expression.test(entry))
      .map((entry) => path.join(path.dirname(pattern), entry));
  } catch {
    return [];
  }
}

/** The nearest existing folder above, links resolved, and the first name below it that is missing (or the last name). */
function resolveParent(place: string): string {
  const names: string[] = [path.basename(place)];
  let folder = path.dirname(place);
  for (;;) {
    const real = tryRealpath(folder);
    if (real !== undefined) return path.join(real, names[0] ?? '');
    names.unshift(path.basename(folder));
    folder = path.dirname(folder);
  }
}

function findHidden(place: HiddenPlace, candidates: readonly string[]): HiddenFact[] {
  return candidates.flatMap((candidate) => {
    const resolved = resolveParent(candidate);
    const kind = kindOf(resolved);
    const except = (folder: string): string[] =>
      place.except.filter((name) => kindOf(path.join(folder, name)) === 'file');
    if (kind !== 'link') return [{ path: resolved, kind, except: kind === 'folder' ? except(resolved) : [] }];
    // what a link leads to is hidden where it lies; the link itself may stay
    const target = tryRealpath(resolved);
    const targetKind = target === undefined ? 'absent' : kindOf(target);
    if (target === undefined || targetKind === 'absent' || targetKind === 'link') {
      return [{ path: resolved, kind: 'absent' as const, except: [] }];
    }
    return [{ path: target, kind: targetKind, except: targetKind === 'folder' ? except(target) : [] }];
  });
}

/** What is hidden at one path must not be readable at another path of the same file. */
function addAliases(facts: readonly HiddenFact[], mounts: readonly Mount[]): HiddenFact[] {
  return facts.flatMap((fact) => [
    fact,
    ...findAliases(mounts, fact.path).flatMap((alias): HiddenFact[] => {
      const kind = kindOf(alias);
      return kind === 'link' ? [] : [{ ...fact, path: alias, kind, except: kind === 'folder' ? fact.except : [] }];
    }),
  ]);
}

/** Paths of /proc/net/unix. A relative one counts as a socket of the workspace when it is one there. */
export function findSockets(
  workspace: string | undefined,
  isOfInterest: (address: string) => boolean = () => true,
): string[] {
  const found = new Set<string>();
  for (const line of readFileSync('/proc/net/unix', 'utf8').split('\n').slice(1)) {
    const address = line.split(' ').slice(7).join(' ').trimStart();
    if (address === '' || address.startsWith('@') || !isOfInterest(address)) continue;
    const absolute = address.startsWith('/') ? address : workspace && path.join(workspace, address);
    const real = absolute === undefined ? undefined : tryRealpath(absolute);
    if (real !== undefined && lstatSync(real, { throwIfNoEntry: false })?.isSocket()) found.add(real);
  }
  return [...found];
}

function readLimit(name: string): number {
  try {
    return Number(readFileSync(`/proc/sys/fs/inotify/${name}`, 'utf8'));
  } catch {
    return 0;
  }
}

/** NixOS reaches its programs through links of /run into the read-only store. */
function findRunLinks(): [string, string][] {
  return ['current-system', 'booted-system', 'opengl-driver'].flatMap((name): [string, string][] => {
    try {
      const target = readlinkSync(`/run/${name}`);
      return target.startsWith('/nix/store/') ? [[name, target]] : [];
    } catch {
      return [];
    }
  });
}

/** Existing folders on the way to each path, the path included. */
function collectFolders(paths: readonly string[]): Map<string, number> {
  const folders = new Map<string, number>();
  const absent = new Set<string>();
  for (const start of paths) {
    for (
      let folder = start;
      folder !== '/' && !folders.has(folder) && !absent.has(folder);
      folder = path.dirname(folder)
    ) {
      const stat = lstatSync(folder, { throwIfNoEntry: false });
      if (stat?.isDirectory()) folders.set(folder, stat.mode & 0o777);
      else absent.add(folder);
    }
  }
  return folders;
}

function isRealFolder(place: string): boolean {
  return kindOf(place) === 'folder';
}

/** A pin needs every component to be real: through a link the mount would land elsewhere. */
function findProtected(workspace: string, names: readonly string[]): { present: string[]; absent: string[] } {
  const present: string[] = [];
  const absent: string[] = [];
  for (const name of names) {
    const place = path.join(workspace, name);
    const parent = path.dirname(place);
    if (tryRealpath(parent) !== parent) continue;
    const kind = kindOf(place);
    if (kind === 'absent') absent.push(place);
    else if (kind !== 'link') present.push(place);
  }
  return { present, absent };
}

/** What the policy adds to the pins, each at the place where a mount would lie. */
function findPins(files: ExpandedFiles): { places: string[]; loose: string[]; because: Map<string, string> } {
  const because = new Map<string, string>();
  const loose: string[] = [];
  for (const { path: place, rule } of files.pin) {
    const named = resolveParent(place);
    const real = kindOf(named) === 'link' ? tryRealpath(named) : named;
    if (real === undefined || kindOf(real) === 'absent') continue;
    because.set(real, rule.because);
    if (rule.byName) loose.push(real);
  }
  return { places: [...because.keys()], loose, because };
}

/** What is left of a pin when a path in it, or it itself, is lifted: everything beside the path keeps a pin. */
function liftPin(pin: string, lifted: readonly string[]): string[] {
  if (lifted.includes(pin)) return [];
  if (!lifted.some((place) => place.startsWith(`${pin}/`))) return [pin];
  return readdirSync(pin, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.isFile())
    .flatMap((entry) => liftPin(path.join(pin, entry.name), lifted));
}

function claimHidden(
  places: readonly { readonly place: HiddenPlace; readonly candidates: readonly string[] }[],
  files: ExpandedFiles,
  homes: readonly string[],
): HiddenClaim[] {
  return [
    ...places.flatMap(({ place, candidates }) =>
      findHidden(place, candidates).map(
        (fact): HiddenClaim => ({ fact: { ...fact, because: place.why }, by: place.isOwn ? 'sbx' : 'credentials' }),
      ),
    ),
    ...files.hide.flatMap(({ path: place, rule }) =>
      findHidden({ path: place, except: [], why: rule.because }, [place]).flatMap((fact): HiddenClaim[] => {
        const holdsHome = fact.kind === 'folder' && homes.some((home) => isWithin(fact.path, home));
        // `~` is the home that the daemon was started with, and the one of the account database as well
        const paths = fact.path === homes[0] ? homes : [fact.path];
        return paths.map((each) => ({
          fact: {
            ...{ ...fact, path: each, because: rule.because, holdsAbove: !rule.byName },
            ...(holdsHome ? { holdsHome } : {}),
          },
          by: rule,
        }));
      }),
    ),
  ];
}

/** Of homes that are hidden as a whole; caches of tools among them. */
function showHomes(claims: readonly HiddenClaim[], homes: readonly string[], { caches }: SessionInput): ShownOfHome {
  const names = [
    ...loadSessionData().homePrograms,
    ...(caches?.caches ?? []).filter(({ mixed }) => mixed !== true).map(({ host }) => host.slice(2)),
  ];
  const found = homes
    .filter((home) => claims.some(({ fact }) => fact.holdsHome === true && isWithin(fact.path, home)))
    .map((home) => findShownOfHome(home, names));
  return {
    places: found.flatMap(({ places }) => places),
    links: new Map(found.flatMap(({ links }) => [...links])),
  };
}

function withLinks(fact: HiddenFact, links: ReadonlyMap<string, string>): HiddenFact {
  if (fact.holdsHome !== true) return fact;
  const inside = [...links].filter(([link]) => isWithin(fact.path, link));
  return { ...fact, links: inside.map(([link, target]) => [path.relative(fact.path, link), target] as const) };
}

/** Without a link on the way: what is below one is judged by other paths. */
function findCaches({ caches }: SessionInput, home: string): string[] {
  return (caches?.caches ?? [])
    .map((cache) => findHostCache(cache, home))
    .filter((place) => kindOf(place) === 'folder' && tryRealpath(place) === place);
}

export function readHostFacts(
  input: SessionInput & { readonly account: Account },
  files: ExpandedFiles = noFiles,
): HostFacts {
  const found = input.account;
  const account = { ...found, home: tryRealpath(found.home) ?? found.home };
  const homes = [...new Set([account.home, ...(input.otherHomes ?? []).map((home) => tryRealpath(home) ?? home)])];
  const places = homes.flatMap((home) =>
    listHiddenPlaces(loadCredentials(), home, account.uid === 0, input.denyRead).map((place) => ({
      place,
      candidates: expandPattern(place.path),
    })),
  );
  const mounts = readMountTable('self');
  const open = files.open.map((file) => file.path);
  const roots = [...(input.workspace === undefined ? [] : [input.workspace]), ...open];
  const claims = claimHidden(places, files, homes);
  const ofHomes = showHomes(claims, homes, input);
  const settled = settleHidden(
    claims,
    [
      ...files.show.map((file) => ({ path: file.path, by: file.rule })),
      ...ofHomes.places.map((place) => ({ path: place, by: 'home' as const })),
    ],
    roots,
  );
  const hidden = new Map<string, HiddenFact>();
  for (const fact of addAliases(
    settled.hidden.map((each) => withLinks(each, ofHomes.links)),
    mounts,
  )) {
    hidden.set(fact.path, fact);
  }
  const named = roots.map((root) => findProtected(root, input.protectedPaths));
  const repositories = roots.map(findGitFolders);
  const isProtected = (place: string): boolean => !files.unprotect.some((rule) => rule.covers(place));
  const nestedGitFolders = (input.nestedPins ?? []).filter(
    (place) => path.basename(place) === '.git' && kindOf(place) === 'folder',
  );
  const gitFolders = [...new Set([...repositories.flatMap(({ folders }) => folders), ...nestedGitFolders])].filter(
    isProtected,
  );
  const inGit = (place: string): boolean =>
    gitFolders.some((folder) => place === folder || place.startsWith(`${folder}/`));
  const lifted = [...(input.unprotected ?? []), ...files.unprotect.flatMap((rule) => (rule.literal ? [rule.top] : []))];
  const protection = [
    ...repositories.flatMap((git) => git.pins),
    ...named.flatMap(({ present }) => present),
    ...(input.nestedPins ?? []),
  ]
    .filter((place) => isProtected(place) && !inGit(place))
    .flatMap((pin) => liftPin(pin, lifted));
  const pins = findPins(files);
  const sockets = findSockets(input.workspace);
  return {
    account,
    hidden: withoutNested([...hidden.values()]),
    folders: collectFolders([
      ...homes,
      '/var',
      ...[...hidden.keys()].map((place) => path.dirname(place)),
      ...[...hidden.values()].filter((fact) => fact.kind === 'folder').map((fact) => fact.path),
      ...[...hidden.values()].flatMap((fact) => fact.except.map((name) => path.join(fact.path, name))),
      ...sockets.map((socket) => path.dirname(socket)),
      ...roots,
      ...(input.writable ?? []).map((bind) => bind.target),
    ]),
    mounts: mounts.map((mount) => mount.path),
    sockets,
    gitFolders,
    nestedGitFolders: nestedGitFolders.filter((folder) => gitFolders.includes(folder)),
    pins: [...new Set([...protection, ...pins.places.filter((place) => !inGit(place))])],
    protection,
    loosePins: pins.loose,
    open,
    because: new Map([...pins.because, ...files.open.map((file) => [file.path, file.rule.because] as const)]),
    searches: files.searches,
    remarks: [...files.remarks, ...settled.remarks],
    lookedFor: [
      ...new Set([
        ...places.flatMap(({ candidates }) => candidates),
        ...hidden.keys(),
        ...[...files.hide, ...files.pin, ...files.show, ...files.open].map((file) => file.path),
      ]),
    ],
    absentPins: [
      ...new Set([...repositories.flatMap((git) => git.absent), ...named.flatMap(({ absent }) => absent)]),
    ].filter((place) => isProtected(place) && !inGit(place)),
    caches: findCaches(input, account.home),
    nameFiles: { resolver: findFile('/etc/resolv.conf'), hosts: findFile('/etc/hosts') },
    resolver: kindOf('/etc/resolv.conf') === 'link' ? tryRealpath('/etc/resolv.conf') : undefined,
    runLinks: findRunLinks(),
    hasVarTmp: isRealFolder('/var/tmp'),
    limitsNumbers: limitsNumbers(os.release()),
    inotify: { instances: readLimit('max_user_instances'), watches: readLimit('max_user_watches') },
  };
}

/**
 * Since Linux 6.14 each pid namespace has a highest process number of its own. Before, writing it changed the host's,
 * which root may do from inside a namespace: so it is not tried, and an unknown version counts as an old one.
 * Source: Linux 7863dcc72d0f "pid: allow pid_max to be set per pid namespace".
 */
export function limitsNumbers(release: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return Number(major) > 6 || (Number(major) === 6 && Number(minor) >= 14);
}
