/**
 * Tries for real whether a private copy of a repository can be made: the kernel may refuse the mount (before 5.11, or an
 * upper folder that is itself on an overlay, as in many containers) or the first change in it.
 */
import { closeSync, readSync } from 'node:fs';
import type { Starter } from '../template/starter.ts';
import { requireTool } from '../tools.ts';
import type { Objection } from './objection.ts';

/**
 * @param words start a program with the copies.
 * @param limits as an order to the starter has them.
 * @param files one of each repository, to be copied by a change.
 * @throws {SbxError} `sandbox-failed` when the session has ended.
 */
export async function tryStaging(
  starter: Starter,
  words: readonly string[],
  files: readonly string[],
  limits: string,
): Promise<Objection | undefined> {
  const [output, errors, options, status] = await starter.takePipes(4);
  if (!output || !errors || !options || !status) throw new Error('too few pipes');
  const errorsEnd = errors.open('read');
  try {
    const argv = [...words, requireTool('touch'), '-c', '--', ...files];
    const pipes = { input: undefined, output, errors, options, status, endFolder: undefined, text: undefined };
    const started = await starter.start({ argv, ...pipes, umask: 0o077, limits });
    const code = started === undefined ? undefined : await starter.wait(started);
    if (code === 0) return undefined;
    return {
      why: readText(errorsEnd) || `status ${code}`,
      help: 'keep the cache folder of sbx (XDG_CACHE_HOME) on an ordinary file system, with a kernel from 5.11 on',
    };
  } finally {
    closeSync(errorsEnd);
  }
}

/** What is in the pipe now. */
function readText(descriptor: number): string {
  const bytes = Buffer.alloc(1024);
  try {
    return bytes.toString('utf8', 0, readSync(descriptor, bytes)).trim().split('\n')[0] ?? '';
  } catch {
    return '';
  }
}
