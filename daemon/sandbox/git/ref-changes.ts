/**
 * Which references a command changed, and whether taking each over would lose what the host did meanwhile. A reference is
 * moved only from the value that the command saw it have.
 */
import type { FileContent } from './folder-tree.ts';
import { UnusableFile } from './folder-tree.ts';
import { parsePackedRefs } from './packed-refs.ts';
import { isPerWorktree, isRefName, isTooDeep, parseRefValue } from './ref-name.ts';
import { cleanReflog, findReflogChange, splitReflog } from './reflog.ts';
import { isUnchanged, type Repository, readBase } from './repository.ts';

const maxValueBytes = 4096;
const maxPackedBytes = 64 * 2 ** 20;
export const maxReflogBytes = 64 * 2 ** 20;
/** More references than any repository of people has; a command could make any number of files. */
const maxRefs = 200_000;
const maxShownLength = 80;

/** A value of `undefined`: there is no such reference. */
export interface RefChange {
  readonly name: string;
  readonly current: string | undefined;
  readonly wanted: string | undefined;
  readonly verdict: 'done' | 'apply' | 'conflict';
}

interface Current {
  readonly value: string | undefined;
  /** The same as when the run began. */
  readonly isBase: boolean;
}

export interface RefReader {
  readonly current: (name: string) => Current;
  /** Everything that the command changed. */
  readonly changes: () => readonly RefChange[];
}

export function readRefs(repository: Repository): RefReader {
  const { target, staged, prefix, format, notes } = repository;
  const isCommon = prefix === repository.commonPrefix;
  const packedNow = isCommon
    ? (target.read(`${prefix}packed-refs`, maxPackedBytes * 4)?.bytes ?? emptyFile)
    : emptyFile;
  const packed = parsePackedRefs(packedNow, format);
  const baseFile = isCommon ? readBase(repository, 'packed-refs', maxPackedBytes * 4) : { bytes: undefined };
  const packedBase = baseFile === undefined ? undefined : parsePackedRefs(baseFile.bytes ?? emptyFile, format);

  const current = (name: string): Current => {
    const loose = readLoose(repository, name);
    if (loose !== undefined) return { value: loose.value, isBase: isUnchanged(repository, loose.file.stat) };
    const value = packed.get(name);
    if (packedBase !== undefined) return { value, isBase: packedBase.get(name) === value };
    return { value, isBase: value === undefined };
  };

  const changes = (): readonly RefChange[] => {
    const layer = readLayer(repository);
    const stagedPacked = readStagedPacked(repository) ?? packedBase ?? packed;
    const names = new Set([...layer.values.keys(), ...layer.hidden, ...layer.unusable]);
    if (stagedPacked !== packed) {
      const before = packedBase ?? packed;
      for (const [name, value] of stagedPacked) if (before.get(name) !== value) names.add(name);
      for (const name of before.keys()) if (!stagedPacked.has(name)) names.add(name);
    }
    return [...names].sort().flatMap((name) => {
      if (layer.unusable.has(name) || (!isCommon && !isPerWorktree(name))) return [];
      const now = current(name);
      const isLooseInLayer = layer.values.has(name);
      // a loose reference goes before a packed one, and the command left this one alone
      if (!isLooseInLayer && !layer.hidden.has(name) && readLoose(repository, name) !== undefined && now.isBase)
        return [];
      const wanted = isLooseInLayer ? layer.values.get(name) : stagedPacked.get(name);
      if (!now.isBase && wanted !== now.value && layer.untouched.has(name)) return [];
      return [{ name, current: now.value, wanted, verdict: judge(repository, name, now, wanted) }];
    });
  };
  if (staged.kind(`${prefix}refs`) === 'link') notes.collect(`${prefix}refs`, 'not taken over, because it is a link');
  return { current, changes };
}

function judge(repository: Repository, name: string, now: Current, wanted: string | undefined): RefChange['verdict'] {
  if (now.value === wanted) return 'done';
  if (now.isBase) return 'apply';
  // the command's own log says what it moved the reference from
  return readReflogChange(repository, name)?.firstOld === now.value ? 'apply' : 'conflict';
}

export function readReflogChange(
  { target, staged, prefix, format }: Repository,
  name: string,
): ReturnType<typeof findReflogChange> | undefined {
  const log = `${prefix}logs/${name}`;
  try {
    const own = staged.read(log, maxReflogBytes);
    if (own === undefined) return undefined;
    const real = target.kind(log) === 'file' ? (target.read(log, maxReflogBytes)?.bytes ?? emptyFile) : emptyFile;
    return findReflogChange(splitReflog(real), cleanReflog(splitReflog(own.bytes), format));
  } catch (error) {
    if (error instanceof UnusableFile) return undefined;
    throw error;
  }
}

interface Loose {
  readonly file: FileContent;
  readonly value: string | undefined;
}

function readLoose({ target, prefix, format }: Repository, name: string): Loose | undefined {
  if (target.kind(prefix + name) !== 'file') return undefined;
  const file = target.read(prefix + name, maxValueBytes);
  return file === undefined ? undefined : { file, value: parseRefValue(file.bytes, format) };
}

function readStagedPacked({
  staged,
  prefix,
  commonPrefix,
  format,
  notes,
}: Repository): ReadonlyMap<string, string> | undefined {
  if (prefix !== commonPrefix) return undefined;
  const name = `${prefix}packed-refs`;
  const kind = staged.kind(name);
  if (kind === 'whiteout') return new Map();
  if (kind === undefined) return undefined;
  try {
    return parsePackedRefs(staged.read(name, maxPackedBytes)?.bytes ?? emptyFile, format);
  } catch (error) {
    if (!(error instanceof UnusableFile)) throw error;
    notes.addKept(name, `what the command changed in it is not taken over: ${error.message}`);
    return undefined;
  }
}

interface Layer {
  readonly values: Map<string, string>;
  /** Loose references of the real folder that the command took away. */
  readonly hidden: Set<string>;
  /** Written before the run began, so only its attributes changed. */
  readonly untouched: Set<string>;
  readonly unusable: Set<string>;
}

function readLayer(repository: Repository): Layer {
  const { staged, target, prefix, format, notes } = repository;
  const layer: Layer = { values: new Map(), hidden: new Set(), untouched: new Set(), unusable: new Set() };
  const hideBelow = (name: string): void => {
    const kind = target.kind(prefix + name);
    if (kind === 'file' && isRefName(name)) layer.hidden.add(name);
    if (kind !== 'folder') return;
    for (const entry of target.list(prefix + name)) hideBelow(`${name}/${entry.name}`);
  };
  const refuse = (name: string, because: string): void => {
    layer.unusable.add(name);
    notes.collect(prefix + name, because);
  };
  const readFile = (name: string): void => {
    if (!isRefName(name)) {
      if (!name.endsWith('.lock')) refuse(name, 'not taken over, because it is no name of a reference');
      return;
    }
    try {
      const file = staged.read(prefix + name, maxValueBytes);
      const value = file === undefined ? undefined : parseRefValue(file.bytes, format);
      if (file === undefined || value === undefined) {
        refuse(name, 'not taken over, because it holds neither an object nor a reference');
        return;
      }
      layer.values.set(name, value);
      if (file.stat.mtimeNs < repository.startedAtNs) layer.untouched.add(name);
    } catch (error) {
      if (!(error instanceof UnusableFile)) throw error;
      refuse(name, 'not taken over, because it cannot be read as a reference');
    }
  };
  let seen = 0;
  const walk = (folder: string): void => {
    if (staged.isOpaque(prefix + folder)) hideBelow(folder);
    for (const { name, kind } of staged.list(prefix + folder)) {
      const own = `${folder}/${name}`;
      if (++seen > maxRefs) throw new UnusableFile(`it has more than ${maxRefs} files below ${prefix}refs`);
      if (isTooDeep(own)) {
        refuse(own.slice(0, maxShownLength), 'not taken over, because it is too long for a name');
        continue;
      }
      if (kind === 'folder') walk(own);
      else if (kind === 'file') readFile(own);
      else if (kind !== 'whiteout') refuse(own, 'not taken over, because it is no regular file');
      if (kind !== 'folder' || target.kind(prefix + own) === 'file') hideBelow(own);
    }
  };
  walk('refs');
  for (const name of layer.values.keys()) layer.hidden.delete(name);
  return layer;
}

const emptyFile = Buffer.alloc(0);
