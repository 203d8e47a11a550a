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
import { isFilledByTools, type NameList } from './protected-names.ts';
import { rawPath } from './raw-name.ts';
import type { Suspect } from './settle-suspects.ts';

export interface Found extends Suspect {
  /** Since which count of `advance` it is known. */
  readonly since: number;
  readonly shape: Shape;
}

export type Shape = 'file' | 'folder' | 'link' | 'other';

type Role = 'plain' | 'git' | 'filled';

interface Folder {
  readonly segments: readonly string[];
  readonly folders: Map<string, Folder>;
  readonly found: Map<string, Found>;
  /**
   * `git`: a git folder, of which only what a later git would run is of interest. `filled`: a folder of tools that holds a
   * submodule somewhere, or in which a protected name begins, and only that is of interest.
   */
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

/** With more names than these to look at in one folder, all of it is read. */
const maxNames = 256;

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
  /** Names to look at, or `undefined` for all of the folder. */
  readonly #pending = new Map<Folder, Set<string> | undefined>();
  #work: Promise<void> | undefined;
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
        if (folder !== undefined) this.#add(folder, undefined);
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
    this.#add(this.#root, undefined);
    await this.#work;
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
    this.#pending.clear();
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
      this.#add(folder, undefined);
      for (const inner of folder.folders.values()) add(inner);
    };
    add(this.#root);
    return this.#work ?? Promise.resolve();
  }

  #add(folder: Folder, name: string | undefined): void {
    const names = this.#pending.get(folder);
    const isWhole = name === undefined || (this.#pending.has(folder) && names === undefined);
    if (isWhole || (names?.size ?? 0) >= maxNames) this.#pending.set(folder, undefined);
    else if (names === undefined) this.#pending.set(folder, new Set([name]));
    else names.add(name);
    this.#work ??= this.#workOff().finally(() => {
      this.#work = undefined;
    });
  }

  async #workOff(): Promise<void> {
    const until = performance.now() + this.#limits.walkMs;
    const worker = async (): Promise<void> => {
      for (;;) {
        const [next] = this.#pending;
        if (next === undefined) return;
        const [folder, names] = next;
        this.#pending.delete(folder);
        if (performance.now() > until) {
          this.#cut = true;
          this.#pending.clear();
          return;
        }
        if (folder.gone) continue;
        if (names === undefined) await this.#readFolder(folder);
        else for (const name of names) await this.#look(folder, name);
      }
    };
    // a worker that finds nothing to do ends, although another one may be about to find folders
    do await Promise.all([worker(), worker(), worker(), worker()]);
    while (this.#pending.size > 0);
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
    if (repositoryMarks.has(name)) this.#add(folder, undefined);
  }

  /** @param isNew it was just made, or replaced. */
  #see(folder: Folder, name: string, shape: Shape, isNew: boolean): void {
    if (folder.role === 'git') {
      if (shape === 'folder' && (name === 'hooks' || name === 'info')) this.#enter(folder, name, 'git', isNew);
      return;
    }
    const segments = [...folder.segments, name];
    const leadsOn = this.#toSubmodules.has(segments.join('/')) || this.#names.leadsOn(segments);
    if (name.toLowerCase() === '.git') {
      const found = this.#record(
        folder,
        name,
        { segments, kind: 'repository', because: 'hooks and configuration in it run programs' },
        shape,
      );
      if (shape === 'folder' && found.since > 0) this.#enter(folder, name, 'git', isNew);
      return;
    }
    const isInFilled = folder.role === 'filled';
    const entry = this.#names.find(segments);
    if (
      entry !== undefined &&
      (shape === 'link' || entry.kind === 'any' || (shape === 'folder') === (entry.kind === 'directory'))
    ) {
      // in a folder of tools only a name that begins with that folder
      if (isInFilled && this.#names.find(segments.slice(-1)) !== undefined) return;
      this.#record(folder, name, { segments, kind: 'name', because: entry.because }, shape);
      return;
    }
    this.#lose(folder, name);
    if (isInFilled || (shape === 'folder' && isFilledByTools(name))) {
      if (shape === 'folder' && leadsOn) this.#enter(folder, name, 'filled', isNew);
      return;
    }
    const denial = isNew && this.#walked ? this.denies(segments) : undefined;
    if (denial !== undefined && shape !== 'folder') {
      this.#record(folder, name, { segments, kind: 'name', because: denial }, shape);
      return;
    }
    if (shape === 'folder') {
      this.#enter(folder, name, 'plain', isNew);
      return;
    }
    this.#leave(folder, name);
    if (shape === 'link' && isNew && this.#walked)
      this.#links.set(segments.join('/'), { segments, since: this.#since });
  }

  #enter(folder: Folder, name: string, role: Role, isNew: boolean): void {
    const known = folder.folders.get(name);
    if (known !== undefined && !known.gone) {
      // perhaps another folder of that name by now
      if (isNew) this.#add(known, undefined);
      return;
    }
    if (this.#folders >= this.#limits.folders) {
      this.#cut = true;
      return;
    }
    this.#folders++;
    const inner = makeFolder([...folder.segments, name], role);
    folder.folders.set(name, inner);
    this.#add(inner, undefined);
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
    if (event === 'rename') this.#add(folder, name);
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
