/** Where history was cut off when it was fetched. Without it the objects that were taken over would lack their parents. */
import { UnusableFile } from './folder-tree.ts';
import { isHash } from './object-format.ts';
import { isUnchanged, type Repository } from './repository.ts';

const maxBytes = 4 * 2 ** 20;

/** To be called when the objects were taken over, before the references. */
export function mergeShallow(repository: Repository): void {
  const { target, staged, prefix, format, notes } = repository;
  const file = `${prefix}shallow`;
  const kind = staged.kind(file);
  const current = target.read(file, maxBytes);
  if (kind === undefined || (kind === 'whiteout' && current === undefined)) return;
  try {
    const wanted = kind === 'whiteout' ? undefined : staged.read(file, maxBytes)?.bytes;
    if (wanted !== undefined && current?.bytes.equals(wanted) === true) return;
    const lines = wanted?.toString().split('\n') ?? [];
    if (!lines.every((line) => line === '' || isHash(format, line)))
      throw new UnusableFile('it holds more than names of objects');
    if (current !== undefined && !isUnchanged(repository, current.stat))
      throw new UnusableFile('the host changed it too');
    if (wanted === undefined) target.remove(file);
    else target.replace(file, wanted);
    notes.add(file, 'the command changed where the history that git shows is cut off');
  } catch (error) {
    if (!(error instanceof UnusableFile)) throw error;
    notes.addKept(file, `not taken over, because ${error.message}`);
  }
}
