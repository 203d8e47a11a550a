/**
 * The oracle: what the engine allows is run by real bash in a real sandbox, and what ran is compared with what was predicted.
 * Both see the same folder at the same path. One execution that was not predicted is a way past every rule.
 */
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Flags, Mode } from '../../client/protocol/messages.ts';
import type { Analysis } from '../../daemon/analyse/model.ts';
import { createEngine, type Engine } from '../../daemon/offline.ts';
import type { SandboxSession } from '../../daemon/sandbox/model.ts';
import { listTestAccounts, makePlace, openPlace, type Place, run } from '../fixtures/sandbox-session.ts';
import { readRecord } from './execution-record.ts';
import { isPredicted } from './prediction.ts';
import { installRecorder, type RecorderPlace } from './recorder.ts';

export interface OracleText {
  readonly text: string;
  readonly flags: Flags;
  readonly mode?: Mode | undefined;
  readonly autoAllow?: boolean | undefined;
  /** Folder below the scratch folder. */
  readonly cwd?: string | undefined;
}

export interface OracleResult {
  /** Without a finding: an exact rule that lifts one (a person has read this very text) promises nothing here. */
  readonly allowed: boolean;
  /** Undefined where the engine has no model of the text. */
  readonly acceptedByBash: boolean | undefined;
  /** Every argv that ran; what is not a builtin or a function is there twice. */
  readonly ran: readonly (readonly string[])[];
  /** Everything that ran without having been predicted. */
  readonly unpredicted: readonly (readonly string[])[];
  /** It did not end by itself. */
  readonly stopped: boolean;
}

export interface Oracle {
  /** Results in the order of the texts. Decides at once; what has to run waits for what an earlier call runs. */
  readonly judge: (texts: readonly OracleText[]) => Promise<OracleResult[]>;
  /** What texts run, whatever the engine thinks of them. */
  readonly hear: (texts: readonly string[]) => Promise<(readonly (readonly string[])[])[]>;
  /** Whether the analysis of a text covers this. */
  readonly predicts: (text: string, argv: readonly string[]) => boolean;
  readonly close: () => Promise<void>;
}

interface Job {
  readonly index: number;
  readonly source: OracleText;
  readonly allowed: boolean;
  readonly analysis: Analysis;
}

const none: OracleResult = { allowed: false, acceptedByBash: undefined, ran: [], unpredicted: [], stopped: false };

/**
 * @param tree What every text finds in its folder: files of one line, and folders, whose names end with a slash and come
 * before what is in them.
 */
export async function openOracle(tree: readonly string[]): Promise<Oracle> {
  const account = listTestAccounts()[0];
  if (account === undefined) throw new Error('no account to run as');
  const place = makePlace(account);
  const session = await openPlace(place);
  const engine = await createEngine({ userPolicyFile: undefined, home: place.home });
  const own = (file: string): void => chownSync(file, account.uid, account.gid);
  const folder = path.join(place.workspace, 'oracle');
  mkdirSync(folder);
  const recorder = installRecorder(folder, tree, own);
  const scratches = Array.from({ length: Math.min(2, os.availableParallelism()) }, (_, index) => {
    const scratch = path.join(place.workspace, `scratch${index}`);
    mkdirSync(scratch);
    own(scratch);
    fillScratch(scratch, tree, own);
    return scratch;
  });
  const queues = scratches.map(() => Promise.resolve());
  return {
    judge: async (texts) => {
      const results = texts.map(() => none);
      await Promise.all(
        scratches.map((scratch, worker) => {
          const mine = texts.flatMap((source, index) =>
            index % scratches.length === worker ? [decide(engine, place, scratch, source, index)] : [],
          );
          const bench: Bench = { session, recorder, scratch, folder, own };
          const turn = (queues[worker] ?? Promise.resolve()).then(() => judgeJobs(mine, bench, results));
          queues[worker] = turn.catch(() => undefined);
          return turn;
        }),
      );
      return results;
    },
    hear: async (texts) => {
      const results = texts.map(() => none);
      const [scratch = ''] = scratches;
      const jobs = texts.map((text, index) => ({
        ...decide(engine, place, scratch, { text, flags: {} }, index),
        allowed: true,
      }));
      await judgeJobs(jobs, { session, recorder, scratch, folder, own }, results);
      return results.map(({ ran }) => ran);
    },
    predicts: (text, argv) =>
      isPredicted(argv, decide(engine, place, scratches[0] ?? '/', { text, flags: {} }, 0).analysis),
    close: async () => {
      await session.close();
      place.remove();
    },
  };
}

function fillScratch(scratch: string, tree: readonly string[], own: (file: string) => void): void {
  for (const entry of tree) {
    const file = path.join(scratch, entry);
    if (entry.endsWith('/')) mkdirSync(file, { recursive: true });
    // an assignment, so that a text that sources it runs nothing by that
    else writeFileSync(file, 'x=1\n');
    own(file);
    chmodSync(file, 0o755);
  }
}

function decide(engine: Engine, place: Place, scratch: string, source: OracleText, index: number): Job {
  const { decision, analysis } = engine.decide({
    command: source.text,
    cwd: path.join(scratch, source.cwd ?? ''),
    workspace: scratch,
    home: place.home,
    mode: source.mode,
    autoAllow: source.autoAllow ?? false,
    flags: source.flags,
  });
  return { index, source, analysis, allowed: decision.effect === 'allow' && analysis.findings.length === 0 };
}

interface Bench {
  readonly session: SandboxSession;
  readonly recorder: RecorderPlace;
  readonly scratch: string;
  readonly folder: string;
  readonly own: (file: string) => void;
}

async function judgeJobs(jobs: readonly Job[], bench: Bench, results: OracleResult[]): Promise<void> {
  const parsed = jobs.filter(({ analysis }) => analysis.script.kind === 'script');
  if (parsed.length === 0) return;
  const file = path.join(bench.folder, `jobs-${path.basename(bench.scratch)}`);
  const fields = parsed.flatMap(({ index, source, allowed }) => [
    String(index),
    allowed ? 'run' : 'check',
    source.cwd ?? '',
    source.text,
  ]);
  writeFileSync(file, fields.map((field) => `${field}\0`).join(''));
  bench.own(file);
  const resultsFile = `${file}.results`;
  const exit = await run(bench.session, bench.recorder.driverCommand(bench.scratch, file, resultsFile));
  const heard = readOutput(readFileSync(resultsFile));
  rmSync(resultsFile);
  if (heard.size !== parsed.length)
    throw new Error(`the driver ended with ${exit.code} after ${heard.size} of ${parsed.length} texts: ${exit.stderr}`);
  for (const { index, allowed, analysis } of parsed) {
    const { accepted, ended, record } = heard.get(index) ?? { accepted: false, ended: false, record: Buffer.alloc(0) };
    const ran = readRecord(record);
    results[index] = {
      allowed,
      acceptedByBash: accepted,
      ran,
      unpredicted: ran.filter((argv) => !isPredicted(argv, analysis)),
      stopped: !ended,
    };
  }
}

interface Heard {
  readonly accepted: boolean;
  readonly ended: boolean;
  readonly record: Buffer;
}

/** `index accepted ended length`, a newline, and the record, for each text. */
function readOutput(output: Buffer): Map<number, Heard> {
  const heard = new Map<number, Heard>();
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf('\n', at);
    const [index, accepted, ended, length] = output.toString('latin1', at, end).split(' ').map(Number);
    if (index === undefined || length === undefined || Number.isNaN(length)) throw new Error('the driver broke off');
    at = end + 1 + length;
    heard.set(index, { accepted: accepted === 1, ended: ended === 1, record: output.subarray(end + 1, at) });
  }
  return heard;
}
