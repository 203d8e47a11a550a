/**
 * Looks at the host, once per template: which hidden places are there, where links lead, which sockets and mounts exist.
 * The only impure part of planning.
 */
import { readlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readMountTable } from '../../platform/mount-table.ts';
import type { Account } from './account.ts';
import { listHiddenPlaces, loadCredentials } from './credentials.ts';
import { type ExpandedFiles, noFiles } from './expand-files.ts';
import { findGitFolders } from './git-folders.ts';
import { addAliases, claimHidden, expandPattern, showHomes, withLinks } from './hidden-claims.ts';
import { settleHidden, withoutNested } from './hidden-places.ts';
import { findPins, findProtected, liftPin } from './host-pins.ts';
import type { SessionInput } from './input.ts';
import { limitsNumbers, readInotifyLimit } from './kernel-limits.ts';
import { collectFolders, findFile, kindOf, type PlaceKind, tryRealpath } from './places.ts';
import { findSockets } from './sockets.ts';
import { findHostCache } from './tool-caches.ts';

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
    hasVarTmp: kindOf('/var/tmp') === 'folder',
    limitsNumbers: limitsNumbers(os.release()),
    inotify: { instances: readInotifyLimit('max_user_instances'), watches: readInotifyLimit('max_user_watches') },
  };
}
