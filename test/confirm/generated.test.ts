/**
 * Generated text against real bash. `SBX_CONFIRM=1000000 npm run test:confirm` for a search, with `SBX_SEED=7` for another
 * one; a failure names the shortest text that shows it.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import '../fixtures/seed.ts';
import { isRefusedByMistake } from './bash-defects.ts';
import { type Oracle, type OracleResult, type OracleText, openOracle } from './oracle.ts';
import { shellText } from './shell-text.ts';

/** `scripts/test` runs everything twice as root; the second time a sample is enough. */
const isSecondRun = process.getuid?.() === 0 && process.env['SBX_TEST_USER'] !== undefined;
const wanted = Number(process.env['SBX_CONFIRM'] ?? (isSecondRun ? 2_000 : 20_000));
const chunkSize = 500;

/** Below these the grammar or the engine has changed so that little is compared. */
const floors = { allowedShare: 0.3, executionsPerAllowed: 4 };

/** Rules for single programs and a rule for all of them in turn: what is allowed differs, what runs does not. */
const narrow = ['rec1', 'rec2', 'rec3', 'rec4', 'rec5'].map((name) => `Bash(${name} *)`);
const grants = [
  [...narrow, 'Edit(**)'],
  ['Bash', 'Edit(**)'],
];

function withRules(text: string, index: number): OracleText {
  return { text, flags: { allow: grants[index % grants.length] ?? [] } };
}

function isFault(result: OracleResult, text: string): boolean {
  return result.unpredicted.length > 0 || (result.acceptedByBash === false && !isRefusedByMistake(text));
}

function show(text: string, result: OracleResult | undefined): string {
  const what =
    result?.acceptedByBash === false ? 'bash refuses a text that has a model' : 'ran without having been predicted';
  return `${JSON.stringify(text)}: ${what} ${JSON.stringify(result?.unpredicted.slice(0, 3) ?? [])}`;
}

let oracle: Oracle;
before(async () => {
  oracle = await openOracle(['sub/', 'f', 'sub/x']);
});
after(() => oracle.close());

/** The same value again, made smaller for as long as the fault stays. */
async function shrink(index: number, seed: number): Promise<string> {
  const judgeOne = async (text: string): Promise<OracleResult | undefined> =>
    (await oracle.judge([withRules(text, index)]))[0];
  const details = await fc.check(
    fc.asyncProperty(shellText, async (text) => {
      const result = await judgeOne(text);
      return result === undefined || !isFault(result, text);
    }),
    { seed, path: String(index), numRuns: 1, interruptAfterTimeLimit: 60_000 },
  );
  const text = details.counterexample?.[0];
  return text === undefined ? 'which did not happen again' : `shrunk to ${show(text, await judgeOne(text))}`;
}

test('nothing runs that was not predicted, and bash accepts what has a model', async (t) => {
  const first = Number(fc.readConfigureGlobal().seed ?? 0);
  const totals = { texts: 0, models: 0, allowed: 0, executions: 0, stopped: 0 };
  const faults: string[] = [];

  const judgeChunk = async (seed: number): Promise<void> => {
    const texts = fc.sample(shellText, { seed, numRuns: Math.min(chunkSize, wanted - totals.texts) });
    totals.texts += texts.length;
    const results = await oracle.judge(texts.map(withRules));
    for (const [index, result] of results.entries()) {
      const text = texts[index] ?? '';
      if (result.acceptedByBash !== undefined) totals.models++;
      if (result.allowed) totals.allowed++;
      if (result.stopped) totals.stopped++;
      totals.executions += result.ran.length;
      if (isFault(result, text) && faults.length < 5)
        faults.push(`${show(text, result)}; ${await shrink(index, seed)}`);
    }
  };

  let running: Promise<void> = Promise.resolve();
  for (let seed = first; totals.texts < wanted && faults.length < 5; seed++) {
    // decided while the chunk before is still running
    const next = judgeChunk(seed);
    await running;
    running = next;
  }
  await running;

  const { texts, models, allowed, executions, stopped } = totals;
  t.diagnostic(
    `${texts} texts, ${models} with a model, ${allowed} allowed (${Math.round((100 * allowed) / texts)} %), ${executions} executions compared, ${stopped} stopped`,
  );
  assert.equal(faults.length, 0, `\n${faults.join('\n\n')}`);
  assert.ok(allowed / texts >= floors.allowedShare, `only ${allowed} of ${texts} were allowed`);
  assert.ok(executions / allowed >= floors.executionsPerAllowed, `only ${executions} executions of ${allowed} texts`);
  assert.ok(stopped < texts / 100, `${stopped} texts did not end by themselves`);
});
