/** Objects of git-lfs, which the repository's commits only point at: without them a commit of the command has no content. */
import { createHash } from 'node:crypto';
import { UnusableFile } from './folder-tree.ts';
import type { Repository } from './repository.ts';
import { copyBytes } from './target-folder.ts';

const folder = 'lfs/objects';

/** Source: git-lfs specification, "The server": a file's name is the SHA-256 of its content. */
export function mergeLargeFiles({ staged, target, prefix, notes }: Repository): void {
  const own = prefix + folder;
  for (const first of staged.list(own)) {
    for (const second of first.kind === 'folder' ? staged.list(`${own}/${first.name}`) : []) {
      for (const { name, kind } of staged.list(`${own}/${first.name}/${second.name}`)) {
        const file = `${own}/${first.name}/${second.name}/${name}`;
        const isName = /^[0-9a-f]{64}$/.test(name) && name.startsWith(first.name + second.name);
        if (kind !== 'file' || !isName || target.kind(file) !== undefined) continue;
        try {
          const hash = createHash('sha256');
          const draft = staged.useFile(file, (source) =>
            target.writeDraft(1, target.fileMode, (copy) => copyBytes(source, copy, hash)),
          );
          if (draft === undefined) continue;
          if (hash.digest('hex') === name) {
            target.makeParents(file);
            target.rename(draft, file);
          } else {
            target.remove(draft);
            notes.collect(file, 'not taken over, because its content is not the object of that name');
          }
        } catch (error) {
          if (!(error instanceof UnusableFile)) throw error;
          notes.addKept(file, `not taken over: ${error.message}`);
        }
      }
    }
  }
}
