/**
 * `sbx attach`: takes part in a run that somebody else started. Leaving it never ends it: only what is typed into it, and
 * an interrupt for a command without a terminal, reach the command.
 */
import tty from 'node:tty';
import { SbxError } from '../protocol/errors.ts';
import type { Result } from '../protocol/messages.ts';
import type { Caller } from './caller.ts';
import { DetachKeys } from './detach-keys.ts';
import { type FoundRun, findRun } from './find-run.ts';
import { LiveRun } from './live-run.ts';
import { forwardSignals } from './signals.ts';
import { lookAround } from './surroundings.ts';
import { Tail } from './tail.ts';
import { isForeground, measureTerminal } from './terminal.ts';

export interface AttachWish {
  readonly stdin: boolean;
  readonly detachKeys: string;
  /** Lines of what was there before; undefined for as many as the terminal shows. */
  readonly tail: number | undefined;
}

/** Becomes the one who types, where there is something to type into. @throws {SbxError} `writer-taken` */
async function takeSeat({ connection, info }: FoundRun, write: boolean): Promise<Result<'run.attach'>> {
  const { runId, pty } = info;
  try {
    return await connection.request('run.attach', { runId, fromSeq: 0, ...(write ? { write } : {}) });
  } catch (error) {
    if (!(error instanceof SbxError && error.code === 'writer-taken')) throw error;
    if (!pty) return takeSeat({ connection, info }, false);
    throw new SbxError('writer-taken', 'somebody else types into this run', {
      help: 'sbx attach --no-stdin shows it without typing',
    });
  }
}

/** The exit status. @throws {SbxError} */
export async function attachCommand(caller: Caller, name: string, wish: AttachWish): Promise<number> {
  const detachKeys = new DetachKeys(wish.detachKeys);
  const found = await findRun(caller, 'sbx attach', name);
  const { connection, info } = found;
  const { runId, pty, nextSeq, state } = info;
  if (state === 'ended') {
    connection.close();
    throw new SbxError('run-ended', 'the run has ended', { help: `sbx logs ${name} shows its output` });
  }
  const surroundings = lookAround(
    { json: false, pty, background: false, prompt: state === 'waiting', yes: false, mode: undefined },
    caller.env,
  );
  // A background job must not read the terminal.
  const writes = wish.stdin && (isForeground() || !tty.isatty(0));
  const run = new LiveRun({
    runId,
    json: false,
    yes: false,
    canAsk: surroundings.canAsk,
    pty: writes && pty,
    stdin: writes && !pty ? surroundings.stdin : 'none',
    whenLeft: 'keep',
    detachKeys: pty ? detachKeys : undefined,
  });
  // A terminal that is closed, or whoever ends us, is none of the run's business.
  forwardSignals(run, writes ? ['SIGINT', 'SIGQUIT'] : []);
  const lines = wish.tail ?? (tty.isatty(1) ? measureTerminal().rows - 1 : 0);
  // What waits for an answer has put out nothing; its question is what there is to see.
  run.use(connection, state === 'waiting' ? undefined : new Tail({ lines, until: nextSeq }, run.view));
  const attached = takeSeat(found, writes);
  run.follow(attached);
  if (state === 'running') void run.join();
  else attached.catch((error) => run.fail(error));
  return run.ended;
}
