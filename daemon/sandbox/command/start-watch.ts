/**
 * Notices a carrier that was killed in its first moments. Its end is otherwise seen by the end of its status pipe; but the
 * child that it had just made holds that pipe as well until it has become the command's init, and waits for ever for a
 * parent that is gone.
 */
import type { Readable } from 'node:stream';
import { findInit, readChildren } from '../../platform/process-tree.ts';

const firstLookMs = 100;

/**
 * Resolves when the carrier has ended or is about to. Never rejects.
 * @param find gives the carrier's number at this moment.
 */
export function watchStart(status: Readable, find: () => number | undefined): Promise<void> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      resolve();
    };
    let missed = false;
    const look = (waitMs: number): void => {
      const carrier = find();
      // not there yet, or gone: the starter may be slow, so it takes two looks
      if (carrier === undefined && missed) {
        finish();
        return;
      }
      missed = carrier === undefined;
      const init = carrier === undefined ? undefined : findInit(carrier, 3);
      // an init with a child has closed the pipe
      if (init !== undefined && readChildren(init).length > 0) return;
      timer = setTimeout(() => look(waitMs * 2), waitMs);
    };
    timer = setTimeout(() => look(firstLookMs), firstLookMs);
    status.once('close', finish);
  });
}
