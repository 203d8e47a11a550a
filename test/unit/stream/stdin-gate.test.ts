import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import test from 'node:test';
import { limits } from '../../../client/protocol/limits.ts';
import { StdinGate } from '../../../daemon/stream/stdin-gate.ts';

test('what came before the start is written first, then the end is passed on', async () => {
  const gate = new StdinGate(() => undefined);
  assert.ok(gate.receive(0, Buffer.from('one ')));
  const target = new PassThrough();
  gate.attach(target);
  assert.ok(gate.receive(4, Buffer.from('two')));
  gate.end();
  let text = '';
  for await (const bytes of target) text += String(bytes);
  assert.equal(text, 'one two');
});

test('the end may come before the start', async () => {
  const gate = new StdinGate(() => undefined);
  gate.end();
  const target = new PassThrough();
  gate.attach(target);
  let text = '';
  for await (const bytes of target) text += String(bytes);
  assert.equal(text, '');
});

test('bytes out of order, after the end, or over the window are refused', () => {
  assert.equal(new StdinGate(() => undefined).receive(1, Buffer.from('x')), false);
  const ended = new StdinGate(() => undefined);
  ended.end();
  assert.equal(ended.receive(0, Buffer.from('x')), false);
  const full = new StdinGate(() => undefined);
  assert.equal(full.receive(0, Buffer.alloc(limits.stdinWindowBytes)), true);
  assert.equal(full.receive(limits.stdinWindowBytes, Buffer.from('x')), false);
  assert.equal(full.receivedBytes, limits.stdinWindowBytes, 'a writer goes on where the refused bytes begin');
});

test('only what the command took is acknowledged', async () => {
  const acknowledged: number[] = [];
  const gate = new StdinGate((bytes) => acknowledged.push(bytes));
  const pending: (() => void)[] = [];
  const slow = new Writable({ write: (_chunk, _encoding, done) => void pending.push(done) });
  gate.attach(slow);
  gate.receive(0, Buffer.from('abc'));
  gate.receive(3, Buffer.from('de'));
  assert.deepEqual(acknowledged, []);
  pending.shift()?.();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(acknowledged, [3]);
});

test('a command that closed its input gives the client room to finish', async () => {
  const acknowledged: number[] = [];
  const gate = new StdinGate((bytes) => acknowledged.push(bytes));
  const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
  gate.attach(broken);
  gate.receive(0, Buffer.from('abc'));
  await new Promise((resolve) => broken.once('close', resolve));
  assert.equal(acknowledged.at(-1), 3);
  assert.equal(gate.receive(3, Buffer.from('more')), true);
});

test('input in single bytes costs no more than its bytes, and empty input nothing', async () => {
  const gate = new StdinGate(() => undefined);
  let writes = 0;
  let text = '';
  const target = new Writable({
    write: (bytes: Buffer, _encoding, done) => {
      writes++;
      text += bytes.toString('latin1');
      setImmediate(done);
    },
  });
  let offset = 0;
  const send = (payload: Buffer) => {
    assert.ok(gate.receive(offset, payload));
    offset += payload.length;
  };
  const large = Buffer.alloc(10_000, 'L');
  for (let at = 0; at < 50_000; at++) send(Buffer.from(String(at % 10)));
  send(large);
  for (let at = 0; at < 50_000; at++) send(Buffer.alloc(0));
  gate.attach(target);
  for (let at = 0; at < 50_000; at++) send(Buffer.from(String(at % 10)));
  gate.end();
  await new Promise((resolve) => target.once('finish', resolve));
  const digits = '0123456789'.repeat(5_000);
  assert.equal(text, `${digits}${large.toString('latin1')}${digits}`);
  assert.ok(writes < 20, `${writes} writes`);
  assert.equal(gate.takenBytes, offset);
});
