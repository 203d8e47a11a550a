/** Which objects the real repository has: loose, in its packs, and in the repositories it borrows from. */
import { closeSync } from 'node:fs';
import path from 'node:path';
import { FolderTree } from './folder-tree.ts';
import type { ObjectFormat } from './object-format.ts';
import { type PackIndex, readPackIndex } from './pack-index.ts';

/** git itself follows five. */
const maxAlternates = 5;

export const loosePath = (name: string): string => `${name.slice(0, 2)}/${name.slice(2)}`;

interface Place {
  readonly tree: FolderTree;
  /** Of the objects, within the tree: empty, or with a slash at the end. */
  readonly prefix: string;
  readonly packs: Map<string, PackIndex>;
}

export class ObjectStore {
  readonly #format: ObjectFormat;
  readonly #places: Place[] = [];
  readonly #descriptors: number[] = [];

  /** @param prefix of the objects within the tree, with a slash at the end. */
  constructor(tree: FolderTree, prefix: string, format: ObjectFormat, folder: string) {
    this.#format = format;
    this.#places.push({ tree, prefix, packs: new Map() });
    this.#findAlternates(tree, prefix, folder, 1);
    this.refresh();
  }

  /** Looks for packs that are new. */
  refresh(): void {
    for (const { tree, prefix, packs } of this.#places) {
      const names = new Set(tree.list(`${prefix}pack`).map(({ name }) => name));
      for (const name of names) {
        if (packs.has(name) || !name.endsWith('.idx') || !names.has(`${name.slice(0, -4)}.pack`)) continue;
        const descriptor = tree.openFile(`${prefix}pack/${name}`);
        if (descriptor === undefined) continue;
        this.#descriptors.push(descriptor);
        const index = readPackIndex(descriptor, this.#format);
        if (index !== undefined) packs.set(name, index);
      }
    }
  }

  has(name: string): boolean {
    return this.#places.some(
      ({ tree, prefix, packs }) =>
        [...packs.values()].some((pack) => pack.has(name)) || tree.kind(`${prefix}${loosePath(name)}`) === 'file',
    );
  }

  close(): void {
    for (const descriptor of this.#descriptors) closeSync(descriptor);
    for (const { tree } of this.#places.slice(1)) tree.close();
  }

  /** Commands cannot write this file, and nothing but the presence of objects is read there. */
  #findAlternates(tree: FolderTree, prefix: string, folder: string, depth: number): void {
    const text = tree.read(`${prefix}info/alternates`, 2 ** 20)?.bytes.toString() ?? '';
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#') || depth > maxAlternates) continue;
      const borrowed = path.resolve(folder, line);
      let other: FolderTree;
      try {
        other = new FolderTree(borrowed);
      } catch {
        continue;
      }
      this.#places.push({ tree: other, prefix: '', packs: new Map() });
      this.#findAlternates(other, '', borrowed, depth + 1);
    }
  }
}
