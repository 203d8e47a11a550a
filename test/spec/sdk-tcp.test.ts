/** The SDK and a daemon elsewhere, over TCP with a token. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { SandboxClient } from '../../client/index.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

const token = 'a-token-of-thirty-two-characters-0123456789';
let sbx: PrivateSbx;
let url: string;
before(async () => {
  sbx = new PrivateSbx();
  const tokenFile = path.join(sbx.base, 'token');
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  const started = await sbx.call(['daemon', 'start', '--listen', '127.0.0.1:0', '--token-file', tokenFile]);
  assert.equal(started.status, 0, started.stderr);
  const local = await SandboxClient.connect({ env: sbx.env });
  url = (await local.status()).listen ?? '';
  await local.close();
});
after(() => sbx.close());

test('by its address and token, or by what the environment names', async () => {
  for (const options of [{ url, token }, { env: { SBX_DAEMON: url, SBX_TOKEN: token } }]) {
    await using client = await SandboxClient.connect(options);
    await using session = await client.openSession({ cwd: sbx.workspace });
    assert.equal((await session.run('cat', { input: 'over the line' })).stdout, 'over the line');
  }
});

test('another token is refused with a reason, and at once', async () => {
  await assert.rejects(SandboxClient.connect({ url, token: `${token.slice(0, -1)}x` }), { code: 'unauthorized' });
});

test('nothing of this machine’s environment goes there but what is named', async () => {
  const env = { ...sbx.env, LANG: 'C.UTF-8', LC_TIME: 'sv_SE' };
  await using client = await SandboxClient.connect({ url, token, env });
  await using session = await client.openSession({ cwd: sbx.workspace });
  assert.equal((await session.run('echo "$LC_TIME-$NAMED"', { env: { NAMED: 'yes' } })).stdout, '-yes\n');
});

test('a folder is absolute there', async () => {
  await using client = await SandboxClient.connect({ url, token });
  await assert.rejects(client.openSession(), { code: 'bad-usage' });
  await assert.rejects(client.openSession({ cwd: 'here' }), { code: 'bad-usage' });
});
