/**
 * `run.*`: starting, watching and steering runs. Who watches a run may come and go; one of them sends its input. Stopping
 * and signalling is open to every client, because all of them act for the same user.
 */
import { createHash } from 'node:crypto';
import { SbxError } from '../../client/protocol/errors.ts';
import type { Frame } from '../../client/protocol/frames.ts';
import { limits } from '../../client/protocol/limits.ts';
import type { Params, Result } from '../../client/protocol/messages.ts';
import { showText } from '../../client/protocol/visible.ts';
import type { Connection, Handlers } from '../request/connection.ts';
import { type Hosting, hostRun } from './host-run.ts';
import { describeRun, type HostedRun, Runs } from './runs.ts';
import type { SessionMethods } from './session-methods.ts';
import type { Session } from './sessions.ts';

/** Live runs of one daemon at once; each holds a few descriptors and a sandbox. */
const maxLiveRuns = 256;
/** Of their commands, variables and events. */
const maxLiveMemoryBytes = 128 * 1024 * 1024;
/** Runs whose viewers stall are not waited for when the daemon stops. */
const stopPatienceMs = limits.stopGraceMs + 3_000;

type StartParams = Params<'run.start'>;

export class RunMethods {
  readonly #hosting: Hosting;
  readonly #sessions: SessionMethods;
  readonly #runs = new Runs();

  readonly handlers: Pick<Handlers, Extract<keyof Handlers, `run.${string}`>> = {
    'run.start': async (params, client) => this.#start(params, client),
    'run.attach': async (params, client) => this.#attach(params, client),
    'run.detach': async ({ runId }, client) => {
      this.#find(runId).audience.leave(client);
      return {};
    },
    'run.list': async ({ sessionId, ended = false }) => ({
      runs: (ended ? this.#runs.all : this.#runs.live)
        .filter(({ session }) => sessionId === undefined || session.id === sessionId)
        .map(describeRun),
    }),
    'run.get': async ({ runId }) => describeRun(this.#find(runId)),
    'run.stdin': async ({ runId, offset, data }, client) => {
      const hosted = this.#findWritable(runId, client);
      if (!hosted.run.receiveStdin(offset, Buffer.from(data, 'base64'))) {
        throw new SbxError('bad-frame', `input goes on at ${hosted.run.stdinBytes}, at most one window ahead`);
      }
      return { stdinBytes: hosted.run.stdinBytes };
    },
    'run.closeStdin': async ({ runId }, client) => {
      this.#findWritable(runId, client).run.closeStdin();
      return {};
    },
    'run.resize': async ({ runId, size }, client) => {
      this.#findWritable(runId, client).run.resize(size.columns, size.rows);
      return {};
    },
    'run.signal': async ({ runId, signal }) => {
      this.#findLive(runId).run.signal(signal);
      return {};
    },
    'run.stop': async ({ runId, graceMs }) => {
      this.#findLive(runId).run.stop(graceMs);
      return {};
    },
    'run.ack': async ({ runId, seq }, client) => {
      // A run that was forgotten meanwhile needs no acknowledgement.
      if (this.#runs.find(runId)?.audience.acknowledge(client, seq) === false) {
        throw new SbxError('bad-request', `\`run.ack\`: the run has not come to ${seq} yet`);
      }
      return {};
    },
  };

  constructor(hosting: Hosting, sessions: SessionMethods) {
    this.#hosting = hosting;
    this.#sessions = sessions;
  }

  get liveCount(): number {
    return this.#runs.liveCount;
  }

  get endedCount(): number {
    return this.#runs.endedCount;
  }

  isWatching(client: Connection, runId: string): boolean {
    return this.#runs.find(runId)?.audience.has(client) === true;
  }

  /** @throws {SbxError} `unknown-run` */
  workspaceOf(runId: string): string | undefined {
    return this.#find(runId).session.workspace;
  }

  receiveStdin(frame: Frame, client: Connection): void {
    const hosted = this.#runs.findByNumber(frame.run);
    // A frame for a run that has just ended is no fault: the client may not have seen the end yet.
    const fits = hosted?.audience.isWriter(client) && hosted.run.receiveStdin(frame.offset, frame.payload);
    if (!fits && !(hosted && hosted.endedAt !== undefined && hosted.audience.has(client))) {
      client.close(1008, 'bad-frame');
    }
  }

  /** Its connection is lost. */
  forget(client: Connection): void {
    for (const hosted of this.#runs.all) hosted.audience.lose(client);
  }

  prune(): void {
    this.#runs.prune();
  }

  async ended(): Promise<void> {
    while (this.#runs.liveCount > 0) await Promise.all(this.#runs.live.map(({ run }) => run.ended));
  }

  async endOf(session: Session): Promise<void> {
    await this.#stop(
      this.#runs.live.filter((hosted) => hosted.session === session),
      'cancelled',
    );
  }

  async stopAll(): Promise<void> {
    await this.#stop(this.#runs.live, 'daemon-stopped');
  }

  async #stop(hosted: readonly HostedRun[], reason: 'cancelled' | 'daemon-stopped'): Promise<void> {
    for (const { run } of hosted) run.stop(limits.stopGraceMs, reason);
    const timer = setTimeout(() => {
      for (const { run } of hosted) run.abandon(reason);
    }, stopPatienceMs);
    await Promise.all(hosted.map(({ run }) => run.ended));
    clearTimeout(timer);
  }

  #start(params: StartParams, client: Connection): Result<'run.start'> {
    const bodyHash = hashBody(params);
    const known = this.#runs.find(params.runId);
    if (known) return this.#repeat(known, bodyHash, client);
    this.#sessions.refuseIfStopping();
    if (this.#runs.liveCount >= maxLiveRuns) {
      throw new SbxError('too-many-runs', `${maxLiveRuns} runs are live already`, { help: 'wait for one to end' });
    }
    if (this.#runs.liveMemoryBytes > maxLiveMemoryBytes) {
      throw new SbxError('too-many-runs', 'the live runs have commands of too many bytes', {
        help: 'wait for one to end, or put long commands into script files',
      });
    }
    const session = this.#sessions.find(params.sessionId, client);
    const hosted: HostedRun = {
      ...hostRun(params, session, this.#runs.takeNumber(), this.#hosting),
      bodyHash,
      endedAt: undefined,
    };
    this.#runs.add(hosted);
    hosted.session.carry(hosted.run.ended);
    return { ...this.#seat(hosted, client, 0, true), repeated: false };
  }

  /** The client lost the answer and asks again. @throws {SbxError} `run-exists` */
  #repeat(known: HostedRun, bodyHash: string, client: Connection): Result<'run.start'> {
    if (known.bodyHash !== bodyHash) {
      throw new SbxError('run-exists', `the run id \`${known.description.runId}\` is in use with another body`, {
        help: 'choose a fresh id per run',
      });
    }
    return { ...this.#seat(known, client, 0, !known.audience.isTakenFor(client)), repeated: true };
  }

  #attach({ runId, fromSeq = 0, write = false }: Params<'run.attach'>, client: Connection): Result<'run.attach'> {
    const hosted = this.#find(runId);
    if (write && hosted.audience.isTakenFor(client)) {
      throw new SbxError('writer-taken', `another client sends input to the run \`${runId}\``, {
        help: 'watch it without `write`, or let the other one detach first',
      });
    }
    const seated = this.#seat(hosted, client, fromSeq, write);
    return { ...seated, info: describeRun(hosted) };
  }

  #seat(hosted: HostedRun, client: Connection, fromSeq: number, write: boolean): Omit<Result<'run.start'>, 'repeated'> {
    const { audience, description, run } = hosted;
    audience.attach(client, fromSeq, write);
    client.afterAnswer(() => {
      // An acknowledgement that was lost with a connection would keep the next one's window closed.
      if (audience.isWriter(client)) {
        client.notify('run.stdinAck', { runId: description.runId, bytes: run.stdinTakenBytes });
      }
      audience.start(client);
    });
    return { run: description.run, stdinBytes: run.stdinBytes, writer: audience.isWriter(client) };
  }

  /** @throws {SbxError} `unknown-run` */
  #find(runId: string): HostedRun {
    const hosted = this.#runs.find(runId);
    if (hosted) return hosted;
    throw new SbxError('unknown-run', `there is no run \`${showText(runId)}\``, {
      help: 'run.list names those there are',
    });
  }

  /** @throws {SbxError} `unknown-run`, `run-ended` */
  #findLive(runId: string): HostedRun {
    const hosted = this.#find(runId);
    if (hosted.endedAt === undefined) return hosted;
    throw new SbxError('run-ended', `the run \`${runId}\` has ended`);
  }

  /** @throws {SbxError} `unknown-run`, `run-ended`, `writer-taken` */
  #findWritable(runId: string, client: Connection): HostedRun {
    const hosted = this.#findLive(runId);
    if (hosted.audience.isWriter(client)) return hosted;
    throw new SbxError('writer-taken', `this client is not the one that sends input to the run \`${runId}\``, {
      help: 'run.attach with `write`',
    });
  }
}

/** What makes a repeated request the same: everything but its id. Members of an object have no order (RFC 8259 4). */
function hashBody({ runId: _, ...body }: StartParams): string {
  const text = JSON.stringify(body, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(text).digest('base64');
}
