/** Tells what else a command changed in the git folder. None of it is taken over. */
import { UnusableFile } from './folder-tree.ts';
import type { Repository } from './repository.ts';
import { stateFiles, stateFolders } from './state-names.ts';

/** Dealt with elsewhere, or made anew by git whenever it wants. */
const handled: ReadonlySet<string> = new Set([
  ...['objects', 'refs', 'packed-refs', 'HEAD', 'index', 'logs', 'config', 'worktrees', 'modules', 'shallow'],
  ...['gc.log', 'gc.pid', 'packed-refs.new', 'info/refs', 'description', 'lfs'],
  ...stateFiles.keys(),
  ...stateFolders,
]);

/** A git, or a program it starts, believes or runs these; whoever wants them makes them outside. */
const trusted: ReadonlySet<string> = new Set([
  ...['hooks', 'info', 'commondir', 'gitdir', 'config.worktree', 'branches', 'remotes', 'rr-cache'],
  ...['objects/info/alternates', 'objects/info/http-alternates'],
]);

const maxShown = 200;
const maxDepth = 32;
const maxSeen = 50_000;
const maxCompareBytes = 2 ** 20;

export function reportLeftovers(repository: Repository): void {
  const { staged, prefix, notes } = repository;
  let count = 0;
  let seen = 0;
  const visit = (name: string): void => {
    const kind = staged.kind(prefix + name);
    if (++seen > maxSeen || handled.has(name) || isMeaningless(name)) return;
    if (kind === 'folder') {
      if (name.split('/').length > maxDepth) notes.collect(prefix + name, 'not looked at, because it is too deep');
      else for (const entry of staged.list(prefix + name)) visit(`${name}/${entry.name}`);
      return;
    }
    if (!isChanged(repository, name) || ++count > maxShown) return;
    if (trusted.has(name) || trusted.has(name.split('/', 1)[0] ?? '')) {
      notes.collect(
        prefix + name,
        'changed by the command and not taken over, because git on the host would trust or run it',
      );
    } else if (kind !== 'file') {
      notes.collect(prefix + name, 'not taken over, because it is no regular file');
    } else {
      notes.keep = true;
      notes.collect(prefix + name, `not taken over, because git does not know it; it is kept in ${repository.upper}`);
    }
  };
  for (const { name } of staged.list(prefix === '' ? '' : prefix.slice(0, -1))) visit(name);
  if (seen > maxSeen) notes.addKept(repository.folder, `only ${maxSeen} of the other files in it were looked at`);
  visit('objects/info/alternates');
  visit('objects/info/http-alternates');
}

/** Locks of commands that were stopped, and hooks that are only examples. */
const isMeaningless = (name: string): boolean => /\.lock$|^sharedindex\.|^hooks\/[^/]+\.sample$/.test(name);

/** Files are also copied into the layer when only their attributes change. */
function isChanged({ staged, target, prefix }: Repository, name: string): boolean {
  const kind = staged.kind(prefix + name);
  if (kind === 'whiteout') return target.kind(prefix + name) !== undefined;
  if (kind !== 'file') return kind !== undefined;
  try {
    const own = staged.read(prefix + name, maxCompareBytes)?.bytes;
    const real = target.read(prefix + name, maxCompareBytes)?.bytes;
    // of a repository that is new: only examples
    if (name === 'info/exclude' && real === undefined && /^(?:#.*\n|\s)*$/.test(own?.toString() ?? '')) return false;
    return own === undefined || real?.equals(own) !== true;
  } catch (error) {
    if (error instanceof UnusableFile) return true;
    throw error;
  }
}
