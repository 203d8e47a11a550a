/**
 * Git folders of submodules, which git keeps inside that of the repository around them. Each is merged as a repository of
 * its own. For one that the command made, the configuration is written here: from the command's only what is plain data.
 * Source: gitrepository-layout(5) "modules"; gitsubmodules(7)
 */
import path from 'node:path';
import { isPlainRefspec, isPlainText } from './config-changes.ts';
import { formatConfig, parseConfig, valuesByKey } from './config-file.ts';
import { FolderTree, UnusableFile } from './folder-tree.ts';
import type { Notes } from './notes.ts';
import type { StagedLayer } from './staged-layer.ts';
import type { TargetFolder } from './target-folder.ts';

const maxDepth = 8;
const maxConfigBytes = 2 ** 20;

export interface SubmodulePlace {
  /** Within the outermost git folder, with a slash at the end. */
  readonly prefix: string;
  readonly workTree: string | undefined;
}

export interface Surroundings {
  readonly target: TargetFolder;
  readonly staged: StagedLayer;
  readonly notes: Notes;
  readonly folder: string;
  readonly workspace: string;
  /** Of the repository whose submodules these are. */
  readonly prefix: string;
}

/** Those in which the command changed something; of new ones the folder is made. */
export function listSubmodules(around: Surroundings): readonly SubmodulePlace[] {
  const { target, staged, notes } = around;
  const found: SubmodulePlace[] = [];
  const visit = (own: string, depth: number): void => {
    if (staged.kind(own) !== 'folder' || depth > maxDepth) return;
    const isKnown = target.kind(`${own}/HEAD`) !== undefined && target.kind(`${own}/config`) !== undefined;
    if (!isKnown && staged.kind(`${own}/HEAD`) === undefined) {
      for (const { name } of staged.list(own)) visit(`${own}/${name}`, depth + 1);
      return;
    }
    try {
      if (!isKnown) makeSubmodule(around, own);
      const text = target.read(`${own}/config`, maxConfigBytes)?.bytes.toString('latin1') ?? '';
      const value = valuesByKey(parseConfig(text) ?? [])
        .get('core.worktree')
        ?.at(-1);
      const workTree = value === undefined ? undefined : path.resolve(around.folder, own, decode(value));
      found.push({ prefix: `${own}/`, workTree });
    } catch (error) {
      if (!(error instanceof UnusableFile)) throw error;
      notes.addKept(own, `the submodule is not taken over, because ${error.message}`);
    }
  };
  for (const { name } of staged.list(`${around.prefix}modules`)) visit(`${around.prefix}modules/${name}`, 1);
  return found;
}

function makeSubmodule({ target, staged, folder, workspace }: Surroundings, own: string): void {
  const text = staged.read(`${own}/config`, maxConfigBytes)?.bytes.toString('latin1') ?? '';
  const sections = parseConfig(text);
  if (sections === undefined) throw new UnusableFile('its configuration cannot be read');
  const values = valuesByKey(sections);
  const written = values.get('core.worktree')?.at(-1);
  if (written === undefined) throw new UnusableFile('it does not say where its files are');
  const workTree = path.resolve(folder, own, decode(written));
  const inside = path.relative(workspace, workTree);
  if (inside === '' || inside.startsWith('..') || path.isAbsolute(inside) || !isPlainText(decode(written))) {
    throw new UnusableFile('its files are not in the workspace');
  }
  const tree = new FolderTree(workspace);
  try {
    const back = /^gitdir: ([^\n]+)\n?$/.exec(tree.read(`${inside}/.git`, 4096)?.bytes.toString() ?? '')?.[1];
    if (back === undefined || path.resolve(workTree, back) !== path.join(folder, own)) {
      throw new UnusableFile(`${workTree}/.git does not lead back to it`);
    }
  } finally {
    tree.close();
  }
  const format = values.get('extensions.objectformat')?.at(-1) === 'sha256' ? 'sha256' : 'sha1';
  const settings: [section: string, name: string, value: string][] = [
    ['core', 'repositoryformatversion', format === 'sha1' ? '0' : '1'],
    ['core', 'filemode', values.get('core.filemode')?.at(-1) === 'false' ? 'false' : 'true'],
    ['core', 'bare', 'false'],
    ['core', 'logallrefupdates', 'true'],
    ['core', 'worktree', written],
    ...(format === 'sha1' ? [] : [['extensions', 'objectformat', format] satisfies [string, string, string]]),
  ];
  for (const [key, [url]] of values) {
    const remote = /^remote\.(.+)\.url$/.exec(key)?.[1];
    if (remote === undefined || !isPlainText(remote) || url === undefined || !isPlainUrl(url)) continue;
    settings.push([`remote.${remote}`, 'url', url]);
    for (const refspec of values.get(`remote.${remote}.fetch`) ?? []) {
      if (refspec !== undefined && isPlainRefspec(refspec, remote))
        settings.push([`remote.${remote}`, 'fetch', refspec]);
    }
  }
  target.replace(`${own}/config`, Buffer.from(formatConfig(settings), 'latin1'));
  for (const name of ['objects', 'refs']) target.makeParents(`${own}/${name}/x`);
}

/** A place that git reaches by itself: no helper program is named (`ext::…`), and nothing looks like an option. */
const isPlainUrl = (url: string): boolean =>
  isPlainText(url) && /^(?:(?:https?|ssh|git|file):\/\/[^-]|[\w.@]+:[^:]|\.{0,2}\/)/.test(url) && !url.includes('::');

const decode = (latin1: string): string => Buffer.from(latin1, 'latin1').toString();
