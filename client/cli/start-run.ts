/**
 * Starts a run of our own: session and run are asked for in one breath, so that nothing waits for an answer that can only
 * be yes. A daemon that is just ending takes no new run; then the next one is asked.
 */
import { connect } from '../connect.ts';
import { SbxError } from '../protocol/errors.ts';
import type { Params } from '../protocol/messages.ts';
import { build, findDaemonScript } from './build.ts';
import type { Caller } from './caller.ts';
import type { LiveRun } from './live-run.ts';
import type { Place } from './place-arguments.ts';
import { formatSentence } from './report.ts';

const maxAttempts = 4;

export interface StartRequest {
  /** Who asks, for the daemon's log. */
  readonly client: string;
  readonly place: Place;
  readonly start: Omit<Params<'run.start'>, 'runId' | 'cwd' | 'env' | 'grantEnv' | 'umask'>;
}

async function startOnce(run: LiveRun, { client, place, start }: StartRequest, caller: Caller): Promise<void> {
  const greeted = await connect({ env: caller.env, build, client, daemonScript: findDaemonScript() });
  if (!greeted) return;
  const { connection, hello } = greeted;
  run.use(connection);
  const session = connection.request('session.open', {
    cwd: place.cwd,
    ...(place.workspace === undefined ? {} : { workspace: place.workspace }),
    ...(place.newSession ? { fresh: true } : {}),
  });
  const started = connection.request('run.start', {
    runId: run.runId,
    cwd: place.cwd,
    env: { ...place.env },
    ...(place.grantEnv.length === 0 ? {} : { grantEnv: [...place.grantEnv] }),
    umask: process.umask(),
    ...start,
  });
  run.follow(started);
  // Whichever fails first is the one reported below; the others follow from it.
  for (const answer of [session, started]) answer.catch(() => undefined);
  await hello;
  for (const note of (await session).notes) run.view.remark(formatSentence(note));
  await started;
}

/** What goes wrong is the run's failure. */
export async function startRun(run: LiveRun, request: StartRequest, caller: Caller): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await startOnce(run, request, caller);
      return;
    } catch (error) {
      if (!(error instanceof SbxError && error.code === 'stopping') || attempt === maxAttempts) {
        run.fail(error);
        return;
      }
      run.detach();
    }
  }
}
