/** Applies the few changes of the configuration that are safe, under git's own lock, and tells of all others. */

import { type ConfigChange, listConfigChanges } from './config-changes.ts';
import { type ConfigSection, parseConfig, setConfig, valuesByKey } from './config-file.ts';
import { UnusableFile } from './folder-tree.ts';
import { type Repository, readBase } from './repository.ts';

const maxConfigBytes = 4 * 2 ** 20;

/** To be called after the references were merged. */
export async function mergeConfig(repository: Repository): Promise<void> {
  const { target, staged, prefix, notes, locks } = repository;
  const file = `${prefix}config`;
  const kind = staged.kind(file);
  if (kind === undefined) return;
  let wanted: readonly ConfigSection[] | undefined;
  try {
    wanted = parse(staged.read(file, maxConfigBytes)?.bytes);
  } catch (error) {
    if (!(error instanceof UnusableFile)) throw error;
  }
  const current = target.read(file, maxConfigBytes)?.bytes;
  const real = parse(current);
  if (wanted === undefined || real === undefined || current === undefined) {
    return notes.collect(file, 'not taken over, because it cannot be read as a configuration');
  }
  const base = parse(readBase(repository, 'config', maxConfigBytes)?.bytes);
  const realValues = valuesByKey(real);
  const changes = listConfigChanges(valuesByKey(base ?? real), valuesByKey(wanted), realValues).filter(
    // without a base nobody knows who made the difference; only what is new can be the command's alone
    ({ before }) => base !== undefined || before.length === 0,
  );
  let text = current.toString('latin1');
  const left: ConfigChange[] = [];
  for (const change of changes) {
    const now = realValues.get(change.key) ?? [];
    if (isSame(now, change.after)) continue;
    const next =
      change.isSafe && isSame(now, change.before)
        ? setConfig(
            text,
            change.section,
            change.name,
            change.after.map((value) => value ?? ''),
          )
        : undefined;
    if (next === undefined) left.push(change);
    else text = next;
  }
  for (const change of left) reportChange(repository, change);
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.equals(current)) return;
  const lock = await locks.acquire(file, bytes);
  const because = 'what its branches follow is not taken over, because';
  if (lock === undefined) return notes.addKept(file, `${because} another git holds ${file}.lock`);
  try {
    if (target.read(file, maxConfigBytes)?.bytes.equals(current) === true) lock.commit();
    else notes.addKept(file, `${because} the host changed it just now`);
  } finally {
    lock.release();
  }
}

const parse = (bytes: Buffer | undefined): readonly ConfigSection[] | undefined =>
  bytes === undefined ? undefined : parseConfig(bytes.toString('latin1'));

const isSame = (left: readonly (string | undefined)[], right: readonly (string | undefined)[]): boolean =>
  left.length === right.length && left.every((value, index) => value === right[index]);

function reportChange({ notes, prefix, workspace }: Repository, { key, after, before }: ConfigChange): void {
  const shown = Buffer.from(key, 'latin1').toString();
  const git = `git -C ${quote(workspace)} config`;
  const [value] = after;
  const commands =
    after.length === 0
      ? `${git} --unset-all ${quote(shown)}`
      : after.length === 1 && before.length <= 1
        ? `${git} ${quote(shown)} ${quote(Buffer.from(value ?? 'true', 'latin1').toString())}`
        : undefined;
  notes.add(
    `${prefix}config`,
    `the command changed \`${shown}\` in the configuration; not taken over, because settings can make a later git run programs`,
    prefix === '' && commands !== undefined ? `if you want it: ${commands}` : undefined,
  );
}

const quote = (text: string): string => (/^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
