/** How fast output streams to one client, and what the daemon's memory does meanwhile. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { startBenchDaemon } from './daemon.ts';
import { quantile, type Row } from './measure.ts';

const bytes = 256 * 1024 * 1024;
const command = `head -c ${bytes} /dev/zero`;

function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? Number.NaN) * 1024;
}

export async function benchOutput(): Promise<Row[]> {
  const daemon = await startBenchDaemon();
  const client = await daemon.connect();
  await client.run('ls -la | head -3 && git --version');
  const idle = residentBytes(daemon.pid);
  const ours: number[] = [];
  const plain: number[] = [];
  let peak = idle;
  for (let round = 0; round < 4; round++) {
    let received = 0;
    const started = performance.now();
    await client.run(command, (payload) => {
      received += payload.length;
    });
    ours.push(bytes / 1e3 / (performance.now() - started));
    if (received !== bytes) throw new Error(`${received} of ${bytes} bytes arrived`);
    peak = Math.max(peak, residentBytes(daemon.pid));
    const plainStarted = performance.now();
    await new Promise((resolve) =>
      spawn('bash', ['-c', `${command} | cat >/dev/null`], { stdio: 'ignore' }).once('close', resolve),
    );
    plain.push(bytes / 1e3 / (performance.now() - plainStarted));
  }
  client.close();
  await daemon.stop();
  const megabytes = (value: number) => `${(value / 1024 / 1024).toFixed(0)} MB`;
  return [
    {
      what: 'stdout to one client (beside the same through a pipe)',
      measured: `${quantile(ours, 0.5).toFixed(0)} MB/s (${quantile(plain, 0.5).toFixed(0)})`,
      target: '>= 300 MB/s',
    },
    { what: 'resident memory after first decisions', measured: megabytes(idle), target: '<= 120 MB' },
    { what: 'its growth while streaming', measured: megabytes(peak - idle), target: '< 64 MB' },
  ];
}
