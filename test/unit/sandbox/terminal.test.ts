/** Terminal delivery without a sandbox around it: who ends it, and what a full or an empty terminal does to the daemon. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import { closeInheritedDescriptors, findInheritableDescriptors } from '../../../daemon/platform/descriptors.ts';
import { findTool, openTerminal, startProcess } from '../../../daemon/platform/spawn.ts';
import { deliverTerminal, leadTerminal } from '../../../daemon/sandbox/command/terminal.ts';

// as the daemon does at its start: whoever started the tests may have left something open
closeInheritedDescriptors();

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const bash = findTool('bash') ?? '';

function lead(command: string) {
  const terminal = openTerminal(80, 24, owner);
  const argv = leadTerminal({ bash, setsid: findTool('setsid') ?? '', env: undefined });
  const leader = startProcess([...argv, bash, '--norc', '--noprofile', '-c', command], {
    stdio: [terminal.slave, terminal.slave, 'pipe'],
  });
  terminal.closeSlave();
  const delivery = deliverTerminal(terminal, leader.streams[2]);
  let text = '';
  delivery.onData((chunk) => {
    text += chunk.toString();
  });
  return { ...delivery, leader, text: () => text };
}

describe('terminal', { timeout: 20_000 }, () => {
  test('what is left is taken without waiting, and an empty terminal gives nothing', () => {
    const terminal = openTerminal(80, 24, owner);
    assert.equal(terminal.takeRest().length, 0);
    writeSync(terminal.slave, 'x'.repeat(3000));
    assert.equal(terminal.takeRest().toString(), 'x'.repeat(3000));
    assert.equal(terminal.takeRest().length, 0);
    terminal.close();
    assert.equal(terminal.takeRest().length, 0);
  });

  test('a full terminal takes nothing more, and says so', () => {
    const terminal = openTerminal(80, 24, owner);
    const bytes = Buffer.alloc(100_000, 'x\n');
    const taken = terminal.type(bytes);
    assert.ok(taken > 0 && taken < bytes.length);
    terminal.close();
    assert.equal(terminal.type(bytes), bytes.length);
  });

  test('a program has no other terminal, and what it was given under the number of one', async () => {
    const before = findInheritableDescriptors();
    const terminal = openTerminal(80, 24, owner);
    const [master = Number.NaN] = findInheritableDescriptors().filter((each) => !before.includes(each));
    const look = async (stdio: readonly ('ignore' | 'pipe')[]): Promise<string> => {
      const { streams, exit } = startProcess([bash, '-c', `readlink /proc/self/fd/${master} || echo none`], { stdio });
      let text = '';
      streams[1]?.on('data', (chunk) => {
        text += chunk;
      });
      await Promise.all([exit, once(streams[1] as Duplex, 'close')]);
      return text;
    };
    assert.equal(await look(['ignore', 'pipe', 'ignore']), 'none\n');
    const wide = Array.from({ length: master + 1 }, (_, each) => (each === 1 || each === master ? 'pipe' : 'ignore'));
    assert.match(await look(wide), /^socket:/);
    terminal.close();
  });

  const ends: readonly [command: string, code: number | undefined, signal: string | undefined][] = [
    ['exit 0', 0, undefined],
    ['exit 9', 9, undefined],
    ['kill -TERM $$', 143, undefined],
    ['kill -KILL $$', undefined, 'SIGKILL'],
  ];
  for (const [command, code, signal] of ends) {
    test(`the leader ends as its program: ${command}`, async () => {
      const run = lead(`echo said; ${command}`);
      assert.deepEqual(await run.leader.exit, { code, signal });
      await run.ended;
      assert.equal(run.text(), 'said\r\n');
    });
  }

  test('the program has neither the report pipe nor signals that the leader catches', async () => {
    const run = lead('stty -opost; ls /proc/self/fd | tr "\\n" " "; trap; grep SigIgn /proc/self/status');
    await run.ended;
    assert.equal(run.text(), '0 1 2 3 SigIgn:\t0000000000000000\n');
  });

  test('a process that keeps the terminal does not keep its end', async () => {
    const run = lead('setsid sleep 30 & echo $!');
    await run.ended;
    assert.equal((await run.leader.exit).code, 0);
    process.kill(Number(run.text()), 'SIGKILL');
  });

  test('the terminal ends when its leader is killed', async () => {
    const run = lead('echo ready; sleep 30');
    await new Promise<void>((resolve) => run.onData(() => resolve()));
    run.leader.kill('SIGKILL');
    await run.ended;
    assert.equal(run.text(), 'ready\r\n');
    await run.write(Buffer.from('late'));
    run.resize(1, 1);
  });
});
