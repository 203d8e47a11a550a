// The filtered network as its users meet it: flags, policies, refusals, questions. An upstream proxy of the test stands for
// the world.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test, { after, before, beforeEach } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { NetworkUse } from '../../client/protocol/events.ts';
import { cliPath, type Person, PrivateSbx } from '../fixtures/private-sbx.ts';
import { Upstream } from '../fixtures/upstream.ts';

/** A question that never comes must not be waited for. */
const timeout = 60_000;
const sbx = new PrivateSbx();
const upstream = new Upstream();
const hosts = ['web.example', 'other.example'];
const up = '\x1b[A';
const policyFile = path.join(sbx.home, '.config/sbx/policy.json');

before(async () => {
  await upstream.start();
  for (const host of hosts) {
    await upstream.serve(
      `${host}:80`,
      http.createServer((request, response) => {
        if (request.url === '/endless') response.write('begins\n');
        else response.end(`${host} here\n`);
      }),
    );
  }
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY']) sbx.env[name] = upstream.url;
});
after(async () => {
  await sbx.close();
  upstream.close();
});
beforeEach(() => {
  upstream.asked.length = 0;
});

/** Replaces the user's policy; files are looked at again within moments. */
async function setPolicy(policy: object | undefined): Promise<void> {
  mkdirSync(path.dirname(policyFile), { recursive: true });
  if (policy === undefined) rmSync(policyFile, { force: true });
  else writeFileSync(policyFile, JSON.stringify(policy));
  await wait(200);
}

const get = (host = 'web.example') => `curl -sS --fail-with-body http://${host}/`;

test('a host that nothing allows: refused at once where nobody can be asked, with the rule and what would allow it', {
  timeout,
}, async () => {
  const started = performance.now();
  const { status, stderr, out } = await sbx.run(get());
  assert.equal(status, 22, stderr);
  assert.ok(performance.now() - started < 30_000);
  assert.match(out, /"code":"not-approved"/);
  assert.match(stderr, /^sbx: no entry allows `web\.example`/m);
  const how = /sbx (run --net \S+?)[,\n]/.exec(stderr)?.[1];
  assert.ok(how, stderr);
  assert.deepEqual(upstream.asked, []);
  const allowed = await sbx.call([...how.split(' '), get()]);
  assert.equal(allowed.out, 'web.example here\n', allowed.stderr);
  assert.equal(allowed.stderr, '');
  assert.deepEqual(upstream.asked, ['web.example:80']);
  assert.equal((await sbx.run(get())).status, 22, 'the grant was for one run');
});

test('a refusal is no noise after a success', { timeout }, async () => {
  const { status, stderr } = await sbx.run(`${get()} > /dev/null 2>&1; true`);
  assert.equal(status, 0);
  assert.equal(stderr, '');
});

test('--net: hosts with ports, several of them, and nothing else', { timeout }, async () => {
  const both = await sbx.run('--net', 'web.example:80', '--net', '*.example', `${get()}; ${get('other.example')}`);
  assert.equal(both.out, 'web.example here\nother.example here\n', both.stderr);
  const one = await sbx.run('--net', 'web.example', get('other.example'));
  assert.equal(one.status, 22);
  const port = await sbx.run('--net', 'web.example:81', get());
  assert.equal(port.status, 22);
  const usage = await sbx.run('--offline', '--net', 'web.example', 'true');
  assert.notEqual(usage.status, 0);
  assert.match(usage.stderr, /`--offline` and `--net` exclude each other/);
});

test('the policy: allow, deny, default; deny comes before --net, --offline before everything', {
  timeout,
}, async () => {
  await setPolicy({ network: { allow: ['web.example'], deny: ['other.example'], default: 'deny' } });
  try {
    assert.equal((await sbx.run(get())).out, 'web.example here\n');
    const named = await sbx.run('--net', 'other.example', get('other.example'));
    assert.equal(named.status, 126, 'its words say so before it runs');
    assert.match(named.stderr, /^sbx: denied: .*other\.example/);
    const denied = await sbx.run(
      '--net',
      'other.example',
      `node -e "require('http').get('http://oth' + 'er.example/', (r) => r.statusCode === 403 && process.exit(22))"`,
    );
    assert.equal(denied.status, 22);
    assert.match(denied.stderr, /`other\.example` is denied by `other\.example`/);
    const unnamed = await sbx.run(get('third.example'));
    assert.match(unnamed.stderr, /no entry allows `third\.example`/);
    const offline = await sbx.run('--offline', get());
    assert.notEqual(offline.status, 0);
    assert.doesNotMatch(offline.out, /here/);
    assert.deepEqual(upstream.asked, ['web.example:80']);
  } finally {
    await setPolicy(undefined);
  }
});

test('--json tells of every connection', { timeout }, async () => {
  const { out } = await sbx.run('--json', '--net', 'web.example', `${get()}; ${get('other.example')}; true`);
  const events = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly type: string; readonly use?: NetworkUse });
  const uses = events.flatMap(({ type, use }) => (type === 'network' && use !== undefined ? [use] : []));
  assert.deepEqual(
    uses.map(({ host, port, front, allowed, refusal, method, path: of }) => ({
      host,
      port,
      front,
      allowed,
      refusal,
      method,
      of,
    })),
    [
      { host: 'web.example', port: 80, front: 'http', allowed: true, refusal: undefined, method: 'GET', of: '/' },
      {
        host: 'other.example',
        port: 80,
        front: 'http',
        allowed: false,
        refusal: 'not-approved',
        method: 'GET',
        of: '/',
      },
    ],
  );
  assert.ok((uses[0]?.receivedBytes ?? 0) > 'web.example here\n'.length);
});

const question = /Connect to web\.example\?[\s\S]*no/;

async function choose(person: Person, label: RegExp, moves: number): Promise<void> {
  person.type(up.repeat(moves));
  await person.sees(label);
  person.type('\r');
}

test('yes, for this run: the connection that waited goes on, and the next run asks again', { timeout }, async () => {
  for (let round = 0; round < 2; round++) {
    const person = sbx.sit(['run', `${get()}; ${get()}`]);
    await person.sees(question);
    assert.match(person.screen(), /sbx asks before this command connects:/);
    assert.match(person.screen(), /does\s+connects to web\.example/);
    await choose(person, /● yes, for this run/, 3);
    await person.sees(/web\.example here\s+web\.example here/);
    assert.equal(await person.ended, 0);
    assert.equal(person.screen().match(/sbx asks before/g)?.length, 1);
  }
});

test('no: the connection is refused, the command goes on, and it is not asked again', { timeout }, async () => {
  const person = sbx.sit(['run', `${get()}; echo went on; ${get()}`]);
  await person.sees(question);
  person.type('\r');
  await person.sees(/went on/);
  assert.equal(await person.ended, 22);
  assert.equal(person.screen().match(/sbx asks before/g)?.length, 1);
  assert.match(person.screen(), /it was not approved/);
  assert.deepEqual(upstream.asked, []);
});

test('Ctrl-C at the question ends the command', { timeout }, async () => {
  const person = sbx.sit(['run', `${get()}; sleep 60; echo went on`]);
  await person.sees(question);
  person.type('\x03');
  assert.equal(await person.ended, 130);
  assert.doesNotMatch(person.screen().replace(/sbx asks[\s\S]*?folder/, ''), /^went on/m);
  assert.deepEqual(upstream.asked, []);
});

test('two hosts are asked about one after the other', { timeout }, async () => {
  const person = sbx.sit(['run', `${get()} & ${get('other.example')} & wait; wait; echo over`]);
  const [first] = /web|other/.exec(await person.sees(/Connect to (?:web|other)\.example\?[\s\S]*no/)) ?? [];
  await choose(person, /● yes, for this run/, 3);
  const second = first === 'web' ? 'other' : 'web';
  await person.sees(new RegExp(`Connect to ${second}\\.example\\?[\\s\\S]*no`));
  person.type('\r');
  await person.sees(/over/);
  await person.ended;
  assert.deepEqual(upstream.asked, [`${first}.example:80`]);
});

test('while a question stands nothing else is printed, and then everything is', { timeout }, async () => {
  const person = sbx.sit(['run', `${get()} & for i in 1 2 3 4 5 6 7 8 9; do echo tick$i; sleep 0.2; done; wait`]);
  await person.sees(question);
  const before = person.screen();
  await wait(1000);
  assert.equal(person.screen(), before);
  await choose(person, /● yes, for this run/, 3);
  assert.equal(await person.ended, 0);
  const ticks = [...person.screen().matchAll(/^tick(\d)\r?$/gm)].map((match) => match[1]);
  assert.deepEqual(ticks, ['1', '2', '3', '4', '5', '6', '7', '8', '9']);
  assert.match(person.screen(), /web\.example here/);
});

test('the terminal is afterwards as it was', { timeout }, async () => {
  const script = 'stty -g > before; "$@"; stty -g > after; cmp before after && echo the same';
  for (const extra of [['--pty'], ['--no-pty']]) {
    const person = sbx.sit([cliPath, 'run', ...extra, get()], {
      program: ['bash', '-c', script, 'bash', process.execPath],
    });
    await person.sees(question);
    await choose(person, /● yes, for this run/, 3);
    await person.sees(/web\.example here/);
    await person.sees(/the same/);
    assert.equal(await person.ended, 0);
  }
});

test('what was typed before the question does not answer it', { timeout }, async () => {
  const person = sbx.sit(['run', `${get()}; echo "status $?"`]);
  person.type(`${up}${up}${up}\r`);
  await person.sees(question);
  person.type('\r');
  await person.sees(/status 22/);
  await person.ended;
  assert.deepEqual(upstream.asked, []);
});

test('yes, in this session: later runs of it are not asked, other sessions are', { timeout }, async () => {
  const person = sbx.sit(['run', get()]);
  await person.sees(question);
  await choose(person, /● yes, in this session/, 2);
  assert.equal(await person.ended, 0);
  assert.equal((await sbx.run(get())).out, 'web.example here\n');
  assert.equal((await sbx.run('--new-session', get())).status, 22);
  assert.equal((await sbx.run(get('other.example'))).status, 22);
});

test('yes, always: the rule is saved in the file that was named, and holds in every session', { timeout }, async () => {
  const person = sbx.sit(['run', get('other.example')]);
  await person.sees(/Connect to other\.example\?[\s\S]*no/);
  await choose(person, /● yes, always[\s\S]*saved in/, 1);
  assert.equal(await person.ended, 0, person.screen());
  const folder = path.join(sbx.home, '.config/sbx/projects');
  const saved = readFileSync(path.join(folder, readdirSync(folder)[0] ?? ''), 'utf8');
  assert.match(saved, /WebFetch\(domain:other\.example\)/);
  assert.equal((await sbx.run('--new-session', get('other.example'))).out, 'other.example here\n');
});

test('--yes says nothing about hosts, and --no-prompt never asks', { timeout }, async () => {
  for (const flags of [['--yes'], ['--no-prompt']]) {
    const person = sbx.sit(['run', '--new-session', ...flags, `${get()}; echo "status $?"`]);
    await person.sees(/status 22/);
    await person.ended;
    assert.doesNotMatch(person.screen(), /Connect to/);
  }
  assert.deepEqual(upstream.asked, []);
});

test('a daemon that is killed in the middle of a transfer: both ends are cut, and the next one works', {
  timeout,
}, async () => {
  const run = sbx.start(['run', '--net', 'web.example', 'curl -sSN http://web.example/endless']);
  await run.seen(/begins/);
  assert.ok(upstream.open > 0);
  const { pid } = JSON.parse((await sbx.call(['daemon', 'status', '--json'])).out) as { readonly pid: number };
  assert.ok(pid > 1);
  process.kill(pid, 'SIGKILL');
  assert.notEqual((await run.result).status, 0);
  while (upstream.open > 0) await wait(10);
  assert.equal((await sbx.run('--net', 'web.example', get())).out, 'web.example here\n');
});

test('status says through which proxy connections leave, and nobody sees its password', { timeout }, async () => {
  const own = new PrivateSbx();
  try {
    own.env['HTTP_PROXY'] = upstream.url.replace('//', '//ann:secret@');
    const { out } = await own.run('env; curl -sS --max-time 20 http://web.example/; true');
    assert.doesNotMatch(out, /secret/);
    const status = await own.call(['status']);
    assert.match(status.out, /^proxy .*127\.0\.0\.1/m);
    assert.doesNotMatch(status.out, /secret/);
  } finally {
    await own.close();
  }
});

test('a proxy that cannot be used refuses connections, not commands', { timeout }, async () => {
  const own = new PrivateSbx();
  try {
    own.env['ALL_PROXY'] = 'socks5://127.0.0.1:9';
    assert.equal((await own.run('echo works')).out, 'works\n');
    const { status, stderr } = await own.run('--net', 'web.example', get());
    assert.equal(status, 22, stderr);
    assert.match(stderr, /^sbx: .*ALL_PROXY/m);
    assert.match((await own.call(['status'])).out, /^proxy {5}none: /m);
  } finally {
    await own.close();
  }
});
