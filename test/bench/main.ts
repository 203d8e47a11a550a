/**
 * The performance budgets as ratios within one run: what is compared is measured turn by turn, and medians are printed.
 * `scripts/bench [decision|spawn|session|git|cli|output|stream|egress …]` runs some of them.
 */
import { isMainThread, workerData } from 'node:worker_threads';
import { benchCli } from './cli.ts';
import { benchDecision } from './decision.ts';
import { benchEgress, type EgressPart, serveEgressPart } from './egress.ts';
import { benchGit } from './git.ts';
import { benchOutput } from './output.ts';
import { benchSession } from './session.ts';
import { benchSpawn } from './spawn.ts';
import { benchStream } from './stream.ts';

const benches = {
  decision: benchDecision,
  spawn: benchSpawn,
  session: benchSession,
  git: benchGit,
  cli: benchCli,
  output: benchOutput,
  stream: benchStream,
  egress: benchEgress,
};
type Name = keyof typeof benches;

if (!isMainThread) {
  await serveEgressPart(workerData as EgressPart);
  // The thread lives until it is ended.
  await new Promise(() => {});
}
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  process.stderr.write(`bench: there is no \`${unknown[0]}\`; there are ${Object.keys(benches).join(', ')}\n`);
  process.exit(2);
}
for (const name of (wanted.length > 0 ? wanted : Object.keys(benches)) as Name[]) {
  process.stdout.write(`\n${name}\n`);
  for (const row of await benches[name]()) {
    process.stdout.write(`  ${row.what.padEnd(58)} ${row.measured.padStart(22)}   target ${row.target}\n`);
  }
}
process.exit(0);
