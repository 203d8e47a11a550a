/** A command in a live session against bare bubblewrap and against no sandbox at all, all started from Node. */
import { bareBubblewrap, finish } from './bare.ts';
import { startBenchDaemon } from './daemon.ts';
import { quantile, type Row, ratioRow, timeInTurns } from './measure.ts';

export async function benchSpawn(): Promise<Row[]> {
  const daemon = await startBenchDaemon();
  const clients = await Promise.all([1, 2, 3, 4].map(() => daemon.connect()));
  const [client] = clients;
  if (!client) throw new Error('no client');
  const times = await timeInTurns(
    {
      session: () => client.run('true'),
      bubblewrap: () => bareBubblewrap('true'),
      bash: () => finish('bash', ['-c', 'true']),
    },
    80,
    8,
  );
  const batch = 10;
  const abreast = await timeInTurns(
    {
      session: () =>
        Promise.all(
          clients.map(async (each) => {
            for (let i = 0; i < batch; i++) await each.run('true');
          }),
        ),
      bubblewrap: () =>
        Promise.all(
          clients.map(async () => {
            for (let i = 0; i < batch; i++) await bareBubblewrap('true');
          }),
        ),
    },
    8,
    1,
  );
  for (const each of clients) each.close();
  await daemon.stop();
  const ours = times['session'] ?? [];
  const rate = (name: string) => (4 * batch * 1000) / quantile(abreast[name] ?? [], 0.5);
  return [
    ratioRow('`true` in a live session / bare bubblewrap', ours, times['bubblewrap'] ?? [], '<= 1.5x'),
    ratioRow(
      '`true` in a live session / unsandboxed bash',
      ours,
      times['bash'] ?? [],
      '<= 1.0x with the warm pool (later)',
    ),
    {
      what: 'commands per second, 4 at a time / bare bubblewrap',
      measured: `${(rate('session') / rate('bubblewrap')).toFixed(2)}x  (${rate('session').toFixed(0)} / ${rate('bubblewrap').toFixed(0)} per s)`,
      target: '>= 0.9x',
    },
  ];
}
