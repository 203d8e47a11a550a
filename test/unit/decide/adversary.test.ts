/** Texts written against the engine, and commands of a size written to stop it: each gets its answer, in bounded time. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { adversaryCases } from '../../cases/adversary.ts';
import { pathCritical } from '../../cases/path-critical.ts';
import { pathReads } from '../../cases/path-reads.ts';
import { pathWrites } from '../../cases/path-writes.ts';
import { type EngineFixture, openEngineFixture } from './engine-fixture.ts';

describe('adversary', () => {
  let fixture: EngineFixture;
  before(async () => {
    fixture = await openEngineFixture();
  });
  after(() => fixture.remove());

  for (const { id, effect, ...row } of [...adversaryCases, ...pathReads, ...pathWrites, ...pathCritical])
    it(`${id}: ${row.command}`, () => {
      const decision = fixture.decide(row);
      assert.equal(decision.effect, effect, decision.reasons.map(({ message }) => message).join('\n'));
    });

  const long = (text: string): string => text.repeat(Math.floor(9000 / text.length));
  const sizes: Record<string, string> = {
    'a cluster of one flag': `tar ${long('x')}`,
    'a cluster of options with values': `tar ${long('f')} a`,
    wildcards: `rm ${long('*')}`,
    brackets: `rm ${long('[')}`,
    'nested defaults': `echo ${'$' + '{x:-'}${long('a')}}`,
    'array elements': `list=(${long('[1]=b ')})`,
    'assignments to integers': `declare -i n; ${long('n=1;').slice(0, 2000)}`,
  };
  for (const [name, command] of Object.entries(sizes))
    it(`bounded: ${name}`, () => {
      const start = process.cpuUsage();
      for (const autoAllow of [false, true]) fixture.decide({ command, autoAllow, deny: ['Bash(rm *)'] });
      const { user, system } = process.cpuUsage(start);
      assert.ok((user + system) / 1000 < 3000, `${(user + system) / 1000} ms`);
    });
});
