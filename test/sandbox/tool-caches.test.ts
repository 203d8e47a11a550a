/** What the host has cached can be used inside; what a command writes to a cache never reaches the host's. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { loadSessionData } from '../../daemon/platform/session-data.ts';
import type { SandboxSession } from '../../daemon/sandbox/model.ts';
import { cacheEnvironment, insideCacheFolder } from '../../daemon/sandbox/plan/tool-caches.ts';
import { listTestAccounts, makePlace, openPlace, type Place, run } from '../fixtures/sandbox-session.ts';

const { toolCaches } = loadSessionData();
const env = Object.fromEntries(cacheEnvironment(toolCaches, insideCacheFolder));

function openWithCaches(place: Place, slot = 0): Promise<SandboxSession> {
  const source = path.join(place.home, '.cache/sbx/workspaces/1');
  if (!existsSync(source)) place.write(path.join(source, 'made'), '');
  return openPlace(place, {
    caches: { source, slot, caches: toolCaches },
    denyRead: [path.join(place.home, '.cache/sbx')],
  });
}

/** A package registry with one package, and the npm of the host that has it in its cache afterwards. */
async function cachePackage(place: Place): Promise<void> {
  const folder = path.join(place.folder, 'made');
  mkdirSync(path.join(folder, 'package'), { recursive: true });
  writeFileSync(path.join(folder, 'package/package.json'), '{"name":"tiny-answer","version":"1.0.0","main":"a.js"}');
  writeFileSync(path.join(folder, 'package/a.js'), 'module.exports = 42;');
  execFileSync('tar', ['czf', 'p.tgz', 'package'], { cwd: folder });
  const tarball = readFileSync(path.join(folder, 'p.tgz'));
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const server = http.createServer((request, response) => {
    if (request.url?.endsWith('.tgz')) return response.end(tarball);
    const dist = { tarball: `http://127.0.0.1:${port}/p.tgz`, integrity };
    const version = { name: 'tiny-answer', version: '1.0.0', main: 'a.js', dist };
    return response.end(
      JSON.stringify({ name: 'tiny-answer', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  place.write(path.join(place.workspace, 'package.json'), '{"name":"app","version":"1.0.0"}');
  const { spawn } = await import('node:child_process');
  const installing = spawn(
    'npm',
    ['install', 'tiny-answer', '--no-audit', '--no-fund', `--registry=http://127.0.0.1:${port}`],
    { cwd: place.workspace, env: { PATH: process.env['PATH'], HOME: place.home }, stdio: 'ignore' },
  );
  await new Promise((resolve) => installing.once('close', resolve));
  server.close();
  execFileSync('chown', ['-R', `${place.account.uid}:${place.account.gid}`, place.home, place.workspace]);
}

const hasNpm = spawnSync('npm', ['--version']).status === 0;

for (const account of listTestAccounts()) {
  describe(`tool caches as ${account.name}`, { timeout: 120_000 }, () => {
    test('what the host has is there, what a command writes stays with the workspace', async () => {
      const place = makePlace(account);
      const at = (name: string): string => path.join(place.home, name);
      place.write(at('.npm/kept'), 'host');
      place.write(at('.cache/pip/wheel'), 'host');
      place.write(at('.m2/repository/a.jar'), 'host');
      const session = await openWithCaches(place);
      const seen = await run(session, 'cat $npm_config_cache/kept $XDG_CACHE_HOME/pip/wheel ~/.m2/repository/a.jar', {
        env,
      });
      assert.deepEqual([seen.stdout, seen.stderr], ['hosthosthost', '']);
      const written = await run(
        session,
        'cd $npm_config_cache && echo evil >kept && echo evil >new && rm -r $XDG_CACHE_HOME/pip && echo evil >~/.m2/repository/a.jar && cat kept new',
        { env },
      );
      assert.deepEqual([written.stdout, written.stderr], ['evil\nevil\n', '']);
      assert.equal(readFileSync(at('.npm/kept'), 'utf8'), 'host');
      assert.equal(readFileSync(at('.cache/pip/wheel'), 'utf8'), 'host');
      assert.equal(readFileSync(at('.m2/repository/a.jar'), 'utf8'), 'host');
      assert.equal(existsSync(at('.npm/new')), false);
      await session.close();
      const next = await openWithCaches(place);
      assert.equal((await run(next, 'cat $npm_config_cache/new', { env })).stdout, 'evil\n');
      await next.close();
      place.remove();
    });

    test('a cache that the host has not is the workspace’s own', async () => {
      const place = makePlace(account);
      const session = await openWithCaches(place);
      const { stdout, stderr } = await run(
        session,
        'for v in XDG_CACHE_HOME npm_config_cache GOMODCACHE CARGO_HOME; do echo x >${!v}/x && cat ${!v}/x; done; echo z >~/.m2',
        { env },
      );
      assert.equal(stdout, 'x\nx\nx\nx\n');
      assert.match(stderr, /\.m2: Read-only file system/);
      assert.equal(existsSync(path.join(place.home, '.m2')), false);
      await session.close();
      place.remove();
    });

    test('credentials among a cache stay hidden through it, and so does what sbx keeps', async () => {
      const place = makePlace(account);
      const at = (name: string): string => path.join(place.home, name);
      place.write(at('.cargo/credentials.toml'), 'SECRET');
      place.write(at('.cargo/config.toml'), 'shown');
      place.write(at('.gradle/gradle.properties'), 'SECRET');
      place.write(at('.cache/app/a'), 'shown');
      const session = await openWithCaches(place);
      const { stdout } = await run(
        session,
        'cat $CARGO_HOME/config.toml $XDG_CACHE_HOME/app/a; cat $CARGO_HOME/credentials.toml $GRADLE_USER_HOME/gradle.properties; ls -A $XDG_CACHE_HOME/sbx; find /run/.sbx-stash',
        { env },
      );
      assert.equal(stdout, 'shownshown');
      await session.close();
      place.remove();
    });

    test('a cache behind a link, and one with a mount of a hidden file in it, is no layer', async () => {
      const place = makePlace(account);
      const at = (name: string): string => path.join(place.home, name);
      place.write(at('elsewhere/x'), 'linked');
      execFileSync('ln', ['-s', 'elsewhere', at('.npm')]);
      const session = await openWithCaches(place);
      const { stdout } = await run(
        session,
        'ls $npm_config_cache; echo x >$npm_config_cache/mine; ls $npm_config_cache',
        { env },
      );
      assert.equal(stdout, 'mine\n');
      await session.close();
      place.remove();
    });

    test('two sessions of one workspace at once have a layer each', async () => {
      const place = makePlace(account);
      place.write(path.join(place.home, '.npm/kept'), 'host');
      const [one, two] = [await openWithCaches(place, 0), await openWithCaches(place, 1)];
      await run(one, 'echo one >$npm_config_cache/kept', { env });
      assert.equal((await run(two, 'cat $npm_config_cache/kept', { env })).stdout, 'host');
      assert.equal((await run(one, 'cat $npm_config_cache/kept', { env })).stdout, 'one\n');
      await Promise.all([one.close(), two.close()]);
      place.remove();
    });

    test('npm ci of what the host has cached works without a network', { skip: !hasNpm }, async () => {
      const place = makePlace(account);
      await cachePackage(place);
      const session = await openWithCaches(place);
      const installed = await run(
        session,
        'rm -rf node_modules && npm ci --offline --no-audit && node -p "require(\'tiny-answer\')"',
        { env },
      );
      assert.match(installed.stdout, /42\n$/, installed.stderr);
      const listing = (): string =>
        execFileSync('find', ['.npm/_cacache', '-type', 'f'], { cwd: place.home, encoding: 'utf8' });
      const before = listing();
      await run(session, 'npm cache clean --force; echo evil >$npm_config_cache/_cacache/evil', { env });
      assert.equal(listing(), before);
      await session.close();
      place.remove();
    });
  });
}
