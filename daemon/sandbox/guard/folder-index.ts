/**
 * Knows the folders of a workspace and what stands at protected names in them, at any depth. The folders are walked once;
 * from then on each is watched, so that finding out what a command made costs what the command did, whatever the size of
 * the tree.
 *
 * Paths are used only to look. A folder that is swapped while it is looked at can make the index wrong about names, never
 * make anything happen elsewhere: whoever acts opens the folders anew, checked.
 */
import { type FSWatcher, watch } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { EventOrder } from './event-order.ts';
import { judgeName, type Role, type Shape } from './judge-name.ts';
import { PendingLooks } from './pending-looks.ts';
import type { NameList } from './protected-names.ts';
import { rawPath } from './raw-name.ts';
import type { Suspect } from './settle-suspects.ts';

export interface Found extends Suspect {
  /** Since which count of `advance` it is known. */
  readonly since: number;
  readonly shape: Shape;
}

interface Folder {
  readonly segments: readonly string[];
  readonly folders: Map<string, Folder>;
  readonly found: Map<string, Found>;
  readonly role: Role;
  watcher: FSWatcher | undefined;
  /** It was read at least once. */
  known: boolean;
  gone: boolean;
}

export interface IndexLimits {
  readonly folders: number;
  readonly walkMs: number;
}

const defaultLimits: IndexLimits = { folders: 40_000, walkMs: 10_000 };

/** A folder that git would take for a repository has one of these. */
const repositoryMarks = new Set(['HEAD', 'objects', 'refs', 'commondir']);
/** What can make a later git run something, in a git folder that a command made. */
const gitMarks = new Set(['config', 'config.worktree', 'commondir', 'hooks', 'info']);

export class FolderIndex {
  readonly #start: string;
  readonly #names: NameList;
  readonly #toSubmodules = new Set<string>();
  readonly #limits: IndexLimits;
  readonly #root: Folder = makeFolder([], 'plain');
  readonly #links = new Map<string, { readonly segments: readonly string[]; readonly since: number }>();
  readonly #retired: FSWatcher[] = [];
  readonly #order: EventOrder | undefined;
  readonly #ready: Promise<void>;
  /** Called when a git folder appeared or changed, after the first walk. */
  onRepository: ((found: Found) => void) | undefined;
  /** Why what appears at a path is not to stay, beside the protected names. */
  denies: (segments: readonly string[]) => string | undefined = () => undefined;
  readonly #looks: PendingLooks<Folder>;
  #collected: readonly Found[] | undefined;
  #folders = 0;
  #since = 0;
  #walked = false;
  #watching = true;
  #cut = false;

  /** @param start raw path of the workspace. */
  constructor(start: string, names: NameList, limits: IndexLimits = defaultLimits) {
    this.#start = start;
    this.#names = names;
    this.#limits = limits;
    this.#looks = new PendingLooks({
      look: (folder, looked) => this.#lookAt(folder, looked),
      maxMs: limits.walkMs,
      onGivenUp: () => {
        this.#cut = true;
      },
    });
    try {
      this.#order = new EventOrder();
    } catch {
      this.#watching = false;
    }
    this.#ready = this.#walkAll().then(() => {
      this.#walked = true;
    });
  }

  /** @param submodules raw paths; they are looked at wherever they are. */
  addSubmodules(submodules: readonly string[]): void {
    for (const submodule of submodules) {
      if (this.#toSubmodules.has(submodule)) continue;
      const segments = submodule.split('/');
      let folder: Folder | undefined = this.#root;
      for (const [depth, segment] of segments.entries()) {
        this.#toSubmodules.add(segments.slice(0, depth + 1).join('/'));
        if (folder !== undefined) this.#looks.add(folder);
        folder = folder?.folders.get(segment);
      }
    }
  }

  /** Resolves when the first walk is over, or took too long. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Why not everything that appears is heard of; undefined when it is. */
  get shortcoming(): string | undefined {
    if (this.#cut) return `it has more than ${this.#folders} folders, or looking through them takes too long`;
    if (!this.#watching) return 'its folders cannot be watched';
    return undefined;
  }

  get found(): readonly Found[] {
    this.#collected ??= collect(this.#root);
    return this.#collected;
  }

  get newLinks(): readonly { readonly segments: readonly string[]; readonly since: number }[] {
    return [...this.#links.values()];
  }

  /** What is found from now on has the number that this returns. */
  advance(): number {
    return ++this.#since;
  }

  /** Resolves when everything that happened so far is known. Never rejects. */
  async catchUp(): Promise<void> {
    await this.#ready;
    const isWhole = (await this.#order?.catchUp()) ?? false;
    if (!isWhole || !this.#watching) await this.#walkAll();
    this.#looks.add(this.#root);
    await this.#looks.done;
    for (const watcher of this.#retired.splice(0)) watcher.close();
  }

  /** It stays, and is as if it had always been there. */
  accept(found: Found): void {
    const folder = this.#folderOf(found);
    for (const [name, known] of folder?.found ?? []) {
      if (known === found) folder?.found.set(name, { ...found, since: 0 });
    }
    this.#collected = undefined;
  }

  forgetLinks(before: number): void {
    for (const [key, link] of this.#links) if (link.since < before) this.#links.delete(key);
  }

  close(): void {
    this.#watching = false;
    this.#looks.clear();
    this.#drop(this.#root);
    for (const watcher of this.#retired.splice(0)) watcher.close();
    this.#order?.close();
  }

  #folderOf(found: Found): Folder | undefined {
    let folder: Folder | undefined = this.#root;
    for (const segment of found.kind === 'bare' ? found.segments : found.segments.slice(0, -1)) {
      folder = folder?.folders.get(segment);
    }
    return folder;
  }

  /** All folders that are known are read again, and all that they lead to. */
  #walkAll(): Promise<void> {
    const add = (folder: Folder): void => {
      this.#looks.add(folder);
      for (const inner of folder.folders.values()) add(inner);
    };
    add(this.#root);
    return this.#looks.done;
  }

  async #lookAt(folder: Folder, names: ReadonlySet<string> | undefined): Promise<void> {
    if (folder.gone) return;
    if (names === undefined) await this.#readFolder(folder);
    else for (const name of names) await this.#look(folder, name);
  }

  async #readFolder(folder: Folder): Promise<void> {
    this.#watch(folder);
    const place = this.#pathOf(folder.segments);
    try {
      const entries = await readdir(place, { withFileTypes: true, encoding: 'latin1' });
      const seen = new Set(entries.map((entry) => entry.name));
      for (const name of [...folder.folders.keys(), ...folder.found.keys()]) {
        if (name !== '' && !seen.has(name)) this.#forget(folder, name);
      }
      if (!isRepository(seen)) this.#lose(folder, '');
      for (const entry of entries) this.#see(folder, entry.name, shapeOf(entry), !folder.known);
      folder.known = true;
      if (folder.role === 'plain' && isRepository(seen)) this.#recordBare(folder, seen);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') this.#drop(folder);
    }
  }

  async #look(folder: Folder, name: string): Promise<void> {
    try {
      this.#see(folder, name, shapeOf(await lstat(this.#pathOf([...folder.segments, name]))), true);
    } catch {
      this.#forget(folder, name);
    }
    if (repositoryMarks.has(name)) this.#looks.add(folder);
  }

  /** @param isNew it was just made, or replaced. */
  #see(folder: Folder, name: string, shape: Shape, isNew: boolean): void {
    const segments = [...folder.segments, name];
    const appeared = isNew && this.#walked;
    const verdict = judgeName(
      { role: folder.role, segments, shape },
      {
        names: this.#names,
        leadsToSubmodule: (place) => this.#toSubmodules.has(place),
        denies: (place) => (appeared ? this.denies(place) : undefined),
      },
    );
    if (verdict.is === 'suspect') {
      const found = this.#record(folder, name, verdict.suspect, shape);
      // what the host has there is not a command's, so it is not looked into
      if (found.kind === 'repository' && shape === 'folder' && found.since > 0) this.#enter(folder, name, 'git', isNew);
      return;
    }
    this.#lose(folder, name);
    if (verdict.is === 'folder') this.#enter(folder, name, verdict.role, isNew);
    if (verdict.is !== 'plain') return;
    this.#leave(folder, name);
    if (shape === 'link' && appeared) this.#links.set(segments.join('/'), { segments, since: this.#since });
  }

  #enter(folder: Folder, name: string, role: Role, isNew: boolean): void {
    const known = folder.folders.get(name);
    if (known !== undefined && !known.gone) {
      // perhaps another folder of that name by now
      if (isNew) this.#looks.add(known);
      return;
    }
    if (this.#folders >= this.#limits.folders) {
      this.#cut = true;
      return;
    }
    this.#folders++;
    const inner = makeFolder([...folder.segments, name], role);
    folder.folders.set(name, inner);
    this.#looks.add(inner);
  }

  /** The workspace's own folder cannot be moved away, but without its HEAD it is no repository. */
  #recordBare(folder: Folder, seen: ReadonlySet<string>): void {
    const because = 'git takes the folder for a repository';
    if (folder !== this.#root) {
      this.#record(folder, '', { segments: folder.segments, kind: 'bare', because }, 'folder');
    } else if (!seen.has('.git')) {
      this.#record(folder, '', { segments: ['HEAD'], kind: 'name', because }, 'file');
    }
  }

  #record(folder: Folder, name: string, suspect: Suspect, shape: Shape): Found {
    const known = folder.found.get(name);
    const isSame = known !== undefined && known.shape === shape;
    const found = isSame ? known : { ...suspect, shape, since: this.#since };
    if (!isSame) {
      folder.found.set(name, found);
      this.#collected = undefined;
    }
    if (this.#walked && found.kind !== 'name' && found.since > 0) this.onRepository?.(found);
    return found;
  }

  #lose(folder: Folder, name: string): void {
    if (folder.found.delete(name)) this.#collected = undefined;
  }

  #forget(folder: Folder, name: string): void {
    this.#lose(folder, name);
    this.#leave(folder, name);
    this.#links.delete([...folder.segments, name].join('/'));
  }

  #leave(folder: Folder, name: string): void {
    const inner = folder.folders.get(name);
    if (inner === undefined) return;
    folder.folders.delete(name);
    this.#drop(inner);
  }

  #drop(folder: Folder): void {
    folder.gone = true;
    this.#folders--;
    // closed when all that it heard has been counted
    if (folder.watcher !== undefined) this.#retired.push(folder.watcher);
    folder.watcher = undefined;
    for (const inner of folder.folders.values()) this.#drop(inner);
    folder.folders.clear();
    if (folder.found.size > 0) this.#collected = undefined;
    folder.found.clear();
  }

  #watch(folder: Folder): void {
    if (!this.#watching) return;
    const earlier = folder.watcher;
    try {
      folder.watcher = watch(this.#pathOf(folder.segments), { persistent: false, encoding: 'latin1' }, (event, name) =>
        this.#hear(folder, event, name),
      );
      folder.watcher.on('error', () => {});
      if (earlier !== undefined) this.#retired.push(earlier);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOSPC' || code === 'EMFILE') this.#watching = false;
    }
  }

  #hear(folder: Folder, event: string, name: string | null): void {
    this.#order?.count();
    if (folder.gone || name === null) return;
    if (folder.role === 'git') {
      const git = folder.segments.findLastIndex((segment) => segment.toLowerCase() === '.git');
      if (gitMarks.has(name) || folder.segments.length > git + 1) this.#hearGit(folder.segments.slice(0, git + 1));
    }
    if (event === 'rename') this.#looks.add(folder, name);
  }

  #hearGit(segments: readonly string[]): void {
    let folder: Folder | undefined = this.#root;
    for (const segment of segments.slice(0, -1)) folder = folder?.folders.get(segment);
    const found = folder?.found.get(segments.at(-1) ?? '');
    if (found !== undefined && found.since > 0) this.onRepository?.(found);
  }

  #pathOf(segments: readonly string[]): Buffer {
    return rawPath([this.#start, ...segments].join('/'));
  }
}

function makeFolder(segments: readonly string[], role: Role): Folder {
  return { segments, role, folders: new Map(), found: new Map(), watcher: undefined, known: false, gone: false };
}

function collect(folder: Folder): Found[] {
  return [...folder.found.values(), ...[...folder.folders.values()].flatMap(collect)];
}

function isRepository(names: ReadonlySet<string>): boolean {
  return names.has('HEAD') && ((names.has('objects') && names.has('refs')) || names.has('commondir'));
}

function shapeOf(entry: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): Shape {
  return entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : 'other';
}
