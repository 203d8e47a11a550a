/** Ways out that were found by trying, each with the ordinary use beside it that must keep working. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { readArguments, readChildren, sendSignal } from '../../daemon/platform/process-tree.ts';
import type { SandboxProcess } from '../../daemon/sandbox/model.ts';
import { starterScript } from '../../daemon/sandbox/template/starter.ts';
import {
  listTestAccounts,
  makePlace,
  openPlace,
  readAll,
  run,
  start,
  waitForOutput,
} from '../fixtures/sandbox-session.ts';

/** Processes that carry commands of this test's sessions: the starter of each session makes them. */
function listCarriers(): number[] {
  const below = (pid: number): number[] => readChildren(pid).flatMap((child) => [child, ...below(child)]);
  const starters = below(process.pid).filter((pid) => readArguments(pid)[4] === starterScript);
  return starters.flatMap(readChildren).filter((pid) => readArguments(pid).some((arg) => arg.endsWith('/bwrap')));
}

async function outcome(started: SandboxProcess): Promise<string> {
  const late = new Promise<string>((resolve) => setTimeout(() => resolve('still running'), 8000).unref());
  return Promise.race([started.exit.then(({ signal }) => `ended by ${signal}`), late]);
}

for (const account of listTestAccounts()) {
  describe(`adversary as ${account.name}`, { timeout: 90_000 }, () => {
    test('a command that keeps founding process groups and ignores TERM is stopped', async () => {
      const place = makePlace(account);
      const session = await openPlace(place);
      // a dozen live processes at most: each starts the next in a group of its own and ends a moment later
      const program =
        '$SIG{TERM} = "IGNORE"; print "ready\\n"; fork for 1..3; for (;;) { if (fork) { select undef, undef, undef, 0.02; exit } setsid }';
      const started = await start(session, `trap "" TERM; perl -MPOSIX=setsid -e '$| = 1; ${program}' & sleep 100`);
      await waitForOutput(started, 'ready');
      started.stop(200);
      assert.equal(await outcome(started), 'ended by SIGKILL');
      assert.equal((await run(session, 'echo next')).stdout, 'next\n');
      await session.close();
      place.remove();
    });

    test('a command whose output another command holds open ends all the same', async () => {
      const place = makePlace(account);
      const session = await openPlace(place);
      const keeper = await start(
        session,
        `exec python3 -c 'import socket, time
s = socket.socket(socket.AF_UNIX); s.bind("keeper"); s.listen(); print("ready", flush=True)
c, _ = s.accept(); kept = socket.recv_fds(c, 1, 2); time.sleep(100)'`,
      );
      await waitForOutput(keeper, 'ready');
      const giver = await start(
        session,
        `exec python3 -c 'import socket
print("said"); s = socket.socket(socket.AF_UNIX); s.connect("keeper"); socket.send_fds(s, [b"x"], [1, 2])'`,
      );
      const late = new Promise<string>((resolve) => setTimeout(() => resolve('still open'), 5000).unref());
      const text = Promise.all([readAll(giver.stdout).catch(String), readAll(giver.stderr).catch(String)]);
      assert.notEqual(await Promise.race([text, late]), 'still open');
      keeper.stop(0);
      await keeper.exit;
      const large = await run(session, 'head -c 3000000 /dev/zero; echo end >&2');
      assert.deepEqual([large.stdout.length, large.stderr], [3_000_000, 'end\n']);
      await session.close();
      place.remove();
    });

    test('a link to credentials that comes to lead elsewhere makes the template stale', async () => {
      const place = makePlace(account);
      const at = (name: string): string => path.join(place.home, name);
      place.write(at('dotfiles/kube1/config'), 'SECRET');
      symlinkSync('dotfiles/kube1', at('.kube'));
      place.write(at('settings/gh/hosts.yml'), 'SECRET');
      place.write(at('.netrc'), 'SECRET');
      symlinkSync('settings', at('.config'));
      const session = await openPlace(place);
      place.write(at('.netrc.new'), 'SECRET');
      renameSync(at('.netrc.new'), at('.netrc'));
      assert.equal(session.isCurrent(), true, 'a file of credentials that is replaced stays hidden');
      place.write(at('dotfiles/kube2/config'), 'SECRET');
      unlinkSync(at('.kube'));
      symlinkSync('dotfiles/kube2', at('.kube'));
      assert.equal(session.isCurrent(), false);
      await session.close();
      const next = await openPlace(place);
      const read = 'cat ~/.kube/config ~/dotfiles/kube2/config ~/.config/gh/hosts.yml ~/settings/gh/hosts.yml';
      assert.equal((await run(next, read)).stdout, '');
      mkdirSync(at('settings2'));
      place.write(at('settings2/gh/hosts.yml'), 'SECRET');
      unlinkSync(at('.config'));
      symlinkSync('settings2', at('.config'));
      assert.equal(next.isCurrent(), false);
      await next.close();
      place.remove();
    });

    test('a command runs in a home, without a workspace, wherever the home lies', async () => {
      for (const folder of ['/var/tmp', '/tmp', ...(process.getuid?.() === 0 ? ['/srv'] : [])]) {
        const place = makePlace(account, { home: 'home', workspace: 'work' }, folder);
        place.write(path.join(place.home, 'plain'), 'plain');
        place.write(path.join(place.home, '.netrc'), 'SECRET');
        const session = await openPlace(place, { workspace: undefined });
        const result = await run(session, 'pwd; cat plain .netrc; : >made; : >/tmp/made && echo tmp', {
          cwd: place.home,
        });
        assert.equal(result.stdout, `${place.home}\nplaintmp\n`, folder);
        assert.equal(result.failure, undefined);
        await session.close();
        place.remove();
      }
    });

    test('a host service that opens a socket where commands could reach it makes the template stale', async () => {
      const place = makePlace(account);
      const session = await openPlace(place);
      assert.equal(session.isCurrent(), true);
      const server = net.createServer(() => {});
      await new Promise<void>((resolve) => server.listen(path.join(place.workspace, 'service.sock'), resolve));
      await new Promise((resolve) => setTimeout(resolve, 600));
      assert.equal(session.isCurrent(), false);
      await session.close();
      const next = await openPlace(place);
      const connect = `perl -MIO::Socket::UNIX -e 'print IO::Socket::UNIX->new(Peer => "service.sock") ? "reached" : "blocked"'`;
      assert.equal((await run(next, connect)).stdout, 'blocked');
      await next.close();
      server.close();
      place.remove();
    });

    test('a carrier killed from outside leaves nothing running', async () => {
      const place = makePlace(account);
      const session = await openPlace(place);
      const marker = `${4000 + Math.floor(Math.random() * 1e6)}.25`;
      for (let delay = 0; delay < 12; delay++) {
        const started = await start(session, `sleep ${marker}`);
        let ended = false;
        const exit = started.exit.then(() => {
          ended = true;
        });
        for (let wait = delay; !ended; wait = 1) {
          await new Promise((resolve) => setTimeout(resolve, wait));
          for (const pid of listCarriers()) sendSignal(pid, 'SIGKILL');
        }
        await exit;
      }
      const left = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line.includes(marker));
      assert.deepEqual(left, []);
      assert.equal((await run(session, 'echo next')).stdout, 'next\n');
      await session.close();
      place.remove();
    });

    test('a git folder that .git leads to inside the workspace is as protected as one in place', async () => {
      for (const kind of ['link', 'file'] as const) {
        const place = makePlace(account);
        const at = (name: string): string => path.join(place.workspace, name);
        place.write(at('data/git/config'), '[core]\n');
        place.write(at('data/git/hooks/x.sample'), '');
        place.write(at('data/git/HEAD'), 'ref: refs/heads/main\n');
        if (kind === 'link') symlinkSync('data/git', at('.git'));
        else place.write(at('.git'), 'gitdir: data/git\n');
        const session = await openPlace(place);
        const hostile =
          '( echo x >>data/git/config; echo x >data/git/hooks/pre-commit; mv data/git g; mv data d ) 2>/dev/null; echo x >data/git/x && echo made; : >data/free && echo free';
        assert.equal((await run(session, hostile, { git: 'read-only' })).stdout, 'free\n', kind);
        const staged = await start(session, hostile);
        assert.equal((await readAll(staged.stdout)).toString(), 'made\nfree\n', kind);
        await staged.aftermath;
        assert.equal(existsSync(at('data/git/hooks/pre-commit')), false, kind);
        assert.equal(existsSync(at('data/git/x')), false, kind);
        assert.equal(readFileSync(at('data/git/config'), 'utf8'), '[core]\n', kind);
        await session.close();
        place.remove();
      }
    });

    if (process.getuid?.() === 0) {
      test('credentials of a further home are hidden too', async () => {
        const place = makePlace(account);
        const other = makePlace(account, { home: 'home', workspace: 'work' }, '/srv');
        other.write(path.join(other.home, '.netrc'), 'SECRET');
        other.write(path.join(other.home, 'plain'), 'plain');
        const session = await openPlace(place, { otherHomes: [other.home] });
        assert.equal((await run(session, `cat ${other.home}/.netrc ${other.home}/plain`)).stdout, 'plain');
        await session.close();
        place.remove();
        other.remove();
      });

      test('a credential is hidden at every path of its file system', async () => {
        const place = makePlace(account, { home: 'home', workspace: 'work' }, '/srv');
        place.write(path.join(place.home, '.netrc'), 'SECRET');
        place.write(path.join(place.home, 'plain'), 'plain');
        const second = `${place.folder}/second`;
        mkdirSync(second);
        execFileSync('mount', ['--bind', place.home, second]);
        try {
          const session = await openPlace(place);
          assert.equal((await run(session, `cat ${second}/.netrc ${second}/plain`)).stdout, 'plain');
          place.write(path.join(place.home, '.npmrc'), 'SECRET');
          assert.equal((await run(session, `cat ${second}/.npmrc`)).stdout, '');
          await session.close();
        } finally {
          execFileSync('umount', [second]);
        }
        rmSync(second, { recursive: true });
        place.remove();
      });
    }
  });
}
