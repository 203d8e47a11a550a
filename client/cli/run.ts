/**
 * `sbx run`: from the words on the command line to an exit status. Neither the validator nor any library but the
 * WebSocket is loaded on this path, which is measured against an empty Node program.
 */

import type { Caller } from './caller.ts';
import { LiveRun } from './live-run.ts';
import { type RunWish, readRunArguments } from './run-arguments.ts';
import { forwardSignals } from './signals.ts';
import { type StartRequest, startRun } from './start-run.ts';
import { lookAround, type Surroundings } from './surroundings.ts';

function describeStart(wish: RunWish, { pty, stdin, canAsk }: Surroundings): StartRequest['start'] {
  return {
    ...wish.words,
    ...(pty ? { pty } : {}),
    stdin,
    ...(wish.timeoutMs === undefined ? {} : { timeoutMs: wish.timeoutMs }),
    ...(wish.limits === undefined ? {} : { limits: wish.limits }),
    ...(wish.mode === undefined ? {} : { mode: wish.mode }),
    autoAllow: wish.autoAllow,
    ...(wish.flags ? { flags: wish.flags } : {}),
    approver: wish.yes || canAsk,
    ...(wish.tags.length === 0 ? {} : { tags: [...wish.tags] }),
    // `sbx run yes | less` is not to fill a disk while somebody reads its first page.
    ...(wish.background ? { background: true } : { onDisconnect: 'stop', output: { aheadBytes: 0 } }),
  };
}

/** The exit status. @throws {SbxError} for what is wrong before there is a run. */
export async function runCommand(args: readonly string[], caller: Caller): Promise<number> {
  const wish = readRunArguments(args, caller);
  if (!wish) {
    process.stdout.write((await import('./help.ts')).runHelp);
    return 0;
  }
  const surroundings = lookAround(wish, caller.env);
  const run = new LiveRun({
    json: wish.json,
    yes: wish.yes,
    canAsk: surroundings.canAsk,
    pty: surroundings.pty !== undefined,
    stdin: surroundings.stdin,
    whenLeft: 'stop',
    onStarted: wish.background ? (await import('./background.ts')).announceBackground : undefined,
  });
  forwardSignals(run);
  void startRun(run, { client: 'sbx run', place: wish, start: describeStart(wish, surroundings) }, caller);
  return run.ended;
}
