/** Takes over the files of a merge, rebase or bisect that is under way, and removes those of one that ended. */
import { type FileContent, UnusableFile } from './folder-tree.ts';
import { isUnchanged, type Repository } from './repository.ts';
import { checkStateFile, findExecLines, passingFiles, stateFiles, stateFolders } from './state-names.ts';

const maxFileBytes = 16 * 2 ** 20;
const maxFiles = 2000;

export function mergeState(repository: Repository): void {
  for (const name of stateFiles.keys()) mergeFile(repository, undefined, name);
  for (const folder of stateFolders) mergeFolder(repository, folder);
}

function mergeFolder(repository: Repository, folder: string): void {
  const { target, staged, prefix, notes } = repository;
  const own = prefix + folder;
  const names = new Set<string>();
  for (const { name, kind } of staged.list(own)) {
    if (kind === 'file' || kind === 'whiteout') names.add(name);
    else notes.collect(`${own}/${name}`, 'not taken over, because it is no regular file');
  }
  for (const { name, kind } of target.list(own)) {
    if (kind === 'file' && !staged.showsLower(`${own}/${name}`)) names.add(name);
  }
  if (names.size > maxFiles) {
    notes.addKept(own, `not taken over, because it has more than ${maxFiles} files`);
    return;
  }
  for (const name of names) if (!name.endsWith('.lock')) mergeFile(repository, folder, name);
  if (staged.kind(own) === 'whiteout' && target.kind(own) === 'folder') target.removeEmptyFolder(own);
}

function mergeFile(repository: Repository, folder: string | undefined, name: string): void {
  const { target, staged, prefix, notes, format } = repository;
  const file = folder === undefined ? prefix + name : `${prefix}${folder}/${name}`;
  const kind = staged.kind(file);
  if (kind === undefined && staged.showsLower(file)) return;
  const real = target.kind(file);
  let current: FileContent | undefined;
  let wanted: FileContent | undefined;
  try {
    current = real === undefined ? undefined : target.read(file, maxFileBytes);
    wanted = kind === undefined || kind === 'whiteout' ? undefined : staged.read(file, maxFileBytes);
  } catch (error) {
    if (!(error instanceof UnusableFile)) throw error;
    notes.collect(file, 'not taken over, because it is no regular file of a usual size');
    return;
  }
  if (wanted === undefined && current === undefined) return;
  if (wanted !== undefined && current?.bytes.equals(wanted.bytes) === true) return;
  if (current !== undefined && !isUnchanged(repository, current.stat)) {
    const isTouched = wanted === undefined || wanted.stat.mtimeNs >= repository.startedAtNs;
    if (isTouched && !(folder === undefined && passingFiles.has(name))) {
      notes.addKept(file, 'not taken over, because the host changed it while the command ran');
    }
    return;
  }
  if (wanted === undefined) {
    target.remove(file);
    return;
  }
  const text = wanted.bytes.toString();
  const because = checkStateFile(folder, name, text, format);
  if (because !== undefined) {
    notes.collect(file, `not taken over, because ${because}`);
    return;
  }
  for (const line of findExecLines(name, text)) {
    notes.add(file, `the rebase that is under way runs \`${line}\` when it goes on`);
  }
  target.replace(file, wanted.bytes);
}
