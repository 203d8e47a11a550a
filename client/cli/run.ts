/**
 * `sbx run`: from the words on the command line to an exit status. Neither the validator nor any library but the
 * WebSocket is loaded on this path, which is measured against an empty Node program.
 */
import { connect } from '../client.ts';
import { SbxError } from '../protocol/errors.ts';
import { build, findDaemonScript } from './build.ts';
import { LiveRun } from './live-run.ts';
import { formatSentence } from './report.ts';
import { type Caller, type RunWish, readRunArguments } from './run-arguments.ts';
import { forwardSignals } from './signals.ts';
import { lookAround, type Surroundings } from './surroundings.ts';

/** A daemon that is just ending takes no new run; the next one does. */
const maxAttempts = 4;

async function start(run: LiveRun, wish: RunWish, surroundings: Surroundings, caller: Caller): Promise<void> {
  const greeted = await connect({ env: caller.env, build, client: 'sbx run', daemonScript: findDaemonScript() });
  if (!greeted) return;
  const { connection, hello } = greeted;
  run.attach(connection);
  const session = connection.request('session.open', {
    cwd: wish.cwd,
    ...(wish.workspace === undefined ? {} : { workspace: wish.workspace }),
    ...(wish.newSession ? { fresh: true } : {}),
  });
  const started = connection.request('run.start', {
    runId: run.runId,
    ...wish.words,
    cwd: wish.cwd,
    env: { ...wish.env },
    ...(wish.grantEnv.length === 0 ? {} : { grantEnv: [...wish.grantEnv] }),
    umask: process.umask(),
    ...(surroundings.pty ? { pty: surroundings.pty } : {}),
    stdin: surroundings.stdin,
    ...(wish.timeoutMs === undefined ? {} : { timeoutMs: wish.timeoutMs }),
    ...(wish.mode === undefined ? {} : { mode: wish.mode }),
    autoAllow: wish.autoAllow,
    ...(wish.flags ? { flags: wish.flags } : {}),
    approver: wish.yes || surroundings.askOn !== undefined,
    explain: wish.json,
  });
  run.follow(started.then((result) => result.run));
  // Whichever fails first is the one reported below; the others follow from it.
  for (const answer of [session, started, run.number]) answer?.catch(() => undefined);
  await hello;
  for (const note of (await session).notes) run.say(formatSentence(note));
  await started;
}

async function startPatiently(run: LiveRun, wish: RunWish, surroundings: Surroundings, caller: Caller): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await start(run, wish, surroundings, caller);
      return;
    } catch (error) {
      if (!(error instanceof SbxError && error.code === 'stopping') || attempt === maxAttempts) throw error;
      run.detach();
    }
  }
}

/** The exit status. @throws {SbxError} for what is wrong before there is a run. */
export async function runCommand(args: readonly string[], caller: Caller): Promise<number> {
  const wish = readRunArguments(args, caller);
  if (!wish) {
    process.stdout.write((await import('./help.ts')).runHelp);
    return 0;
  }
  const surroundings = lookAround(wish, caller.env);
  const run = new LiveRun(wish, surroundings);
  forwardSignals(run);
  startPatiently(run, wish, surroundings, caller).catch((error) => run.fail(error));
  return run.ended;
}
