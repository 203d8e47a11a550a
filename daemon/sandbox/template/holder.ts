/**
 * Compiles a plan to the two halves of a session template: options of the bubblewrap that makes its namespaces, and the
 * steps that the setup script then takes inside. No path of a plan is ever part of a mount option string.
 */
import path from 'node:path';
import { reportFile, reportScript } from '../command/end-folder.ts';
import { encodeOrders, listenerProgram } from '../network/listeners.ts';
import { slotAt, slotCount } from '../network/slots.ts';
import type { Mask, NetworkPlan, SessionPlan } from '../plan/plan.ts';
import type { CachePlace } from '../plan/tool-caches.ts';
import { byDepth, isWithin } from '../plan/within.ts';
import { compileLayers } from './layer-steps.ts';
import {
  cacheLayers,
  emptyFile,
  emptyFolder,
  hostCache,
  hostName,
  hostStaged,
  hostsFile,
  insideStaged,
  layerOf,
  maskLayer,
  own,
  resolverFile,
  sessionDevices,
  stash,
} from './places.ts';
import { withCount } from './setup-script.ts';

export interface CompiledHolder {
  /** Options for bubblewrap, for `--args`. */
  readonly options: readonly string[];
  /** Arguments of the script. */
  readonly steps: readonly string[];
  /** What the mount table must then show: path → `ro`, `rw`. */
  readonly expected: readonly (readonly [path: string, access: 'ro' | 'rw'])[];
  /** Mounts that must show what the folder above them has under that name. */
  readonly same: readonly string[];
}

export function compileHolder(plan: SessionPlan): CompiledHolder {
  const cachePlaces = plan.caches?.places ?? [];
  const lowers = plan.overlays.map((_, index) => `${stash}/lower${index}`);
  const sources = plan.writable.map((_, index) => `${stash}/writable${index}`);
  const views = plan.writable.map((_, index) => `${stash}/view${index}`);
  // Only a folder of which something is shown needs one of its own; all others share an empty one.
  const partMasks = plan.masks.filter(({ except }) => except.length > 0);
  const partSource = (mask: Mask): string => `${stash}/mask${partMasks.indexOf(mask)}`;
  const isWritable = (place: string): boolean => plan.writable.some(({ target }) => isWithin(target, place));
  const gitSources = plan.gitFolders.map((_, index) => `${stash}/git${index}`);
  const isPinned = plan.writable.map(({ target }) => plan.pins.some((pin) => isWithin(target, pin)));
  const options = [
    '--unshare-user',
    '--unshare-net',
    '--unshare-pid',
    '--die-with-parent',
    ...['--cap-add', 'ALL'],
    ...['--ro-bind', '/', '/'],
    ...['--bind', '/proc', '/proc'],
    ...['--size', '65536', '--perms', '0755', '--tmpfs', '/run'],
    ...['--dir', own],
    ...['--dev-bind', '/dev', '/dev'],
    ...plan.runLinks.flatMap(([name, target]) => ['--symlink', target, `/run/${name}`]),
    ...(plan.resolver === undefined ? [] : ['--ro-bind', plan.resolver, plan.resolver]),
    ...plan.overlays.flatMap(({ path: place }, index) => ['--ro-bind', place, lowers[index] ?? '']),
    ...partMasks.flatMap((mask) => ['--ro-bind', mask.path, partSource(mask)]),
    ...(plan.caches === undefined ? [] : ['--dir', hostCache, '--bind', plan.caches.source, cacheLayers]),
    ...plan.writable.flatMap(({ source }, index) => ['--bind', source, sources[index] ?? '']),
    ...plan.writable.flatMap(({ source }, index) => (isPinned[index] ? ['--ro-bind', source, views[index] ?? ''] : [])),
    ...plan.gitFolders.flatMap((folder, index) => ['--ro-bind', folder, gitSources[index] ?? '']),
    ...(plan.staged === undefined ? [] : ['--bind', plan.staged, hostStaged]),
  ];

  const stashed = [
    ...partMasks.map(partSource),
    ...lowers,
    ...sources,
    ...views.filter((_, index) => isPinned[index]),
    ...gitSources,
    ...(plan.caches === undefined ? [] : [hostCache, cacheLayers]),
    ...(plan.staged === undefined ? [] : [hostStaged]),
  ];

  const viewOf = (pin: string): string => {
    const index = plan.writable.findLastIndex(({ target }) => isWithin(target, pin));
    return path.join(views[index] ?? '', path.relative(plan.writable[index]?.target ?? '', pin));
  };
  const steps = [
    // first: Node itself may lie in what is about to be hidden
    ...(plan.network === undefined ? [] : ['listen', process.execPath, listenerProgram, encodeOrders(plan.network)]),
    ...compileLayers(
      plan.overlays,
      partMasks,
      [
        sessionDevices,
        ...(plan.network === undefined ? [] : [path.dirname(resolverFile(0))]),
        ...[...plan.writable, ...cachePlaces].map(({ target }) => target),
      ].filter((target) => isWithin(own, target)),
    ),
    ...['text', reportFile, reportScript],
    ...compileNameFiles(plan.network),
    // sealed first: mounts made of its empty file and folder take over that it is read-only
    ...['seal', own],
    ...compileMounts(plan, lowers, sources),
    ...(plan.network?.hosts === undefined ? [] : ['bind', hostsFile, plan.network.hosts]),
    ...plan.held.flatMap((folder) => ['bind', folder, folder]),
    ...plan.pins.flatMap((pin) => ['bind', viewOf(pin), pin]),
    ...plan.gitFolders.flatMap((folder, index) => [
      ...(isAnew(plan, folder) && !isWritable(folder) ? ['folders', '1', folder] : []),
      ...['move', gitSources[index] ?? '', folder],
    ]),
    ...plan.masks.flatMap((mask) => [
      ...['bind', maskSource(mask, partMasks), mask.path],
      ...mask.except.flatMap(([name]) => ['bind', path.join(partSource(mask), name), path.join(mask.path, name)]),
    ]),
    ...compileCacheFolders(cachePlaces),
    ...cachePlaces.flatMap(({ layer, below, target }) => [
      'cache',
      path.join(cacheLayers, layer),
      below ?? '-',
      target,
    ]),
    ...(plan.caches === undefined ? [] : ['detach', '1', cacheLayers]),
    ...['devices', sessionDevices, 'seal', sessionDevices],
    ...(plan.staged === undefined ? [] : ['folders', '1', insideStaged, 'move', hostStaged, insideStaged]),
    ...withCount('detach', [...partMasks.map(partSource), ...lowers, ...views.filter((_, index) => isPinned[index])]),
    ...['remove', String(stashed.length + 1), ...stashed, stash, 'seal', '/run', 'proc'],
    ...['limit', 'max_inotify_instances', String(plan.inotify.instances)],
    ...['limit', 'max_inotify_watches', String(plan.inotify.watches)],
    ...(plan.processNumbers === undefined ? [] : ['numbers', String(plan.processNumbers)]),
  ];
  return {
    options,
    steps,
    same: [...[...plan.held, ...plan.pins], ...plan.gitFolders.filter(isWritable)],
    expected: [
      ['/', 'ro'],
      ['/run', 'ro'],
      [sessionDevices, 'ro'],
      [own, 'ro'],
      ...plan.freshFolders.map((folder) => [folder, 'rw'] as const),
      ...plan.overlays.map(({ path: place }) => [place, 'ro'] as const),
      ...plan.writable.map(({ target }) => [target, 'rw'] as const),
      ...cachePlaces.map(({ target }) => [target, 'rw'] as const),
      ...plan.held.map((folder) => [folder, 'rw'] as const),
      ...plan.pins.map((pin) => [pin, 'ro'] as const),
      ...plan.gitFolders.map((folder) => [folder, 'ro'] as const),
      ...plan.masks.map(({ path: place }) => [place, 'ro'] as const),
      ...(plan.staged === undefined ? [] : [[insideStaged, 'rw'] as const]),
    ],
  };
}

/** Programs that know nothing of a proxy still ask the daemon, and only the daemon, what a name means. */
function compileNameFiles(network: NetworkPlan | undefined): string[] {
  if (network === undefined) return [];
  const slots = Array.from({ length: slotCount }, (_, index) => slotAt(index));
  return [
    ...slots.flatMap(({ index, address }) => ['text', resolverFile(index), `nameserver ${address}\n`]),
    ...['text', hostsFile, `127.0.0.1\tlocalhost ${hostName}\n::1\tlocalhost\n`],
  ];
}

/** Below a folder that the session has fresh and empty: a mount point there has to be made first. */
function isAnew(plan: SessionPlan, place: string): boolean {
  return (
    [...plan.freshFolders, '/run'].some((folder) => folder !== place && isWithin(folder, place)) &&
    !isWithin(own, place)
  );
}

/** Upper layers and what the kernel works in, made at first use. */
function compileCacheFolders(places: readonly CachePlace[]): string[] {
  const folders = places.flatMap(({ layer }) => ['up', 'work'].map((name) => path.join(cacheLayers, layer, name)));
  return withCount('folders', folders);
}

/**
 * Outer folders first, whatever kind of mount they are: a mount made later on a folder above puts those below out of
 * sight.
 */
function compileMounts(plan: SessionPlan, lowers: readonly string[], sources: readonly string[]): string[] {
  const mounts = [
    ...plan.freshFolders.map((folder) => ({ target: folder, steps: ['fresh', String(plan.tmpBytes), folder] })),
    ...plan.overlays.map((place, index) => ({
      target: place.path,
      steps: [
        ...(place.emptied === true
          ? ['emptied', layerOf(index), place.path]
          : ['overlay', layerOf(index), lowers[index] ?? '', place.path]),
        ...place.exceptions.flatMap((name) => [
          ...['bind', path.join(lowers[index] ?? '', name), path.join(place.path, name)],
        ]),
      ],
    })),
    ...plan.writable.map(({ target }, index) => ({ target, steps: ['move', sources[index] ?? '', target] })),
  ];
  return mounts
    .sort((a, b) => byDepth(a.target, b.target))
    .flatMap(({ target, steps }) => [...(isAnew(plan, target) ? ['folders', '1', target] : []), ...steps]);
}

function maskSource(mask: Mask, partMasks: readonly Mask[]): string {
  if (mask.kind === 'file') return emptyFile;
  return mask.except.length === 0 ? emptyFolder : maskLayer(partMasks.indexOf(mask));
}
