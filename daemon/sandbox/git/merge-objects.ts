/**
 * Takes over the objects that a command made. Loose ones are copied when content and name agree. Of packs only objects
 * that the repository lacks matter: `git gc` puts all of history into a new one. They are written as loose objects, or,
 * when there are very many, the pack is copied after each of its objects was checked. Nothing is ever deleted, and
 * nothing else below `objects` is looked at: alternates, commit graphs and multi-pack indexes are believed unchecked by git.
 */

import { createHash } from 'node:crypto';
import { closeSync, fstatSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { readAll, readPart, UnusableFile } from './folder-tree.ts';
import { isLooseObject, maxLooseBytes, writeLooseObject } from './loose-object.ts';
import { hashBytes, isHash } from './object-format.ts';
import { loosePath } from './object-store.ts';
import { Pack } from './pack.ts';
import { type PackEntry, type PackIndex, readPackIndex } from './pack-index.ts';
import type { Repository } from './repository.ts';
import { copyBytes } from './target-folder.ts';
import { WorkBudget } from './work-budget.ts';

/** Beyond, a pack is taken over as one. Writing so many takes about a second. */
const maxLooseFromPack = 3000;
const chunkBytes = 2 ** 20;
const objectMode = 0o444;

export async function mergeObjects(repository: Repository): Promise<void> {
  const { staged, prefix, notes } = repository;
  const objects = `${prefix}objects`;
  const budget = new WorkBudget();
  for (const { name, kind } of staged.list(objects)) {
    if (kind === 'folder' && /^[0-9a-f]{2}$/.test(name)) await mergeLoose(repository, name, budget);
  }
  const packed = staged.list(`${objects}/pack`).map(({ name }) => name);
  for (const name of packed) {
    if (!/^pack-[0-9a-f]+\.pack$/.test(name)) continue;
    const stem = `${objects}/pack/${name.slice(0, -5)}`;
    try {
      await mergePack(repository, stem, budget);
    } catch (error) {
      if (!(error instanceof UnusableFile)) throw error;
      notes.addKept(`${stem}.pack`, `the objects in it could not be taken over: ${error.message}`);
    }
  }
}

async function mergeLoose(
  { staged, target, prefix, format, store, notes }: Repository,
  folder: string,
  budget: WorkBudget,
): Promise<void> {
  for (const { name: rest } of staged.list(`${prefix}objects/${folder}`)) {
    const name = folder + rest;
    const file = `${prefix}objects/${loosePath(name)}`;
    if (!isHash(format, name) || store.has(name)) continue;
    try {
      const found = staged.read(file, maxLooseBytes);
      if (found === undefined) continue;
      budget.earn(found.bytes.length);
      if (await isLooseObject(format, name, found.bytes, budget)) target.replace(file, found.bytes, objectMode, false);
      else notes.collect(file, 'not taken over, because its content is not the object of that name');
    } catch (error) {
      if (!(error instanceof UnusableFile)) throw error;
      notes.addKept(file, `an object could not be taken over: ${error.message}`);
    }
  }
}

async function mergePack(repository: Repository, stem: string, budget: WorkBudget): Promise<void> {
  const { staged, target, prefix, format, store, notes } = repository;
  if (target.kind(`${stem}.idx`) !== undefined && target.kind(`${stem}.pack`) !== undefined) return;
  const indexFile = staged.openFile(`${stem}.idx`);
  const packFile = staged.openFile(`${stem}.pack`);
  try {
    const index = indexFile === undefined ? undefined : readPackIndex(indexFile, format);
    if (index === undefined || packFile === undefined) {
      return notes.collect(`${stem}.pack`, 'not taken over, because it has no index that can be read');
    }
    const missing: PackEntry[] = [];
    let seen = 0;
    for (const entry of index.entries()) {
      if (!store.has(entry.name)) missing.push(entry);
      // others wait for the daemon too
      if (++seen % 4096 === 0) await setImmediate();
    }
    if (missing.length === 0) return;
    if (missing.length > maxLooseFromPack) return await copyPack(repository, stem, packFile, index, budget);
    const pack = new Pack(packFile, index, format, budget);
    for (const { name } of missing) {
      const object = await pack.read(name);
      if (object === undefined) {
        notes.collect(name, 'not taken over from a pack, because its content is not the object of that name');
        continue;
      }
      const bytes = await writeLooseObject(object.type, object.content);
      target.replace(`${prefix}objects/${loosePath(name)}`, bytes, objectMode, false);
    }
  } finally {
    if (indexFile !== undefined) closeSync(indexFile);
    if (packFile !== undefined) closeSync(packFile);
  }
}

/** The copy is what is checked: whoever holds a descriptor of the original can still write to it. */
async function copyPack(
  repository: Repository,
  stem: string,
  packFile: number,
  index: PackIndex,
  budget: WorkBudget,
): Promise<void> {
  const { staged, target, format, store, notes } = repository;
  const indexDraft = target.writeDraft(
    1,
    objectMode,
    staged.read(`${stem}.idx`, maxIndexBytes(index, format))?.bytes ?? Buffer.alloc(0),
  );
  const packDraft = target.writeDraft(2, objectMode, (draft) => copyBytes(packFile, draft, createHash(format)));
  const ok = await target.useFileAsync(packDraft, (pack) =>
    target.useFileAsync(indexDraft, async (own) => {
      const copied = readPackIndex(own, format);
      return copied !== undefined && (await isWholePack(pack, own, copied, format, budget));
    }),
  );
  if (ok !== true) {
    target.remove(packDraft);
    target.remove(indexDraft);
    return notes.collect(`${stem}.pack`, 'not taken over, because pack and index do not agree');
  }
  target.makeParents(`${stem}.pack`);
  target.rename(packDraft, `${stem}.pack`);
  target.rename(indexDraft, `${stem}.idx`);
  store.refresh();
}

function maxIndexBytes({ count }: PackIndex, format: Repository['format']): number {
  return 8 + 1024 + count * (hashBytes(format) + 4 + 4 + 8) + 2 * hashBytes(format);
}

async function isWholePack(
  packFile: number,
  indexFile: number,
  index: PackIndex,
  format: Repository['format'],
  budget: WorkBudget,
): Promise<boolean> {
  const width = hashBytes(format);
  const { size } = fstatSync(packFile);
  const head = readPart(packFile, 0, 12);
  if (head.toString('latin1', 0, 4) !== 'PACK' || ![2, 3].includes(head.readUInt32BE(4))) return false;
  if (
    head.readUInt32BE(8) !== index.count ||
    index.packChecksum !== readPart(packFile, size - width, width).toString('hex')
  ) {
    return false;
  }
  const { bytes } = readAll(indexFile, maxIndexBytes(index, format), 'index');
  const own = createHash(format).update(bytes.subarray(0, -width)).digest();
  if (!own.equals(bytes.subarray(-width)) || hashStart(packFile, size - width, format) !== index.packChecksum)
    return false;
  const pack = new Pack(packFile, index, format, budget);
  // by position, so that what an object is a difference to is mostly at hand
  for (const { name } of [...index.entries()].sort((a, b) => a.position - b.position)) {
    if ((await pack.read(name)) === undefined) return false;
  }
  return true;
}

function hashStart(descriptor: number, length: number, format: Repository['format']): string {
  const hash = createHash(format);
  for (let at = 0; at < length; at += chunkBytes)
    hash.update(readPart(descriptor, at, Math.min(chunkBytes, length - at)));
  return hash.digest('hex');
}
