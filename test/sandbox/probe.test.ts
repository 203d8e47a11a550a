/** The probe says what is true of this machine, and knows the inside of a sandbox. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { test } from 'node:test';
import { sessionMountSource } from '../../client/protocol/inside.ts';
import { parseMountTable } from '../../daemon/platform/mount-table.ts';
import { isInsideSandbox } from '../../daemon/sandbox/doctor/inside.ts';
import { probeSandbox } from '../../daemon/sandbox/doctor/probe.ts';
import { explainAbsence, findRunGroups } from '../../daemon/sandbox/groups/run-groups.ts';
import { listTestAccounts, makePlace, openPlace, run } from '../fixtures/sandbox-session.ts';

test('every mechanism works here, and each was tried', async () => {
  const result = await probeSandbox();
  assert.deepEqual(
    result.checks.filter((check) => !check.ok && check.name !== 'limits'),
    [],
  );
  // whether a run's memory can be counted is the machine's choice; what is absent is said
  const limits = result.checks.find((check) => check.name === 'limits');
  const absent = explainAbsence(findRunGroups(), 'memory') ?? explainAbsence(findRunGroups(), 'pids');
  assert.deepEqual([limits?.ok, limits?.help], [absent === undefined, absent?.help]);
  assert.equal(result.available, true);
  assert.deepEqual(
    result.checks.map((check) => check.name),
    [
      'platform',
      'nesting',
      'tools',
      'user namespaces',
      'mounts',
      'system call filter',
      'nested namespaces',
      'limits',
      'a command',
      'network',
      'host sockets',
      'host mounts',
    ],
  );
});

test('the mount table of a command shows that it is inside', async () => {
  const [account] = listTestAccounts();
  assert.ok(account);
  const place = makePlace(account);
  const session = await openPlace(place);
  const inside = parseMountTable((await run(session, 'cat /proc/self/mountinfo')).stdout);
  assert.equal(
    inside.some((mount) => mount.source === sessionMountSource),
    true,
  );
  assert.equal(isInsideSandbox(), false);
  await session.close();
  place.remove();
});

// Node marks what it inherits up to 15 by itself, so the test uses higher ones
test('descriptors without close-on-exec are found and closed, the kept one stays', async () => {
  const code = `
    const { closeInheritedDescriptors } = await import(process.argv[1]);
    const fs = await import('node:fs');
    closeInheritedDescriptors([201]);
    const { execFileSync } = await import('node:child_process');
    console.log([200, 201, 202].map((fd) => fs.existsSync('/proc/self/fd/' + fd)).join());
    process.stdout.write(execFileSync('ls', ['/proc/self/fd'], { stdio: ['ignore', 'pipe', 'inherit'] }));
  `;
  const bundle = execFileSync(
    'npx',
    ['esbuild', 'daemon/platform/descriptors.ts', '--bundle', '--format=esm', '--platform=node', '--log-level=error'],
    { encoding: 'utf8' },
  );
  const module = `data:text/javascript;base64,${Buffer.from(bundle).toString('base64')}`;
  const script = `exec 200</etc/passwd 201</dev/null 202</; exec "$0" --input-type=module -e "$1" "$2"`;
  const child = spawn('bash', ['-c', script, process.execPath, code, module], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) output += chunk;
  assert.equal(output, 'false,true,false\n0\n1\n2\n201\n3\n');
});
