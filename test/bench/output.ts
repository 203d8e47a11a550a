/** How fast output streams to one client, and what the daemon's memory does when one client stalls and one is fast. */
import { spawn } from 'node:child_process';
import { type BenchDaemon, startBenchDaemon } from './daemon.ts';
import { quantile, type Row } from './measure.ts';

const gibibyte = 1024 ** 3;
const rounds = 5;
const print = (bytes: number): string => `head -c ${bytes} /dev/zero`;
const megabytes = (value: number): string => `${(value / 1024 ** 2).toFixed(0)} MB`;

export async function benchOutput(): Promise<Row[]> {
  const waiting = await withDaemon((daemon) =>
    measureSpeed(daemon, '1 GiB of stdout to `sbx run` / through a pipe to `cat`', 0),
  );
  const ahead = await withDaemon((daemon) =>
    measureSpeed(daemon, 'the same to a client that the command may be ahead of'),
  );
  return [waiting, ahead, ...(await withDaemon(measureMemory))];
}

async function withDaemon<T>(measure: (daemon: BenchDaemon) => Promise<T>): Promise<T> {
  const daemon = await startBenchDaemon();
  try {
    return await measure(daemon);
  } finally {
    await daemon.stop();
  }
}

/** Gives 10^6 bytes per second. */
async function time(bytes: number, act: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await act();
  return bytes / 1e3 / (performance.now() - started);
}

async function measureSpeed(daemon: BenchDaemon, what: string, aheadBytes?: number): Promise<Row> {
  const client = await daemon.connect();
  await client.run('true');
  const ours: number[] = [];
  const plain: number[] = [];
  for (let round = 0; round < rounds; round++) {
    let received = 0;
    const onFrame = ({ payload }: { payload: Buffer }): void => {
      received += payload.length;
    };
    ours.push(
      await time(gibibyte, () =>
        client.run(print(gibibyte), { onFrame, ...(aheadBytes === undefined ? {} : { aheadBytes }) }),
      ),
    );
    if (received !== gibibyte) throw new Error(`${received} of ${gibibyte} bytes arrived`);
    plain.push(await time(gibibyte, () => pipeToCat(print(gibibyte))));
  }
  client.close();
  const [a, b] = [quantile(ours, 0.5), quantile(plain, 0.5)];
  return {
    what,
    measured: `${a.toFixed(0)} MB/s (${b.toFixed(0)}, ${(a / b).toFixed(2)}x)`,
    target: '>= 300 MB/s',
  };
}

function pipeToCat(command: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', `${command} | cat >/dev/null`], { stdio: 'ignore' });
    child.once('error', reject);
    child.once('close', () => resolve());
  });
}

async function measureMemory(daemon: BenchDaemon): Promise<Row[]> {
  const [fast, stalled] = [await daemon.connect(), await daemon.connect()];
  await fast.run('ls -la | head -3 && git --version');
  const idle = daemon.resident().now;
  daemon.resetPeak();
  let [received, stalledReceived] = [0, 0];
  const run = await fast.start(`sleep 0.2; ${print(2 * gibibyte)}`, {
    onFrame: ({ payload }) => {
      received += payload.length;
    },
  });
  await stalled.attach(run.runId, {
    acknowledges: false,
    onFrame: ({ payload }) => {
      stalledReceived += payload.length;
    },
  });
  await run.ended;
  const { peak } = daemon.resident();
  if (received !== 2 * gibibyte) throw new Error(`${received} of ${2 * gibibyte} bytes arrived`);
  if (stalledReceived === 0 || stalledReceived >= gibibyte) throw new Error('the stalled viewer did not stall');
  stalled.close();
  fast.close();
  return [
    { what: 'resident memory after first decisions', measured: megabytes(idle), target: '<= 120 MB' },
    {
      what: 'its peak growth, 2 GiB, one stalled and one fast viewer',
      measured: megabytes(peak - idle),
      target: '< 64 MB',
    },
  ];
}
