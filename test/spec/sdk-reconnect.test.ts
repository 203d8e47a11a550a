/** Lines that are cut at random byte positions, in both directions, under runs of a real daemon: nothing may show it. */
import assert from 'node:assert/strict';
import { createHash, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { RunError, SandboxClient } from '../../client/index.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

/** Stands between a client and the daemon; every line through it is cut after so many bytes in one direction. */
class CuttingLine {
  readonly env: Record<string, string>;
  readonly #server: net.Server;
  readonly #open = new Set<net.Socket>();
  cuts = 0;
  /** Bytes until the next line is cut; undefined: never. */
  patience: (() => number) | undefined;

  constructor(sbx: PrivateSbx, name: string) {
    const runtime = path.join(sbx.base, name);
    mkdirSync(path.join(runtime, 'sbx'), { recursive: true, mode: 0o700 });
    this.env = { ...sbx.env, XDG_RUNTIME_DIR: runtime };
    this.#server = net.createServer((near) => {
      const far = net.connect(sbx.socket);
      const patience = this.patience?.() ?? Number.POSITIVE_INFINITY;
      const ends = [near, far];
      for (const end of ends) {
        this.#open.add(end);
        end.on('error', () => undefined);
        end.on('close', () => {
          this.#open.delete(end);
          for (const other of ends) other.destroy();
        });
      }
      this.#carry(near, far, patience);
      this.#carry(far, near, patience);
    });
    this.#server.listen(path.join(runtime, 'sbx', 'sbxd.sock'));
  }

  #carry(from: net.Socket, to: net.Socket, patience: number): void {
    let left = patience;
    from.on('data', (bytes: Buffer) => {
      if (bytes.length < left) {
        left -= bytes.length;
        if (!to.write(bytes)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
        return;
      }
      this.cuts++;
      to.end(bytes.subarray(0, left));
      from.destroy();
    });
  }

  async ready(): Promise<this> {
    if (!this.#server.listening) await once(this.#server, 'listening');
    return this;
  }

  cutAll(): void {
    for (const end of this.#open) end.destroy();
  }

  close(): void {
    this.#server.close();
    this.cutAll();
  }
}

let sbx: PrivateSbx;
before(async () => {
  sbx = new PrivateSbx();
  assert.equal((await sbx.run('true')).status, 0);
});
after(() => sbx.close());

const digest = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

test('runs whose lines are cut again and again lose no byte, no event and no input', { timeout: 120_000 }, async () => {
  const line = await new CuttingLine(sbx, 'cut').ready();
  await using client = await SandboxClient.connect({ env: line.env });
  await using session = await client.openSession({ cwd: sbx.workspace });
  // Far enough for the requests that follow a reconnect, so that each line gets something done.
  line.patience = () => randomInt(40_000, 600_000);
  line.cutAll();
  // More than the window: it goes on only when the daemon says again what was taken before the cut.
  const input = Buffer.alloc(3_000_000, 'grüße, ');
  const expected = Array.from({ length: 60_000 }, (_, index) => `${index} ü\n`).join('');
  const count = 24;
  let cuts = 0;
  const runOne = async (index: number) => {
    if (index % 3 === 0) {
      const { stdout, gaps } = await session.run('cat', { input, encoding: 'buffer' });
      assert.equal(digest(stdout), digest(input), `run ${index}`);
      assert.deepEqual(gaps, []);
      return;
    }
    let text = '';
    let due = 0;
    const run = session.run('for ((i = 0; i < 60000; i++)); do echo "$i ü"; done');
    for await (const event of run) {
      assert.equal(event.seq, due++, `run ${index}`);
      if (event.type === 'output') text += event.text;
    }
    assert.equal(digest(text), digest(expected), `run ${index}`);
    assert.equal((await run).exit.code, 0);
  };
  for (let from = 0; from < count; from += 4) {
    await Promise.all(Array.from({ length: 4 }, (_, index) => runOne(from + index)));
    cuts = line.cuts;
  }
  assert.ok(cuts > count / 2, `only ${cuts} cuts`);
  line.patience = undefined;
  line.close();
});

test('cut in the middle of a question, it is asked once and its answer counts', async () => {
  const line = await new CuttingLine(sbx, 'ask').ready();
  let asked = 0;
  await using client = await SandboxClient.connect({
    env: line.env,
    onApproval: async () => {
      asked++;
      line.cutAll();
      return 'once' as const;
    },
  });
  await using session = await client.openSession({ cwd: sbx.workspace, autoAllow: false });
  assert.equal((await session.run('touch made && ls made')).stdout, 'made\n');
  assert.equal(asked, 1);
  line.close();
});

test('the folder, the variables and the grants of a session survive a cut', async () => {
  const line = await new CuttingLine(sbx, 'state').ready();
  await using client = await SandboxClient.connect({ env: line.env });
  await using session = await client.openSession({ cwd: sbx.workspace, env: { WHO: 'me' } });
  await session.run('mkdir -p sub && cd sub && echo x > /tmp/mine');
  line.cutAll();
  assert.equal(
    (await session.run('pwd; echo $WHO; cat /tmp/mine')).stdout,
    `${path.join(sbx.workspace, 'sub')}\nme\nx\n`,
  );
  line.close();
});

test('the daemon ends: every run says lost or stopped, none says it succeeded', async () => {
  const own = new PrivateSbx();
  try {
    assert.equal((await own.run('true')).status, 0);
    const client = await SandboxClient.connect({ env: own.env });
    const session = await client.openSession({ cwd: own.workspace });
    const run = session.run('echo begun; sleep 60');
    for await (const event of run) if (event.type === 'output') break;
    const { pid } = await client.status();
    process.kill(pid, 'SIGKILL');
    await assert.rejects(
      async () => run,
      (error) => error instanceof RunError && error.code === 'daemon-lost',
    );
    await assert.rejects(async () => session.run('true'), { code: 'daemon-lost' });
    await client.close();
  } finally {
    await own.close();
  }
});
