/**
 * Several hundred runs while connections are cut at random byte positions. The clients know nothing but the wire: they
 * come back, repeat `run.start`, attach where they were, and go on with their input where the daemon says. Every byte and
 * every number is compared.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { encodeFrame } from '../../client/protocol/frames.ts';
import { type CuttingProxy, openCuttingProxy } from '../fixtures/cutting-proxy.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';
import { greeting, RawClient } from '../fixtures/raw-client.ts';

const runs = 300;
const abreast = 8;

/** Mulberry32: the same cuts in every run of the test, others with `SBX_SEED`. */
function createRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

interface Script {
  readonly command: string;
  readonly input: Buffer | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

function lines(count: number, word: string): string {
  return Array.from({ length: count }, (_, index) => `${word} ${index + 1}\n`).join('');
}

function chooseScript(random: (below: number) => number): Script {
  const count = 1 + random(4000);
  const code = random(4);
  switch (random(4)) {
    case 0: {
      const command = `for ((i = 1; i <= ${count}; i++)); do echo "out $i"; done; exit ${code}`;
      return { command, input: undefined, stdout: lines(count, 'out'), stderr: '', code };
    }
    case 1: {
      const few = 1 + (count % 400);
      const command = `for ((i = 1; i <= ${few}; i++)); do echo "out $i"; echo "err $i" >&2; done; exit ${code}`;
      return { command, input: undefined, stdout: lines(few, 'out'), stderr: lines(few, 'err'), code };
    }
    case 2: {
      const text = 'ä€😀'.repeat(count);
      const command = `printf 'ä€😀%.0s' {1..${count}}; exit ${code}`;
      return { command, input: undefined, stdout: text, stderr: '', code };
    }
    default: {
      const input = Buffer.from(lines(count * 20, 'in'));
      return { command: 'cat', input, stdout: input.toString('utf8'), stderr: '', code: 0 };
    }
  }
}

/** One run's client: everything it has seen of the run, over as many connections as it took. */
class ComingBack {
  readonly #runId: string;
  readonly #script: Script;
  readonly #sessionId: string;
  readonly #seen: { readonly stdout: Buffer[]; readonly stderr: Buffer[] } = { stdout: [], stderr: [] };
  #nextSeq = 0;
  #wasAnswered = false;
  connections = 0;

  constructor(runId: string, script: Script, sessionId: string) {
    this.#runId = runId;
    this.#script = script;
    this.#sessionId = sessionId;
  }

  async finish(proxy: CuttingProxy): Promise<void> {
    for (;;) {
      this.connections++;
      const raw = new RawClient(() => net.connect(proxy.path));
      raw.socket.on('error', () => undefined);
      const opened = await once(raw.socket, 'open').then(
        () => true,
        () => false,
      );
      const exit = opened ? await this.#goOn(raw).catch((error) => this.#forgiveCut(raw, error)) : undefined;
      this.#takeOver(raw);
      raw.socket.terminate();
      if (exit !== undefined) {
        assert.equal(exit, this.#script.code);
        return;
      }
    }
  }

  compare(): void {
    const { stdout, stderr } = this.#script;
    assert.equal(Buffer.concat(this.#seen.stdout).toString('utf8'), stdout, `stdout of ${this.#runId}`);
    assert.equal(Buffer.concat(this.#seen.stderr).toString('utf8'), stderr, `stderr of ${this.#runId}`);
  }

  /** Only a cut is forgiven; any other failure is the test's. */
  #forgiveCut(raw: RawClient, error: unknown): undefined {
    if (raw.closed?.code === 1006) return undefined;
    throw error;
  }

  async #goOn(raw: RawClient): Promise<number | undefined> {
    await raw.call(1, 'hello', greeting);
    const opened = await raw.call(2, 'session.open', { sessionId: this.#sessionId });
    assert.ok(opened.result, opened.error?.message);
    const { command, input } = this.#script;
    const answer = this.#wasAnswered
      ? await raw.call(3, 'run.attach', { runId: this.#runId, fromSeq: this.#nextSeq, write: true })
      : await raw.call(3, 'run.start', {
          ...{ runId: this.#runId, command, stdin: input ? 'stream' : 'none', approver: false, autoAllow: true },
          onDisconnect: { keepMs: 60_000 },
        });
    if (answer.error?.data.code === 'writer-taken') {
      // The daemon has not noticed yet that the last connection is gone.
      await new Promise((resolve) => setTimeout(resolve, 5));
      return undefined;
    }
    assert.ok(answer.result, answer.error?.message);
    this.#wasAnswered = answer.result['writer'] === true;
    if (!this.#wasAnswered) return undefined;
    if (input) this.#sendInput(raw, Number(answer.result['run']), Number(answer.result['stdinBytes']), input);
    return (await raw.exit(this.#runId)).code;
  }

  /** All of the rest at once: it fits the window. */
  #sendInput(raw: RawClient, run: number, from: number, input: Buffer): void {
    for (let offset = from; offset < input.length; offset += 40_000) {
      const payload = input.subarray(offset, offset + 40_000);
      raw.socket.send(encodeFrame({ stream: 'stdin', run, seq: 0, offset, payload }));
    }
    raw.send(4, 'run.closeStdin', { runId: this.#runId });
  }

  /** What came over this connection must go on exactly where the last one ended. */
  #takeOver(raw: RawClient): void {
    // An answer that was cut off: what came is of a viewer that starts at 0 again.
    const starts = raw.items.map((item) => ('event' in item ? item.event.seq : 'frame' in item ? item.frame.seq : -1));
    if (starts[0] === 0) {
      this.#nextSeq = 0;
      this.#seen.stdout.length = 0;
      this.#seen.stderr.length = 0;
    }
    for (const item of raw.items) {
      assert.ok(!('gap' in item), 'nothing is missing');
      const { seq } = 'event' in item ? item.event : item.frame;
      assert.equal(seq, this.#nextSeq, `the next number of ${this.#runId}`);
      this.#nextSeq++;
      if (!('frame' in item) || (item.frame.stream !== 'stdout' && item.frame.stream !== 'stderr')) continue;
      const seen = this.#seen[item.frame.stream];
      const bytes = seen.reduce((sum, { length }) => sum + length, 0);
      assert.equal(item.frame.offset, bytes, `the next byte of ${this.#runId}`);
      seen.push(item.frame.payload);
    }
  }
}

test(`${runs} runs over connections that are cut: every byte and every number arrives`, async () => {
  const random = createRandom(Number(process.env['SBX_SEED'] ?? 20261121));
  const sbx = new PrivateSbx();
  try {
    assert.equal((await sbx.run('true')).status, 0);
    const anchor = await RawClient.open(sbx.socket);
    await anchor.call(1, 'hello', greeting);
    const opened = await anchor.call(2, 'session.open', { cwd: sbx.workspace, fresh: true });
    const sessionId = String(opened.result?.['sessionId']);
    // Cuts from within the handshake to far into the output; the fewest bytes that get anywhere are about 1,500.
    const proxy = await openCuttingProxy(path.join(sbx.runtime, 'cut.sock'), sbx.socket, () =>
      random(5) === 0 ? undefined : 200 + random(1 + random(60_000)),
    );
    const clients = Array.from(
      { length: runs },
      (_, index) => new ComingBack(`chaos-${index}`, chooseScript(random), sessionId),
    );
    const waiting = [...clients];
    await Promise.all(
      Array.from({ length: abreast }, async () => {
        for (let client = waiting.pop(); client; client = waiting.pop()) await client.finish(proxy);
      }),
    );
    for (const client of clients) client.compare();
    const connections = clients.reduce((sum, client) => sum + client.connections, 0);
    assert.ok(proxy.cuts() > runs, `only ${proxy.cuts()} cuts over ${connections} connections`);
    await proxy.close();
    assert.equal((await anchor.call(3, 'status')).result?.['liveRuns'], 0);
    // The last ones may still be on their way to the daemon; a connection that it never gives up would fail the test's time.
    for (let id = 4; (await anchor.call(id, 'status')).result?.['clients'] !== 1; id++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    anchor.socket.close();
  } finally {
    await sbx.close();
  }
});
