/** A run that may change the repository: its private copy and what is taken over after it, against the same on the host. */
import { finish } from './bare.ts';
import { startBenchDaemon } from './daemon.ts';
import { quantile, type Row, ratioRow, timeInTurns } from './measure.ts';

const commit = 'git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x';

export async function benchGit(): Promise<Row[]> {
  const daemon = await startBenchDaemon();
  try {
    const inside = daemon.makeWorkspace('inside');
    const outside = daemon.makeWorkspace('outside');
    for (const place of [inside, outside]) await finish('git', ['init', '-q', place]);
    const client = await daemon.connect(inside);
    const times = await timeInTurns(
      {
        commit: () => client.run(commit),
        host: () => finish('bash', ['-c', commit], outside),
        // staged as well, and leaves nothing to merge
        unchanged: () => client.run('git update-index -q --refresh'),
        live: () => client.run('true'),
      },
      30,
      4,
    );
    client.close();
    const of = (name: string) => quantile(times[name] ?? [], 0.5);
    const merge = of('commit') - of('unchanged') - of('host');
    return [
      ratioRow(
        'staged, nothing changed / `true` in the same session',
        times['unchanged'] ?? [],
        times['live'] ?? [],
        '-',
      ),
      ratioRow('`git commit` in a session / on the host', times['commit'] ?? [], times['host'] ?? [], '-'),
      {
        what: 'taking a commit over: what is left of it without copy and git',
        measured: `${merge.toFixed(1)} ms`,
        target: '-',
      },
    ];
  } finally {
    await daemon.stop();
  }
}
