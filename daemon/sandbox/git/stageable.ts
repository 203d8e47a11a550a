/**
 * Whether a git folder has a shape that the merge back understands. One that has not is not staged at all: its commands
 * would seem to succeed, and what they did would not arrive.
 * Source: git-config(1) "extensions.*"; gitrepository-layout(5)
 */
import { parseConfig, valuesByKey } from './config-file.ts';
import { FolderTree, UnusableFile } from './folder-tree.ts';
import { parseIndex } from './index-file.ts';

const maxConfigBytes = 4 * 2 ** 20;
const maxIndexBytes = 512 * 2 ** 20;

const known: ReadonlySet<string> = new Set([
  ...[
    'noop',
    'noop-v1',
    'preciousobjects',
    'partialclone',
    'worktreeconfig',
    'objectformat',
    'refstorage',
    'relativeworktrees',
  ],
]);

/** @returns why it cannot be staged, and what to do. */
export function explainUnstageable(gitFolder: string): { readonly because: string; readonly help: string } | undefined {
  const outside = 'run the command outside the sandbox';
  let tree: FolderTree;
  try {
    tree = new FolderTree(gitFolder);
  } catch (error) {
    return { because: `${gitFolder} cannot be opened (${(error as NodeJS.ErrnoException).code})`, help: outside };
  }
  try {
    const sections = parseConfig(tree.read('config', maxConfigBytes)?.bytes.toString('latin1') ?? '');
    if (sections === undefined)
      return { because: `${gitFolder}/config cannot be read`, help: `mend it: git config --list` };
    const values = valuesByKey(sections);
    const storage = values.get('extensions.refstorage')?.at(-1)?.toLowerCase() ?? 'files';
    if (storage !== 'files') {
      return { because: `its references are kept as \`${storage}\``, help: 'git refs migrate --ref-format=files' };
    }
    const format = values.get('extensions.objectformat')?.at(-1)?.toLowerCase() ?? 'sha1';
    if (format !== 'sha1' && format !== 'sha256')
      return { because: `its object format \`${format}\` is not known`, help: outside };
    const version = values.get('core.repositoryformatversion')?.at(-1) ?? '0';
    const strange = [...values.keys()].find(
      (key) => key.startsWith('extensions.') && !known.has(key.slice('extensions.'.length)),
    );
    if (!['0', '1'].includes(version)) return { because: `its format version ${version} is not known`, help: outside };
    if (strange !== undefined) return { because: `its \`${strange}\` is not known`, help: outside };
    const linked = ['objects', 'refs', 'logs', 'HEAD', 'config', 'index', 'packed-refs'].find(
      (name) => tree.kind(name) === 'link',
    );
    if (linked !== undefined) {
      return {
        because: `${gitFolder}/${linked} is a link`,
        help: linked === 'HEAD' ? 'git symbolic-ref HEAD BRANCH' : outside,
      };
    }
    const index = tree.read('index', maxIndexBytes)?.bytes;
    const read = index === undefined ? undefined : parseIndex(index, format);
    if (read !== undefined && 'unusable' in read) {
      return { because: `its index cannot be merged: ${read.unusable}`, help: 'git update-index --no-split-index' };
    }
    return undefined;
  } catch (error) {
    if (error instanceof UnusableFile) return { because: error.message, help: outside };
    throw error;
  } finally {
    tree.close();
  }
}
