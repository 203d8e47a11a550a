/**
 * Finds where this daemon may make control groups of its own. Only version 2 of the kernel's interface: there one group
 * holds all limits, can be handed to an account, and ends everything in it with one write. What cannot be had is said with
 * its reason and remedy, and never stands in the way of a run.
 *
 * Source: Linux Documentation/admin-guide/cgroup-v2.rst, "Delegation" and "No Internal Process Constraint".
 */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Mount, readMountTable } from '../../platform/mount-table.ts';
import { readStat } from '../../platform/process-tree.ts';

export const controllerNames = ['memory', 'pids'] as const;
export type Controller = (typeof controllerNames)[number];

export interface GroupParent {
  readonly folder: string;
  /** What can be limited in groups made there. */
  readonly controllers: ReadonlySet<Controller>;
}

export interface NoGroups {
  readonly because: string;
  readonly help: string;
}

export function isGroupParent(found: GroupParent | NoGroups): found is GroupParent {
  return 'folder' in found;
}

const useDelegation =
  'start the daemon in a group of its own: `sbx daemon stop; systemd-run --user --scope -p Delegate=yes sbx daemon start`';

/**
 * Folder of a process's group of version 2, and of no other.
 * @param membership text of `/proc/PID/cgroup`.
 */
export function findOwnGroup(mounts: readonly Mount[], membership: string): string | undefined {
  const own = /^0::(\/.*)$/m.exec(membership)?.[1];
  // a group outside of what this namespace shows begins with `/..`
  if (own === undefined || own.split('/').includes('..')) return undefined;
  const mount = mounts.find(({ type }) => type === 'cgroup2');
  if (mount === undefined) return undefined;
  const below = path.relative(mount.root, own);
  return below.startsWith('..') ? undefined : path.resolve(mount.path, below);
}

/** A daemon that was left alone in a group of its own moves below it, because a group with processes can have no limited ones. */
const ownLeaf = 'sbx-daemon';

export function findGroupParent(): GroupParent | NoGroups {
  const mounts = readMountTable('self');
  if (!mounts.some(({ type }) => type === 'cgroup2')) {
    return {
      because: 'control groups of version 2 are not mounted',
      help: 'boot with `systemd.unified_cgroup_hierarchy=1`, or mount cgroup2 at /sys/fs/cgroup',
    };
  }
  const own = findOwnGroup(mounts, readFileSync('/proc/self/cgroup', 'utf8'));
  if (own === undefined || !existsSync(own)) {
    return { because: "the daemon's own control group is not visible here", help: useDelegation };
  }
  const folder = chooseFolder(own);
  if (folder === undefined) {
    return { because: `the control group \`${own}\` is not the daemon's to divide`, help: useDelegation };
  }
  return { folder, controllers: enableControllers(folder) };
}

/** The root has no constraint; an own group is taken when nobody else is in it, else the one above, which has no processes. */
function chooseFolder(own: string): string | undefined {
  const isRoot = !existsSync(path.join(own, 'cgroup.type'));
  if (isRoot) return isOurs(own) ? own : undefined;
  if (path.basename(own) === ownLeaf && isOurs(path.dirname(own))) return path.dirname(own);
  if (isOurs(own) && moveToLeaf(own)) return own;
  const above = path.dirname(own);
  return isOurs(above) && readNumbers(path.join(above, 'cgroup.procs')).length === 0 ? above : undefined;
}

/** Whoever may move processes into the group has been given it: the file belongs to root otherwise. */
function isOurs(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    accessSync(path.join(folder, 'cgroup.procs'), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function readNumbers(file: string): number[] {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number);
}

function moveToLeaf(own: string): boolean {
  const members = readNumbers(path.join(own, 'cgroup.procs'));
  if (!members.every((pid) => pid === process.pid || readStat(pid)?.parent === process.pid)) return false;
  try {
    const leaf = path.join(own, ownLeaf);
    mkdirSync(leaf, { recursive: true });
    for (const pid of members) writeFileSync(path.join(leaf, 'cgroup.procs'), String(pid));
    return true;
  } catch {
    return false;
  }
}

/** Each by itself: a machine with both versions has some of them in the other. */
function enableControllers(folder: string): ReadonlySet<Controller> {
  const file = path.join(folder, 'cgroup.subtree_control');
  const read = (name: string): string[] => readFileSync(path.join(folder, name), 'utf8').trim().split(/\s+/);
  for (const name of controllerNames) {
    if (!read('cgroup.controllers').includes(name) || read('cgroup.subtree_control').includes(name)) continue;
    try {
      writeFileSync(file, `+${name}`);
    } catch {
      // it stays absent, and is reported so
    }
  }
  const enabled = read('cgroup.subtree_control');
  return new Set(controllerNames.filter((name) => enabled.includes(name)));
}
