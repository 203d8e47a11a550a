/** Many runs at once without loss or reorder, and how long a client takes that comes back for everything. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type BenchClient, startBenchDaemon, type Watch } from './daemon.ts';
import { quantile, type Row, ratioRow } from './measure.ts';

const runs = 64;
const connections = 8;
const lines = 60_000;
const replayBytes = 8 * 1024 ** 2;

export async function benchStream(): Promise<Row[]> {
  const daemon = await startBenchDaemon();
  const clients = await Promise.all(Array.from({ length: connections }, () => daemon.connect()));
  const [first] = clients;
  if (!first) throw new Error('no client');
  await first.run('true');
  const abreast = await runAbreast(clients);
  const runId = (
    await first.start(`head -c ${replayBytes} /dev/zero`, {}, true).then(async (run) => {
      await run.ended;
      return run;
    })
  ).runId;
  const replays: number[] = [];
  for (let round = 0; round < 15; round++) replays.push(await replay(daemon.connect, runId));
  for (const client of clients) client.close();
  await daemon.stop();
  return [
    ...abreast,
    {
      what: 'reconnect and full replay of 8 MiB (median, slowest of 15)',
      measured: `${quantile(replays, 0.5).toFixed(1)} ms (${Math.max(...replays).toFixed(1)})`,
      target: '< 100 ms',
    },
  ];
}

/** Output whose every part is different, so that what is lost, doubled or exchanged changes its digest. */
const commandOf = (index: number): string => `seq -f '${index} %.0f' ${lines}`;

function digestOf(index: number): string {
  let text = '';
  for (let line = 1; line <= lines; line++) text += `${index} ${line}\n`;
  return createHash('sha256').update(text).digest('hex');
}

class Witness implements Watch {
  readonly #hash = createHash('sha256');
  #nextSeq = 0;
  #bytes = 0;
  faults = 0;

  readonly onFrame: NonNullable<Watch['onFrame']> = ({ seq, offset, payload }) => {
    this.#see(seq);
    if (offset !== this.#bytes) this.faults++;
    this.#bytes += payload.length;
    this.#hash.update(payload);
  };
  readonly onEvent = (seq: number): void => this.#see(seq);
  readonly onGap = (): void => {
    this.faults++;
  };

  digest(): string {
    return this.#hash.digest('hex');
  }

  #see(seq: number): void {
    if (seq !== this.#nextSeq) this.faults++;
    this.#nextSeq = seq + 1;
  }
}

async function runAbreast(clients: readonly BenchClient[]): Promise<Row[]> {
  const ours: number[] = [];
  const theirs: number[] = [];
  let faults = 0;
  for (let round = 0; round < 3; round++) {
    const started = performance.now();
    const witnesses = await Promise.all(
      Array.from({ length: runs }, async (_, index) => {
        const witness = new Witness();
        await clients[index % clients.length]?.run(commandOf(index), witness);
        return witness;
      }),
    );
    ours.push(performance.now() - started);
    for (const [index, witness] of witnesses.entries()) {
      faults += witness.faults + (witness.digest() === digestOf(index) ? 0 : 1);
    }
    const otherStarted = performance.now();
    await Promise.all(Array.from({ length: runs }, (_, index) => runUnsandboxed(commandOf(index))));
    theirs.push(performance.now() - otherStarted);
  }
  return [
    { what: `${runs} runs at once: lost, doubled or out of order`, measured: `${faults}`, target: '0' },
    ratioRow(`${runs} runs at once / the same from Node without a sandbox`, ours, theirs, '-'),
  ];
}

function runUnsandboxed(command: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.resume();
    child.once('error', reject);
    child.once('close', () => resolve());
  });
}

async function replay(connect: () => Promise<BenchClient>, runId: string): Promise<number> {
  const started = performance.now();
  const client = await connect();
  let received = 0;
  const run = await client.attach(runId, {
    onFrame: ({ payload }) => {
      received += payload.length;
    },
  });
  await run.ended;
  const ms = performance.now() - started;
  client.close();
  if (received !== replayBytes) throw new Error(`${received} of ${replayBytes} bytes were replayed`);
  return ms;
}
