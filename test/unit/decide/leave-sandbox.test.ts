/** Which lines leave the sandbox: all of a line or nothing of it, and only where the user says so (RULES O12). */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type EngineFixture, openEngineFixture, policyFile } from './engine-fixture.ts';

let fixture: EngineFixture;
before(async () => {
  fixture = await openEngineFixture();
});
after(() => fixture.remove());

const docker = { rule: 'Bash(docker *)', sandbox: 'off' };

function decide(command: string, policy: object, sandboxed?: false) {
  writeFileSync(policyFile(fixture), JSON.stringify(policy));
  const { workspace, home, engine } = fixture;
  return engine.decide({ command, cwd: workspace, workspace, home, ...(sandboxed === undefined ? {} : { sandboxed }) });
}

const rows: readonly [command: string, sandboxed: boolean, effect: string, note: RegExp | undefined][] = [
  ['docker ps', false, 'allow', /runs outside the sandbox, as `Bash\(docker \*\)` \(.*policy\.json:1:\d+\) says/],
  ['docker ps | grep web | head -1', false, 'allow', /runs outside/],
  ['docker build . && docker push x', false, 'allow', /runs outside/],
  ['docker ps && curl https://a.example', true, 'allow', /stays inside the sandbox: `curl [^`]*` has no rule/],
  ['docker ps; ./deploy', true, 'allow', /stays inside the sandbox: `\.\/deploy`/],
  ['docker ps $(./names)', true, 'allow', /stays inside/],
  ['f() { ./x; }; f; docker ps', true, 'allow', /stays inside/],
  ['{ docker ps; } > out', false, 'ask', /runs outside/],
  ['sudo docker ps', true, 'allow', undefined],
  ['./docker ps', true, 'allow', undefined],
  ['npm test', true, 'allow', undefined],
  ['docker ps "', true, 'ask', undefined],
];

describe('leaving the sandbox', () => {
  for (const [command, sandboxed, effect, note] of rows) {
    test(command, () => {
      const decided = decide(command, { permissions: { allow: [docker] } });
      assert.equal(decided.sandboxed, sandboxed);
      assert.equal(decided.decision.effect, effect);
      const told = decided.decision.notes.filter((line) => /the sandbox[,:]/.test(line));
      if (note === undefined) assert.deepEqual(told, []);
      else assert.match(told.join(), note);
    });
  }

  test('outside, auto-allow has no effect and restrictions hold', () => {
    const permissions = { allow: [docker], deny: ['Bash(docker push *)'], ask: ['Bash(docker rm *)'] };
    assert.equal(decide('docker push x', { permissions }).decision.effect, 'deny');
    assert.equal(decide('docker rm x', { permissions }).decision.effect, 'ask');
    // a file beyond the workspace has no wall any more, so it needs a rule of its own
    assert.equal(decide('docker ps > ../out', { permissions }).decision.effect, 'ask');
  });

  test('a layer that refuses it has the last word', () => {
    const policy = { permissions: { allow: [docker] }, sandbox: { allowUnsandboxed: false } };
    assert.equal(decide('docker ps', policy).sandboxed, true);
    assert.equal(decide('docker ps', { profile: 'strict', permissions: { allow: [docker] } }).sandboxed, true);
    assert.equal(decide('docker ps', { permissions: { allow: [docker], alow: [] } }).sandboxed, true);
  });

  test('a rule for commands inside does not let anything out, nor does one of a project', () => {
    assert.equal(decide('docker ps', { permissions: { allow: ['Bash(docker *)'] } }).sandboxed, true);
    assert.equal(decide('docker ps', { permissions: { allow: [{ ...docker, sandbox: 'required' }] } }).sandboxed, true);
    const project = path.join(fixture.workspace, '.sbx');
    mkdirSync(project);
    writeFileSync(path.join(project, 'policy.json'), JSON.stringify({ permissions: { allow: [docker] } }));
    assert.equal(decide('docker ps', {}).sandboxed, true);
    rmSync(project, { recursive: true });
  });

  test('a session without the sandbox stays without', () => {
    assert.equal(decide('npm test', { permissions: { allow: [docker] } }, false).sandboxed, false);
  });
});
