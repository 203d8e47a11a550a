/**
 * The runs of this daemon: live ones, and for a while those that have ended, so that a client that was gone finds how its
 * run ended and everything it printed. What ended runs hold is bounded; background runs are the last to be forgotten.
 */
import { limits } from '../../client/protocol/limits.ts';
import type { RunInfo } from '../../client/protocol/messages.ts';
import type { Run } from '../pipeline.ts';
import type { Connection } from '../request/connection.ts';
import type { Audience } from '../stream/audience.ts';
import type { RunLog } from '../stream/run-log.ts';
import type { Session } from './sessions.ts';

/** What `run.list` says about a run and never changes. */
export type RunDescription = Pick<
  RunInfo,
  'runId' | 'run' | 'command' | 'cwd' | 'background' | 'pty' | 'shell' | 'tags' | 'startedAt'
>;

export interface HostedRun {
  readonly description: RunDescription;
  readonly run: Run;
  readonly log: RunLog;
  readonly audience: Audience<Connection>;
  readonly session: Session;
  /** Of the request that started it: a repeat has the same one. */
  readonly bodyHash: string;
  /** Of command and variables, which stay with the run. */
  readonly requestBytes: number;
  endedAt: number | undefined;
}

/** Memory that ended runs may take; those that somebody has not seen to the end, without their output. */
const endedMemoryBytes = 16 * 1024 * 1024;
const unseenMemoryBytes = 64 * 1024 * 1024;

export function describeRun({ description, run, log, audience, session, endedAt }: HostedRun): RunInfo {
  return {
    ...description,
    sessionId: session.id,
    state: endedAt !== undefined ? 'ended' : run.isRunning ? 'running' : 'waiting',
    ...(endedAt === undefined ? {} : { endedAt }),
    firstSeq: log.firstSeq,
    nextSeq: log.nextSeq,
    outputBytes: log.outputBytes,
    viewers: audience.size,
    hasWriter: audience.hasWriter,
    ...(run.exit === undefined ? {} : { exit: run.exit }),
  };
}

function fixedMemoryOf({ log, requestBytes }: HostedRun): number {
  return log.eventBytes + requestBytes;
}

/** At most: output that is older than a ring is in a file or gone. */
function memoryOf(hosted: HostedRun): number {
  return Math.min(hosted.log.outputBytes, limits.ringBytes) + fixedMemoryOf(hosted);
}

export class Runs {
  readonly #byId = new Map<string, HostedRun>();
  readonly #byNumber = new Map<number, HostedRun>();
  #nextNumber = 1;
  #live = 0;

  get liveCount(): number {
    return this.#live;
  }

  get endedCount(): number {
    return this.#byId.size - this.#live;
  }

  /** In the order they were started. */
  get all(): readonly HostedRun[] {
    return [...this.#byId.values()];
  }

  get live(): readonly HostedRun[] {
    return this.all.filter((hosted) => hosted.endedAt === undefined);
  }

  /** Memory of live runs beside their output. */
  get liveMemoryBytes(): number {
    return this.live.reduce((sum, hosted) => sum + fixedMemoryOf(hosted), 0);
  }

  takeNumber(): number {
    return this.#nextNumber++;
  }

  find(runId: string): HostedRun | undefined {
    return this.#byId.get(runId);
  }

  findByNumber(number: number): HostedRun | undefined {
    return this.#byNumber.get(number);
  }

  add(hosted: HostedRun): void {
    const { runId, run } = hosted.description;
    this.#byId.set(runId, hosted);
    this.#byNumber.set(run, hosted);
    this.#live++;
    void hosted.run.ended.then(() => {
      this.#live--;
      hosted.endedAt = Date.now();
      hosted.audience.end();
      this.prune();
    });
  }

  /**
   * Forgets ended runs that are old, too many, or hold too much. What a viewer is still being sent, or may come back for,
   * is counted apart, so that who is slow or away for a while does not compete with runs that nobody waits for.
   */
  prune(now: number = Date.now()): void {
    const ended = this.all
      .filter((hosted) => hosted.endedAt !== undefined)
      .sort((a, b) => Number(a.description.background) - Number(b.description.background));
    this.#limit(
      ended.filter(({ audience }) => audience.isContent),
      { now, count: limits.maxEndedRuns, bytes: endedMemoryBytes, sizeOf: memoryOf },
    );
    // Their output is bounded by the store.
    this.#limit(
      ended.filter(({ audience }) => !audience.isContent),
      { now, count: limits.maxUnseenRuns, bytes: unseenMemoryBytes, sizeOf: fixedMemoryOf },
    );
  }

  #limit(
    ended: readonly HostedRun[],
    max: { now: number; count: number; bytes: number; sizeOf: (hosted: HostedRun) => number },
  ): void {
    let count = ended.length;
    let held = ended.reduce((sum, hosted) => sum + max.sizeOf(hosted), 0);
    for (const hosted of ended) {
      const isOld = max.now - (hosted.endedAt ?? max.now) > limits.endedRunMs;
      if (!isOld && count <= max.count && held <= max.bytes) continue;
      count--;
      held -= max.sizeOf(hosted);
      this.#forget(hosted);
    }
  }

  #forget(hosted: HostedRun): void {
    hosted.audience.dismiss();
    hosted.log.close();
    this.#byId.delete(hosted.description.runId);
    this.#byNumber.delete(hosted.description.run);
  }
}
