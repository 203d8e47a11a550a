/**
 * The upper layer of a run's overlay: what its commands wrote, and what they took away. Who wrote it is hostile, and names
 * in it mean nothing until somebody asks for them.
 */
import { FolderTree } from './folder-tree.ts';
import { findOpaqueFolders } from './opaque-folders.ts';

/** A hostile command may make any number; git's own layouts have far fewer. */
const maxFolders = 20_000;

export class StagedLayer extends FolderTree {
  readonly #opaque: ReadonlySet<string>;
  /** False when it could not be found out which folders hide what is below: then deletions by such are not seen. */
  readonly isComplete: boolean;

  private constructor(folder: string, opaque: ReadonlySet<string> | undefined) {
    super(folder);
    this.#opaque = opaque ?? new Set();
    this.isComplete = opaque !== undefined;
  }

  /** @param lower what the layer was mounted over. */
  static async open(folder: string, lower: FolderTree): Promise<StagedLayer> {
    const plain = new FolderTree(folder);
    let shared: readonly string[] | undefined;
    try {
      shared = listSharedFolders(plain, lower);
    } finally {
      plain.close();
    }
    return new StagedLayer(folder, shared === undefined ? undefined : await findOpaqueFolders(folder, shared));
  }

  isOpaque(folder: string): boolean {
    return this.#opaque.has(folder);
  }

  /** Whether the command still saw the lower layer's file of this name, the same as it was. */
  showsLower(file: string): boolean {
    const parts = file.split('/');
    for (let depth = 1; depth <= parts.length; depth++) {
      const own = parts.slice(0, depth).join('/');
      const kind = this.kind(own);
      if (kind === undefined) return true;
      if (kind !== 'folder' || this.isOpaque(own)) return false;
    }
    return true;
  }
}

/** Where the lower layer has no folder, nothing can be hidden. Objects are never deleted, so theirs do not matter. */
function listSharedFolders(upper: FolderTree, lower: FolderTree): readonly string[] | undefined {
  const found: string[] = [];
  const queue = [''];
  for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
    for (const { name, kind } of upper.list(folder)) {
      const own = folder === '' ? name : `${folder}/${name}`;
      if (kind !== 'folder' || name === 'objects' || lower.kind(own) !== 'folder') continue;
      if (found.push(own) > maxFolders) return undefined;
      queue.push(own);
    }
  }
  return found;
}
