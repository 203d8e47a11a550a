/**
 * Decides about each thing that a command made at a protected name, and acts: a harmless repository stays, one that can be
 * made harmless is, everything else is moved to the quarantine. Runs with the rights of the workspace's account.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { isHarmless, writeGitConfig } from './config-verdict.ts';
import { inspectRepository, maxConfigBytes, type Offence, readConfig } from './inspect-repository.ts';
import { moveAway, type Shelf } from './quarantine.ts';
import { rawText, toRaw } from './raw-name.ts';
import { below, openFolder, readSmallFile, statBelow, withFolder } from './verified-folder.ts';

export interface Suspect {
  /** Raw names from the workspace on. */
  readonly segments: readonly string[];
  /** `repository`: a name `.git`; `bare`: a folder that git would take for a repository. */
  readonly kind: 'name' | 'repository' | 'bare';
  readonly because: string;
}

export interface SettleOrder {
  readonly workspace: string;
  /** Git folders that commands cannot change: a `.git` file may lead into them. */
  readonly gitFolders: readonly string[];
  readonly quarantine: string;
  readonly suspects: readonly Suspect[];
  /**
   * The command is still at work: what is only half made, as the link with which `git init` tries out the file system, is
   * left for later, and configuration is changed as git does it.
   */
  readonly running: boolean;
}

export interface Outcome {
  readonly segments: readonly string[];
  readonly result: 'kept' | 'cleaned' | 'moved' | 'aside' | 'gone' | 'failed';
  /** Where it is now, or its parts are. Raw. */
  readonly to: string | undefined;
  readonly why: string;
}

const maxGitFileBytes = 8192;

export function settleSuspects(order: SettleOrder): readonly Outcome[] {
  const shelf = new LazyShelf(order.quarantine);
  try {
    const outcomes = order.suspects.map((suspect): Outcome => {
      try {
        return settle(order, suspect, shelf);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        const isGone = code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
        const why = (error as Error).message;
        return { segments: suspect.segments, result: isGone ? 'gone' : 'failed', to: undefined, why };
      }
    });
    shelf.record(order.workspace, outcomes);
    return outcomes;
  } finally {
    shelf.close();
  }
}

function settle(order: SettleOrder, suspect: Suspect, shelf: LazyShelf): Outcome {
  const { segments, because } = suspect;
  const workspace = toRaw(order.workspace);
  const move = (why: string): Outcome => {
    const moved = moveAway(workspace, segments, shelf.open());
    if (moved === undefined) return { segments, result: 'gone', to: undefined, why };
    return { segments, result: moved.place === 'aside' ? 'aside' : 'moved', to: moved.to, why };
  };
  if (suspect.kind === 'name') return move(because);
  const name = segments.at(-1) ?? '';
  const above = suspect.kind === 'bare' ? segments : segments.slice(0, -1);
  if (suspect.kind === 'repository') {
    const stat = withFolder(workspace, above, (folder) => statBelow(folder, name));
    if (stat === undefined) return { segments, result: 'gone', to: undefined, why: because };
    if (!stat.isDirectory()) {
      const objection = stat.isFile()
        ? withFolder(workspace, above, (folder) => judgeGitFile(order, above, folder, name))
        : 'it is no folder and no file';
      return objection === undefined ? kept(segments) : move(objection);
    }
  }
  const tree = [order.workspace, ...above.map(rawText)].join('/');
  const setting = { gitFolder: [order.workspace, ...segments.map(rawText)].join('/'), tree };
  const folder = openFolder(workspace, segments);
  try {
    const found = inspectRepository(folder, setting);
    const offences = found.filter(({ part }) => part !== 'told' && (!order.running || part !== 'whole'));
    const why = [...new Set((order.running ? offences : found).map((offence) => offence.why))].slice(0, 3).join('; ');
    if (offences.length === 0) return { ...kept(segments), why };
    if (offences.some((offence) => offence.part === 'whole') || offences.length > maxParts) return move(why);
    const to = takeOut(folder, segments, offences, setting, shelf.open(), order);
    if (!order.running && inspectRepository(folder, setting).some(({ part }) => part !== 'told')) return move(why);
    return { segments, result: 'cleaned', to, why };
  } finally {
    closeSync(folder);
  }
}

const maxParts = 64;

function kept(segments: readonly string[]): Outcome {
  return { segments, result: 'kept', to: undefined, why: '' };
}

/** Undefined when it leads to a git folder that no command can change, or is none. */
function judgeGitFile(order: SettleOrder, above: readonly string[], folder: number, name: string): string | undefined {
  const text = readSmallFile(folder, name, maxGitFileBytes)?.toString();
  const named = /^gitdir: ([^\n\0]+)\n*$/.exec(text ?? '')?.[1];
  if (named === undefined) return text === '' ? undefined : 'it is no file that git wrote';
  const target = path.resolve([order.workspace, ...above.map(rawText)].join('/'), named);
  const real = resolveExisting(target);
  const leads = (inside: readonly string[]): boolean =>
    order.gitFolders.some((known) => inside.some((part) => real.startsWith(`${known}/${part}/`)));
  if (leads(['worktrees', 'modules'])) return undefined;
  const inside = real.startsWith(`${order.workspace}/`) ? real.slice(order.workspace.length + 1).split('/') : undefined;
  const setting = { gitFolder: real, tree: path.dirname(path.resolve(target)) };
  const isClean =
    inside !== undefined &&
    withFolder(toRaw(order.workspace), inside.map(toRaw), (own) => inspectRepository(own, setting).length === 0);
  return isClean ? undefined : `it leads to another git folder, \`${named}\``;
}

/** Links of the part that is there are followed, as git would. */
function resolveExisting(target: string): string {
  const missing: string[] = [];
  for (let at = target; ; at = path.dirname(at)) {
    try {
      return path.join(realpathSync.native(at), ...missing);
    } catch {
      if (at === '/' || lstatSync(at, { throwIfNoEntry: false }) !== undefined) return '/';
      missing.unshift(path.basename(at));
    }
  }
}

/** Files in the way are moved, lines of configuration left out, with the configuration as it was kept. */
function takeOut(
  folder: number,
  segments: readonly string[],
  offences: readonly Offence[],
  setting: { readonly gitFolder: string; readonly tree: string },
  shelf: Shelf,
  { workspace, running }: SettleOrder,
): string {
  for (const { entry, part } of offences) {
    if (part === 'entry') moveAway(toRaw(workspace), [...segments, ...entry], shelf);
    else rewriteConfig(folder, entry, setting, shelf, running);
  }
  return shelf.path;
}

/** With git's own lock while a git may be writing too; at the end a lock is only something that was left behind. */
function rewriteConfig(
  folder: number,
  entry: readonly string[],
  setting: { readonly gitFolder: string; readonly tree: string },
  shelf: Shelf,
  running: boolean,
): void {
  const inner = entry.slice(0, -1);
  withFolder(`/proc/self/fd/${folder}/.`, inner, (own) => {
    const fresh = running ? 'config.lock' : `config.sbx-${randomBytes(4).toString('hex')}`;
    const file = openSync(below(own, fresh), 'wx', 0o644);
    let isDone = false;
    try {
      const entries = readConfig(own);
      const before = readSmallFile(own, 'config', maxConfigBytes);
      if (entries === undefined || before === undefined) return;
      const kept = `${randomBytes(4).toString('hex')}-config`;
      writeFileSync(below(shelf.folder, kept), before, { mode: 0o600, flag: 'wx' });
      const at = { gitFolder: [setting.gitFolder, ...inner.map(rawText)].join('/'), tree: setting.tree };
      writeFileSync(file, writeGitConfig(entries.filter((one) => isHarmless(one, at))));
      renameSync(below(own, fresh), below(own, 'config'));
      isDone = true;
    } finally {
      closeSync(file);
      if (!isDone) unlinkSync(below(own, fresh));
    }
  });
}

/** The run's folder in the quarantine, made when the first thing goes there. */
class LazyShelf {
  readonly #quarantine: string;
  #shelf: Shelf | undefined;

  constructor(quarantine: string) {
    this.#quarantine = quarantine;
  }

  open(): Shelf {
    if (this.#shelf !== undefined) return this.#shelf;
    const name = `${new Date().toISOString().replaceAll(':', '-').slice(0, 19)}-${randomBytes(4).toString('hex')}`;
    const place = path.join(this.#quarantine, name);
    mkdirSync(this.#quarantine, { recursive: true, mode: 0o700 });
    mkdirSync(place, { mode: 0o700 });
    const folder = openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    this.#shelf = { folder, path: toRaw(place) };
    return this.#shelf;
  }

  /** What was moved from where, for people who look later. */
  record(workspace: string, outcomes: readonly Outcome[]): void {
    if (this.#shelf === undefined) return;
    const moved = outcomes
      .filter(({ to }) => to !== undefined)
      .map(({ segments, result, to, why }) => ({
        from: [workspace, ...segments.map(rawText)].join('/'),
        to: rawText(to ?? ''),
        result,
        why,
      }));
    writeFileSync(below(this.#shelf.folder, 'record.json'), `${JSON.stringify({ workspace, moved }, undefined, 2)}\n`, {
      mode: 0o600,
      flag: 'wx',
    });
  }

  close(): void {
    if (this.#shelf !== undefined) closeSync(this.#shelf.folder);
  }
}
