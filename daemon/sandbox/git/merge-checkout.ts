/**
 * What belongs to one working tree: HEAD, the index, and the state of a merge or rebase under way. They are taken over
 * together with the branch that is checked out, or not at all. While it happens the index is locked, so that no commit or
 * checkout of the host comes in between.
 */
import { UnusableFile } from './folder-tree.ts';
import { planIndex, readIndexNow } from './merge-index.ts';
import { applyRefs, mergeReflogs, reportConflict } from './merge-refs.ts';
import { mergeState } from './merge-state.ts';
import { type RefChange, readReflogChange, readRefs } from './ref-changes.ts';
import { parseRefValue, targetOf } from './ref-name.ts';
import { type Repository, readBase } from './repository.ts';

const maxHeadBytes = 4096;

export interface Checkout {
  readonly repository: Repository;
  /** Absolute; undefined where none belongs to it. */
  readonly workTree: string | undefined;
}

/**
 * @param common where the references are.
 * @param checkouts first that of the git folder itself, then those of linked worktrees.
 */
export async function mergeCheckouts(common: Repository, checkouts: readonly Checkout[]): Promise<void> {
  const changes = readRefs(common).changes();
  const skipped = new Set(changes.filter(({ verdict }) => verdict === 'conflict').map(({ name }) => name));
  for (const { name, wanted, verdict } of changes) {
    if (!name.startsWith('refs/replace/') || wanted === undefined || verdict === 'done') continue;
    common.notes.collect(
      name,
      'the command made git show other objects in place of these',
      `git replace -d ${name.slice(13)}`,
    );
  }
  const plans = checkouts.map((checkout) => ({ ...checkout, head: planHead(checkout.repository) }));
  const branches = new Map(plans.map(({ head }, index) => [targetOf(head.current ?? head.wanted), index]));
  for (const [index, plan] of plans.entries()) {
    const own = changes.filter(({ name }) => (branches.get(name) ?? 0) === index);
    const missed = await mergeCheckout(common, plan, own);
    const { repository } = plan;
    // every worktree has a HEAD of its own
    for (const name of missed) if (name !== 'HEAD' || repository === common) skipped.add(name);
    if (repository === common) continue;
    await applyRefs(repository, readRefs(repository).changes());
    await mergeReflogs(repository, new Set(missed));
  }
  await mergeReflogs(common, skipped);
}

/** @returns what was not moved. */
async function mergeCheckout(
  common: Repository,
  { repository, workTree, head }: Checkout & { readonly head: RefChange },
  changes: readonly RefChange[],
): Promise<readonly string[]> {
  const { prefix, locks, notes, upper } = repository;
  const branch = targetOf(head.current ?? head.wanted);
  const own = changes.find(({ name }) => name === branch);
  const index = planIndex(repository, workTree);
  const failure = await mergeTogether();
  if (failure === undefined) return [];
  notes.addKept(
    `${prefix}HEAD`,
    `what the command did to the checked-out branch, HEAD and the index is not taken over, because ${failure}; it is kept in ${upper}`,
  );
  if (own !== undefined && own.verdict !== 'done') reportConflict(common, own, failure);
  if (head.verdict !== 'done') reportConflict(repository, head, failure);
  const rest = changes.filter((change) => change !== own);
  await applyRefs(common, rest);
  return own === undefined ? ['HEAD'] : ['HEAD', own.name];

  /** @returns why it was not done. */
  async function mergeTogether(): Promise<string | undefined> {
    if (head.verdict === 'conflict') return 'the host checked out something else';
    if (own?.verdict === 'conflict') return `the host moved ${own.name} while the command ran`;
    if (index.kind === 'conflict') return index.because;
    const bytes = index.kind === 'merged' ? index.bytes : (index.current ?? Buffer.alloc(0));
    const needsLock = index.kind === 'merged' || head.verdict === 'apply' || own?.verdict === 'apply';
    const lock = needsLock ? await locks.acquire(`${prefix}index`, bytes) : undefined;
    if (needsLock && lock === undefined) return `another git holds ${prefix}index.lock`;
    try {
      const now = readIndexNow(repository);
      const isSame = now === undefined ? index.current === undefined : index.current?.equals(now) === true;
      if (!isSame) return 'the host changed the index just now';
      await applyRefs(common, changes);
      if (head.verdict === 'apply') {
        const because = await moveHead(repository, head);
        if (because !== undefined) return because;
      }
      mergeState(repository);
      if (index.kind === 'merged') lock?.commit();
      return undefined;
    } finally {
      lock?.release();
    }
  }
}

function planHead(repository: Repository): RefChange {
  const { staged, target, prefix, format, notes } = repository;
  const current = readHead(repository);
  let wanted = current;
  try {
    const own = staged.read(`${prefix}HEAD`, maxHeadBytes);
    if (own !== undefined) wanted = parseRefValue(own.bytes, format) ?? current;
    if (own !== undefined && parseRefValue(own.bytes, format) === undefined) {
      notes.collect(`${prefix}HEAD`, 'not taken over, because it holds neither an object nor a reference');
    }
  } catch (error) {
    if (!(error instanceof UnusableFile)) throw error;
    if (staged.kind(`${prefix}HEAD`) !== 'whiteout')
      notes.collect(`${prefix}HEAD`, 'not taken over, because it is no regular file');
  }
  const change = { name: 'HEAD', current, wanted };
  if (current === wanted) return { ...change, verdict: 'done' };
  const base = readBase(repository, 'HEAD', maxHeadBytes);
  const before = base?.bytes === undefined ? undefined : parseRefValue(base.bytes, format);
  if (before !== undefined && before === wanted) return { ...change, wanted: current, verdict: 'done' };
  if (before !== undefined && before === current) return { ...change, verdict: 'apply' };
  if (current === undefined && target.kind(`${prefix}HEAD`) === undefined) return { ...change, verdict: 'apply' };
  const detachedFrom = readReflogChange(repository, 'HEAD')?.firstOld;
  return { ...change, verdict: detachedFrom !== undefined && detachedFrom === current ? 'apply' : 'conflict' };
}

function readHead({ target, prefix, format }: Repository): string | undefined {
  const file = target.kind(`${prefix}HEAD`) === 'file' ? target.read(`${prefix}HEAD`, maxHeadBytes) : undefined;
  return file === undefined ? undefined : parseRefValue(file.bytes, format);
}

async function moveHead(repository: Repository, { current, wanted }: RefChange): Promise<string | undefined> {
  const { locks, prefix, store } = repository;
  if (wanted === undefined) return undefined;
  const branch = targetOf(wanted);
  if (branch === undefined && !store.has(wanted)) return 'the commit of HEAD is missing';
  if (branch !== undefined && !branch.startsWith('refs/heads/')) return `HEAD would be ${branch}, which is no branch`;
  const lock = await locks.acquire(`${prefix}HEAD`, Buffer.from(`${wanted}\n`));
  if (lock === undefined) return `another git holds ${prefix}HEAD.lock`;
  try {
    if (readHead(repository) !== current) return 'the host checked out something else just now';
    lock.commit();
    return undefined;
  } finally {
    lock.release();
  }
}
