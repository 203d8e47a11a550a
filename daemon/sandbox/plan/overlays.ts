/**
 * Which folders are seen through a read-only overlay, and what its layers hold. Hidden places are made part of one wherever
 * possible: a mask that is a mount falls off when the host renames over its mount point, a name that the overlay's upper
 * layers hide stays hidden, also when it appears later.
 */
import path from 'node:path';
import type { HiddenFact, HostFacts } from './facts.ts';
import type { SessionInput } from './input.ts';
import type { PlaceKind } from './places.ts';
import { byDepth, foldersBetween, isStrictlyWithin, isWithin } from './within.ts';

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

/** Kernel file systems cannot be the lower layer of an overlay, and nobody renames their files. */
export const kernelFolders = ['/proc', '/sys', '/dev'];

/** The session's own `/var/tmp` lies between an overlay of `/var` and a home below it: each needs its own overlay. */
export function isHiddenAgain(place: string, candidate: string): boolean {
  return isStrictlyWithin(place, '/var/tmp') && isWithin('/var/tmp', candidate);
}

/**
 * What is shown of an emptied folder is an overlay too, so that what is hidden in it stays hidden and its sockets refuse
 * connections. A folder with mounts below it cannot be one, and is bound as it is.
 */
export function chooseShownPlaces(
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
export function chooseOverlayPlaces(
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

export function planOverlay(
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
export function planEmptied(
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
