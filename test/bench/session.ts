/**
 * What a session and its commands cost, and that neither grows with what lies in the workspace: 100,000 files with 50
 * repositories among them against a folder with one file.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bareBubblewrap, finish, planBubblewrap } from './bare.ts';
import { type BenchDaemon, startBenchDaemon } from './daemon.ts';
import { type Row, ratioRow, timeInTurns } from './measure.ts';

const folders = 1000;
const filesPerFolder = 100;
const repositories = 50;

async function fillTree(workspace: string): Promise<void> {
  for (let folder = 0; folder < folders; folder++) {
    const place = path.join(workspace, `area${folder % 20}`, `package${folder}`);
    mkdirSync(place, { recursive: true });
    for (let file = 0; file < filesPerFolder; file++) writeFileSync(path.join(place, `file${file}`), '');
    if (folder < repositories) await finish('git', ['init', '-q', place]);
  }
}

export async function benchSession(): Promise<Row[]> {
  const daemon = await startBenchDaemon();
  try {
    return [...(await measureTree(daemon)), ...(await measureCold(daemon))];
  } finally {
    await daemon.stop();
  }
}

async function measureTree(daemon: BenchDaemon): Promise<Row[]> {
  const small = daemon.makeWorkspace('small');
  const large = daemon.makeWorkspace('large');
  writeFileSync(path.join(small, 'file'), '');
  await fillTree(large);
  const inSmall = await daemon.connect(small);
  const inLarge = await daemon.connect(large);
  const bare = planBubblewrap(small, daemon.env);
  const times = await timeInTurns(
    {
      small: () => inSmall.run('true'),
      large: () => inLarge.run('true'),
      plan: () => bare('true'),
      bubblewrap: () => bareBubblewrap('true'),
    },
    60,
    8,
  );
  inSmall.close();
  inLarge.close();
  const { small: ours = [], large: grown = [], plan = [], bubblewrap = [] } = times;
  return [
    ratioRow('`true` in a live session / bubblewrap with the plan’s mounts', ours, plan, '<= 1.5x'),
    ratioRow('`true` in a live session / bare bubblewrap', ours, bubblewrap, '<= 1.5x'),
    ratioRow('the same in 100,000 files, 50 repositories / in an empty folder', grown, ours, '<= 1.1x'),
  ];
}

/** From `session.open` to the end of its first command, with the daemon up. */
async function measureCold(daemon: BenchDaemon): Promise<Row[]> {
  let count = 0;
  const bare = planBubblewrap(daemon.makeWorkspace('cold'), daemon.env);
  const times = await timeInTurns(
    {
      session: async () => {
        const client = await daemon.connect(daemon.makeWorkspace(`cold${count++}`));
        await client.run('true');
        client.close();
      },
      plan: () => bare('true'),
    },
    15,
    2,
  );
  return [
    ratioRow(
      'first `true` of a session / bubblewrap with the plan’s mounts',
      times['session'] ?? [],
      times['plan'] ?? [],
      '-',
    ),
  ];
}
