/**
 * Moves references by compare and swap, with git's own locks, so that a git of the host that works at the same time and
 * this merge never overwrite each other. Those that go are removed first, because `a` makes room for `a/b`.
 */
import { UnusableFile } from './folder-tree.ts';
import { isNull } from './object-format.ts';
import { parsePackedRefs, removeFromPackedRefs } from './packed-refs.ts';
import { maxReflogBytes, type RefChange, readReflogChange, readRefs } from './ref-changes.ts';
import { isRefName, isTooDeep, targetOf } from './ref-name.ts';
import { cleanReflog, formatReflog, splitReflog } from './reflog.ts';
import { isUnchanged, type Repository } from './repository.ts';

const maxPackedBytes = 256 * 2 ** 20;
const attempts = 3;
/** As many as there may be references. */
const maxLogs = 200_000;

export async function applyRefs(repository: Repository, changes: readonly RefChange[]): Promise<void> {
  const removals = changes.filter(({ name, verdict, wanted }) => {
    if (wanted !== undefined || verdict === 'conflict') return false;
    // the log of one that is gone would be in the way of `NAME/…`, and goes last
    return verdict === 'apply' || repository.target.kind(`${repository.prefix}logs/${name}`) === 'file';
  });
  const moves = changes.filter(({ verdict, wanted }) => verdict === 'apply' && wanted !== undefined);
  for (const change of [...removals, ...moves]) {
    const failure = await applyRef(repository, change);
    if (failure !== undefined) reportConflict(repository, change, failure);
  }
  for (const change of changes) {
    if (change.verdict === 'conflict') reportConflict(repository, change, 'the host changed it while the command ran');
  }
}

/** @returns why it could not be done. */
async function applyRef(repository: Repository, change: RefChange): Promise<string | undefined> {
  const { target, prefix, locks, store, format } = repository;
  const { name, wanted } = change;
  const file = prefix + name;
  if (wanted !== undefined && targetOf(wanted) === undefined && !store.has(wanted)) return 'its object is missing';
  try {
    const lock = await locks.acquire(file, Buffer.from(wanted === undefined ? '' : `${wanted}\n`));
    if (lock === undefined) return `another git holds ${file}.lock`;
    try {
      const now = readRefs(repository).current(name).value;
      if (now === wanted && wanted !== undefined) return undefined;
      if (now !== wanted && now !== change.current) return 'the host changed it just now';
      if (wanted === undefined) {
        const failure = await removeFromPacked(repository, name);
        if (failure !== undefined) return failure;
        if (target.kind(file) === 'file') target.remove(file);
        if (target.kind(`${prefix}logs/${name}`) === 'file') target.remove(`${prefix}logs/${name}`);
        return undefined;
      }
      const clash = findClash(repository, name);
      if (clash !== undefined) return `${clash} is in its way`;
      if (target.kind(file) === 'folder' && !target.removeEmptyFolder(file))
        return 'references below it are in its way';
      mergeReflog(repository, name);
      lock.commit();
      return undefined;
    } finally {
      lock.release();
    }
  } catch (error) {
    if (error instanceof UnusableFile) return error.message;
    throw error;
  }

  /** Packed references have no folders that would be in the way by themselves. */
  function findClash({ prefix: own }: Repository, wantedName: string): string | undefined {
    if (own !== repository.commonPrefix) return undefined;
    const packed = parsePackedRefs(target.read(`${own}packed-refs`, maxPackedBytes)?.bytes ?? Buffer.alloc(0), format);
    const parts = wantedName.split('/');
    const above = parts.map((_, depth) => parts.slice(0, depth).join('/')).find((parent) => packed.has(parent));
    return above ?? [...packed.keys()].find((other) => other.startsWith(`${wantedName}/`));
  }
}

async function removeFromPacked({ target, prefix, locks }: Repository, name: string): Promise<string | undefined> {
  const file = `${prefix}packed-refs`;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const before = target.read(file, maxPackedBytes)?.bytes;
    const after = before === undefined ? undefined : removeFromPackedRefs(before, name);
    if (before === undefined || after === undefined || after.equals(before)) return undefined;
    const lock = await locks.acquire(file, after);
    if (lock === undefined) return `another git holds ${file}.lock`;
    try {
      if (target.read(file, maxPackedBytes)?.bytes.equals(before) === true) {
        lock.commit();
        return undefined;
      }
    } finally {
      lock.release();
    }
  }
  return 'the host keeps changing packed-refs';
}

/** To be called while the reference's lock is held, as git does. */
function mergeReflog(repository: Repository, name: string): void {
  const { target, staged, prefix, format } = repository;
  const log = `${prefix}logs/${name}`;
  const change = readReflogChange(repository, name);
  if (change === undefined) return;
  const real = target.stat(log);
  if (real !== undefined && !real.isFile()) {
    if (!real.isDirectory() || !target.removeEmptyFolder(log)) return;
  }
  if (name === 'refs/stash' && (real === undefined || isUnchanged(repository, real))) {
    // the log of the stash is its content: what the command dropped is gone, and the others moved up
    const lines = cleanReflog(splitReflog(staged.read(log, maxReflogBytes)?.bytes ?? Buffer.alloc(0)), format);
    const before = splitReflog(target.read(log, maxReflogBytes)?.bytes ?? Buffer.alloc(0));
    if (lines.join('\n') !== before.join('\n')) target.replace(log, formatReflog(lines));
    return;
  }
  if (change.added.length === 0) return;
  if (real?.isFile() !== true) target.replace(log, formatReflog(change.added));
  else target.append(log, formatReflog(change.added));
}

/** The logs of references that were not moved, or were moved before this merge was cut short. */
export async function mergeReflogs(repository: Repository, skipped: ReadonlySet<string>): Promise<void> {
  const { staged, prefix, locks, notes } = repository;
  const visit = async (name: string): Promise<void> => {
    if (skipped.has(name) || !needsWork(repository, name)) return;
    const lock = await locks.acquire(prefix + name, Buffer.alloc(0));
    if (lock === undefined)
      return notes.addKept(`${prefix}logs/${name}`, 'not merged, because another git holds the lock');
    try {
      if (name === 'HEAD' || readRefs(repository).current(name).value !== undefined) mergeReflog(repository, name);
    } finally {
      lock.release();
    }
  };
  let seen = 0;
  const walk = async (folder: string): Promise<void> => {
    for (const { name, kind } of staged.list(`${prefix}logs/${folder}`)) {
      const own = `${folder}/${name}`;
      if (isTooDeep(own) || ++seen > maxLogs) continue;
      if (kind === 'folder') await walk(own);
      else if (kind === 'file' && isRefName(own)) await visit(own);
      else if (kind !== 'whiteout')
        notes.collect(`${prefix}logs/${own}`, 'not taken over, because it is no regular file');
    }
  };
  const head = staged.kind(`${prefix}logs/HEAD`);
  if (head === 'file') await visit('HEAD');
  else if (head !== undefined && head !== 'whiteout') {
    notes.collect(`${prefix}logs/HEAD`, 'not taken over, because it is no regular file');
  }
  await walk('refs');
}

function needsWork(repository: Repository, name: string): boolean {
  const { staged, target, prefix } = repository;
  const change = readReflogChange(repository, name);
  if (change === undefined) return false;
  if (change.added.length > 0) return true;
  if (name !== 'refs/stash') return false;
  return staged.stat(`${prefix}logs/${name}`)?.size !== target.stat(`${prefix}logs/${name}`)?.size;
}

export function reportConflict(
  { notes, prefix, workspace, upper }: Repository,
  change: RefChange,
  because: string,
): void {
  const { name, wanted } = change;
  const file = prefix + name;
  if (wanted === undefined) {
    notes.addKept(file, `the command removed it; it stays, because ${because}`);
    return;
  }
  const here = prefix === '' ? `git -C ${quote(workspace)}` : `git --git-dir=…/${prefix.slice(0, -1)}`;
  const hash = targetOf(wanted) === undefined && !isNull(wanted) ? wanted : undefined;
  const take =
    hash === undefined
      ? undefined
      : name === 'refs/stash'
        ? `${here} stash store ${hash}`
        : `${here} branch ${`from-sandbox-${hash.slice(0, 8)}`} ${hash}`;
  notes.addKept(
    file,
    `the command's value ${wanted} is not taken over, because ${because}; it is kept in ${upper}`,
    take,
  );
}

const quote = (text: string): string => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
