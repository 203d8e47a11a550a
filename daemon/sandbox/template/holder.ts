/**
 * Compiles a plan to the two halves of a session template: options of the bubblewrap that makes its namespaces, and the
 * steps that a fixed script then takes inside. No path of a plan is ever part of script text or of a mount option string.
 */
import path from 'node:path';
import { sessionMountSource } from '../../../client/protocol/inside.ts';
import { reportFile, reportScript } from '../command/end-folder.ts';
import { encodeOrders, listenerProgram } from '../network/listeners.ts';
import { slotAt, slotCount } from '../network/slots.ts';
import type { Mask, NetworkPlan, OverlayPlace, SessionPlan } from '../plan/plan.ts';
import { byDepth, isWithin } from '../plan/plan.ts';
import type { CachePlace } from '../plan/tool-caches.ts';

const own = '/run/sbx';
const stash = '/run/.sbx-stash';
export const emptyFile = `${own}/empty-file`;
const emptyFolder = `${own}/empty-folder`;
/** What the overlays of hidden places consist of. */
const layers = `${own}/layers`;
/** Where whiteouts are made: the names that they hide, what the kernel works in, and both seen together. */
const making = { names: `${own}/names`, work: `${own}/work`, view: `${own}/view` } as const;
const hostStaged = `${stash}/staged`;
/**
 * INVARIANT(staged-is-covered): every command mounts its own /dev/shm, below which this lies. Only what starts commands
 * reaches it.
 */
export const insideStaged = '/dev/shm/staged';
/** Private folder of the caches; and where a cache of the host is bound, so that its path is in no option. */
const cacheLayers = `${stash}/caches`;
const hostCache = `${stash}/cache`;
/**
 * The /dev of commands, made once: without a disk, a console, or the memory of the machine. The host's own stays where it is
 * in the template, out of sight of commands: bubblewrap looks there for the name of a terminal.
 */
export const sessionDevices = `${own}/dev`;
const devices = 'null zero full random urandom tty';

/** Of each slot of the session's network: how names are resolved. */
export const resolverFile = (slot: number): string => `${own}/net/${slot}`;
/** Of the machine, for commands. Without a dot, so that no domain is put behind a name without one. */
export const hostName = 'sbx';
const hostsFile = `${own}/hosts`;

/**
 * INVARIANT(no-devices-elsewhere): every mount of a session has these, all but those of its devices. The bubblewrap of each command
 * would set them where they are missing, which is a system call a mount and a command.
 */
const quiet = 'nosuid,nodev';

/** First argument after the script: by it a later daemon recognises a template whose daemon is gone. */
export const holderMark = 'sbx-session';

/**
 * What the host's kernel cannot layer gets a folder of its own.
 *
 * Each step that starts a program costs a session about a millisecond, so one takes as many places as there are. A whiteout
 * is what overlayfs leaves where a name of the layer below was removed: a hundred of them are one `rmdir`, where `mknod`
 * would be a hundred programs.
 *
 * `set -e` makes every failed step end the template. The last step replaces the script by the session's
 * starter.
 */
/** The channel over which the listeners are handed to the daemon. */
export const channelDescriptor = 6;

export const setupScript = `set -eu
shift 3
mount -n --make-rprivate /
mount -n -t tmpfs -o size=1m,mode=755,${quiet} ${sessionMountSource} ${own}
while (($#)); do
  case $1 in
    folders) n=$2; mkdir -p -- "\${@:3:n}"; shift $((n + 2)) ;;
    mode) n=$3; chmod -- "$2" "\${@:4:n}"; shift $((n + 3)) ;;
    listen)
      exec {node}<"$2"
      ("/proc/self/fd/$node" -e "$3" "$4" </dev/null >/dev/null & )
      exec {node}<&- ${channelDescriptor}<&-
      unset NODE_CHANNEL_FD NODE_CHANNEL_SERIALIZATION_MODE
      shift 4 ;;
    file) : >"$2"; shift 2 ;;
    text) printf %s "$3" >"$2"; shift 3 ;;
    link) ln -s -- "$2" "$3"; shift 3 ;;
    hide)
      n=$2
      mount -n -t overlay -o "lowerdir=${making.names},upperdir=${layers},workdir=${making.work},userxattr" overlay ${making.view}
      rmdir -- "\${@:3:n}"
      umount -n ${making.view}
      rm -rf ${making.names} ${making.work} ${making.view}
      shift $((n + 2)) ;;
    overlay) mount -n -t overlay -o "ro,${quiet},lowerdir=$2/top:$2/hide:$3,userxattr" overlay "$4"; shift 4 ;;
    emptied) mount -n -t overlay -o "ro,${quiet},lowerdir=$2/top:$2/hide,userxattr" overlay "$3"; shift 3 ;;
    fresh) mount -n -t tmpfs -o "size=$2,mode=1777,${quiet}" tmpfs "$3"; shift 3 ;;
    devices)
      mount -n -t tmpfs -o size=64k,mode=755,nosuid tmpfs "$2"
      mkdir "$2/shm" "$2/pts"
      for name in ${devices}; do : >"$2/$name"; mount -n --no-canonicalize --bind "/dev/$name" "$2/$name"; done
      mount -n -t devpts -o newinstance,ptmxmode=0666,mode=620,nosuid,noexec devpts "$2/pts"
      ln -s pts/ptmx "$2/ptmx"
      ln -s /proc/self/fd "$2/fd"
      ln -s fd/0 "$2/stdin"; ln -s fd/1 "$2/stdout"; ln -s fd/2 "$2/stderr"
      if [[ -d /dev/shm ]]; then mount -n -t tmpfs -o size=64k,mode=700,${quiet} tmpfs /dev/shm; fi
      shift 2 ;;
    bind) mount -n --no-canonicalize --bind "$2" "$3"; shift 3 ;;
    cache)
      layered=
      if [[ $3 != - ]] && mount -n --no-canonicalize --bind "$3" ${hostCache} 2>/dev/null; then
        mount -n -t overlay -o "${quiet},lowerdir=${hostCache},upperdir=$2/up,workdir=$2/work,userxattr" overlay "$4" 2>/dev/null && layered=1
        umount -n --no-canonicalize --lazy ${hostCache}
      fi
      [[ $layered ]] || mount -n --no-canonicalize --bind "$2/up" "$4"
      shift 4 ;;
    move) mount -n --no-canonicalize --move "$2" "$3"; shift 3 ;;
    remove) n=$2; rmdir -- "\${@:3:n}"; shift $((n + 2)) ;;
    detach) n=$2; umount -n --no-canonicalize --lazy "\${@:3:n}"; shift $((n + 2)) ;;
    limit) echo "$3" >"/proc/sys/user/$2"; shift 3 ;;
    numbers) echo "$2" >/proc/sys/kernel/pid_max; shift 2 ;;
    proc) mount -n -t proc -o ${quiet},noexec proc /proc; shift ;;
    seal) mount -n -o remount,ro "$2"; shift 2 ;;
    start) shift; exec "$@" ;;
    *) exit 64 ;;
  esac
done
exit 64
`;

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

function maskLayer(index: number): string {
  return `${own}/masks/${index}`;
}

function layerOf(index: number): string {
  return `${layers}/${index}`;
}

function withCount(step: string, places: readonly string[]): string[] {
  return places.length === 0 ? [] : [step, String(places.length), ...places];
}

/** Folders of all layers in one step, then their files, whiteouts and permission bits. */
function compileLayers(
  overlays: readonly OverlayPlace[],
  partMasks: readonly Mask[],
  mountPoints: readonly string[],
): string[] {
  const inMasks = partMasks.flatMap(({ except }, index) =>
    except.map(([name, kind]) => [path.join(maskLayer(index), name), kind] as const),
  );
  const folders = overlays.flatMap((place, index) => [
    [`${layerOf(index)}/top`, place.mode] as const,
    [`${layerOf(index)}/hide`, place.mode] as const,
    ...place.topFolders.map(([name, mode]) => [`${layerOf(index)}/top/${name}`, mode] as const),
    ...place.hideFolders.map(([name, mode]) => [`${layerOf(index)}/hide/${name}`, mode] as const),
  ]);
  const hidden = overlays.flatMap(({ whiteouts }, index) => whiteouts.map((name) => `${index}/hide/${name}`));
  return [
    ...withCount('folders', [
      emptyFolder,
      ...mountPoints,
      ...inMasks.map(([place, kind]) => (kind === 'folder' ? place : path.dirname(place))),
      ...folders.map(([folder]) => folder),
      ...(hidden.length === 0 ? [] : [making.work, making.view]),
      ...hidden.map((place) => `${making.names}/${place}`),
    ]),
    ...['file', emptyFile],
    ...inMasks.flatMap(([place, kind]) => (kind === 'file' ? ['file', place] : [])),
    ...overlays.flatMap((place, index) => [
      ...place.topFiles.flatMap((name) => ['file', `${layerOf(index)}/top/${name}`]),
      ...(place.topLinks ?? []).flatMap(([name, target]) => ['link', target, `${layerOf(index)}/top/${name}`]),
    ]),
    ...withCount(
      'hide',
      hidden.map((place) => `${making.view}/${place}`),
    ),
    ...compileModes(folders),
  ];
}

/** Last, because a folder without write permission could not be filled. */
function compileModes(folders: readonly (readonly [folder: string, mode: number])[]): string[] {
  const byMode = new Map<number, string[]>();
  for (const [folder, mode] of folders) {
    if (mode !== 0o755) byMode.set(mode, [...(byMode.get(mode) ?? []), folder]);
  }
  return [...byMode].flatMap(([mode, places]) => [
    'mode',
    mode.toString(8).padStart(4, '0'),
    String(places.length),
    ...places,
  ]);
}
