/** A home that the policy hides: nothing of it is seen by any name, while tools, git and the workspace in it work. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, lchownSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parsePolicy } from '../../daemon/decide/policy-text.ts';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';
import { loadSessionData } from '../../daemon/platform/session-data.ts';
import type { SandboxSession } from '../../daemon/sandbox/model.ts';
import { asAccount } from '../../daemon/sandbox/plan/account.ts';
import type { SessionInput } from '../../daemon/sandbox/plan/input.ts';
import { cacheEnvironment, insideCacheFolder } from '../../daemon/sandbox/plan/tool-caches.ts';
import { requireTool } from '../../daemon/sandbox/tools.ts';
import { filePolicy, type Layer, readLayer } from '../fixtures/file-policy.ts';
import { listTestAccounts, makePlace, openPlace, type Place, run } from '../fixtures/sandbox-session.ts';

const profile = path.join(findPackageRoot(), 'policies/profiles/strict.jsonc');
const strict = parsePolicy(readFileSync(profile, 'utf8'), {
  ...{ layer: 'built-in', file: profile, anchor: '/policies', home: '/home/ann' },
} as const);
const { toolCaches } = loadSessionData();

for (const account of listTestAccounts()) {
  describe(`a hidden home as ${account.name}`, { timeout: 120_000 }, () => {
    let place: Place;
    let linked: string;
    const at = (name: string): string => path.join(place.home, name);
    const link = (target: string, name: string): void => {
      symlinkSync(target, name);
      lchownSync(name, account.uid, account.gid);
    };
    const open = (
      policy: object,
      input: Partial<SessionInput> = {},
      layer: Layer = 'user',
      below = [strict],
    ): Promise<SandboxSession> =>
      openPlace(place, { files: filePolicy([readLayer(layer, policy), ...below], place), ...input });
    const hide = async (session: SandboxSession, attempts: readonly string[]): Promise<void> => {
      for (const attempt of attempts) assert.doesNotMatch((await run(session, attempt)).stdout, /SECRET/, attempt);
    };

    before(() => {
      // not in a folder that sessions have anew
      const parent = process.getuid?.() === 0 ? '/var/lib' : account.home;
      place = makePlace(account, { home: 'home', workspace: 'home/projects/work' }, parent);
      linked = path.join(place.folder, 'link');
      link('home', linked);
      place.write(at('notes.txt'), 'SECRET');
      place.write(at('projects/other/secret'), 'SECRET');
      place.write(at('.aws/credentials'), 'SECRET');
      place.write(at('.gem/credentials'), 'SECRET');
      place.write(at('.gem/gems/a'), 'gem');
      place.write(at('.local/share/notes'), 'SECRET');
      place.write(at('.cargo/credentials.toml'), 'SECRET');
      place.write(at('.cargo/registry/a'), 'crate');
      place.write(at('.cache/viewer/picture'), 'SECRET');
      place.write(at('.cache/pip/wheel'), 'wheel');
      place.write(at('.local/bin/tool'), '#!/bin/sh\necho tool works\n');
      chmodSync(at('.local/bin/tool'), 0o755);
      place.write(at('.gitconfig'), '[user]\n\tname = Ann\n');
      place.write(at('dotfiles/rustup/toolchain'), 'rust');
      link('dotfiles/rustup', at('.rustup'));
      link('.', at('.nvm'));
      place.write(path.join(place.workspace, 'file'), 'mine');
    });
    after(() => place.remove());

    test('the profile strict: documents are hidden by every name, and nothing else of the home is named', async () => {
      const session = await open({});
      const work = await run(session, 'cat file; echo new >made; cat made; cd ~ && pwd && ls -A ~ ~/projects');
      assert.equal(
        work.stdout,
        `minenew\n${place.home}\n${place.home}:\n.gem\n.gitconfig\n.local\n.nvm\n.rustup\ndotfiles\nprojects\n\n${place.home}/projects:\nwork\n`,
      );
      await hide(session, [
        'cat ~/notes.txt',
        'cat ~/projects/other/secret ../other/secret',
        'cat ~/.local/share/notes ~/.local/bin/../share/notes',
        'cat ~/.aws/credentials ~/.gem/credentials',
        `cat ${linked}/notes.txt ${linked}/.nvm/notes.txt`,
        'cat ~/.nvm/notes.txt',
        'cat /proc/self/root"$HOME"/notes.txt /proc/self/cwd/../other/secret',
        'cat ~/.rustup/../notes.txt ~/dotfiles/../notes.txt',
        'ls -R / 2>/dev/null | grep -q notes.txt && echo SECRET',
        'unshare -rm sh -c "umount -l ~; cat ~/notes.txt"',
        'mount --bind ~ /tmp && cat /tmp/notes.txt',
        'ln -s ~/notes.txt soft && cat soft',
        'ln ~/notes.txt hard && cat hard',
      ]);
      await run(session, 'rm -f soft hard made');
      await session.close();
    });

    test('what tools need of it is there: programs, the libraries beside them, git’s settings', async () => {
      const session = await open({});
      const { stdout } = await run(
        session,
        'PATH=~/.local/bin:$PATH; tool; git config --global user.name; cat ~/.gem/gems/a ~/.rustup/toolchain',
      );
      assert.equal(stdout, 'tool works\nAnn\ngemrust');
      const { stdout: byLink } = await run(session, 'cd ~ && cat .gem/gems/a', { env: { HOME: linked } });
      assert.equal(byLink, 'gem');
      await session.close();
    });

    test('nothing can be written in it, and a failed write says so; the workspace and opened folders can', async () => {
      place.write(at('data/kept'), 'kept');
      const session = await open({ sandbox: { filesystem: { allowWrite: ['~/data'] } } });
      const { stdout } = await run(
        session,
        'cat ~/data/kept; echo new >~/data/new && cat ~/data/new; ls ~/data/../notes.txt',
      );
      assert.equal(stdout, 'keptnew\n');
      for (const target of [
        '~/x',
        '~/.local/bin/tool',
        '~/.local/bin/new',
        '~/.bashrc',
        '~/.gitconfig',
        '~/projects/x',
      ]) {
        const { stderr, code } = await run(session, `echo x >${target}`);
        assert.notEqual(code, 0, target);
        assert.match(stderr, /Read-only file system/, target);
      }
      await session.close();
      assert.equal(existsSync(at('x')), false);
      assert.equal(readFileSync(at('data/new'), 'utf8'), 'new\n');
    });

    test('what the host makes or replaces while a session is open stays hidden', async () => {
      const session = await open({});
      place.write(at('later.txt'), 'SECRET');
      writeFileSync(at('notes.new'), 'SECRET');
      await hide(session, ['cat ~/later.txt ~/notes.new', 'cat ~/.gem/credentials']);
      await session.close();
    });

    test('sockets in what is shown refuse connections', async () => {
      const socket = at('.gem/socket');
      const server = spawn(process.execPath, [
        '-e',
        'require("node:net").createServer((s) => s.end("SECRET")).listen(process.argv[1], () => console.log("ready"))',
        socket,
      ]);
      await once(server.stdout, 'data');
      chmodSync(socket, 0o777);
      const session = await open({});
      const connect = `perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => "${socket}") or exit 1; print <$s>'`;
      await hide(session, [connect]);
      assert.equal(
        (await run(session, 'test -S ~/.gem/socket || test -e ~/.gem/gems && echo there')).stdout,
        'there\n',
      );
      await session.close();
      server.kill();
      await once(server, 'close');
    });

    test('denyRead of the home by a user: allowRead opens below, deeper denials hold, credentials want their name', async () => {
      place.write(at('docs/public/a'), 'public');
      place.write(at('docs/public/own.key'), 'SECRET');
      place.write(at('docs/private/a'), 'SECRET');
      place.write(at('docs/private/shared/a'), 'shared');
      const session = await open(
        {
          sandbox: {
            filesystem: {
              denyRead: ['~', '~/docs/private', '~/docs/**/*.key', '~/.local/bin'],
              allowRead: ['~/doc*/', '~/docs/private/shared', '~/.aws/credentials'],
            },
          },
        },
        {},
        'user',
        [],
      );
      const { stdout } = await run(
        session,
        'cat ~/docs/public/a ~/docs/private/shared/a; ls -A ~/.local ~/docs/private; sed s/SECRET/named/ ~/.aws/credentials; cat file',
      );
      assert.equal(stdout, `publicshared${at('docs/private')}:\nshared\nnamedmine`);
      await hide(session, [
        'cat ~/docs/public/own.key',
        'cat ~/docs/private/a',
        'cat ~/notes.txt',
        'cat ~/.gem/credentials',
      ]);
      await session.close();
    });

    test('a project opens nothing of it', async () => {
      const session = await open({ sandbox: { filesystem: { allowRead: ['~/.aws/credentials'] } } }, {}, 'project');
      await hide(session, ['cat ~/.aws/credentials ~/notes.txt']);
      await session.close();
    });

    test('caches of tools are layers as ever; what holds more than packages is none', async () => {
      const source = at('.cache/sbx/workspaces/1');
      place.write(path.join(source, 'made'), '');
      const session = await open({}, { caches: { source, slot: 0, caches: toolCaches } });
      const env = Object.fromEntries(cacheEnvironment(toolCaches, insideCacheFolder));
      const { stdout } = await run(
        session,
        'cat $CARGO_HOME/registry/a $PIP_CACHE_DIR/wheel; echo x >$CARGO_HOME/registry/b; echo y >$XDG_CACHE_HOME/z; cat $CARGO_HOME/registry/b $XDG_CACHE_HOME/z; echo j >~/.m2/repository/j; cat ~/.m2/repository/j',
        { env },
      );
      assert.equal(stdout, 'cratewheelx\ny\nj\n');
      const attempts = [
        'cat $CARGO_HOME/credentials.toml ~/.cargo/credentials.toml',
        'cat $XDG_CACHE_HOME/viewer/picture ~/.cache/viewer/picture',
        'grep -r SECRET /run ~',
      ];
      for (const attempt of attempts)
        assert.doesNotMatch((await run(session, attempt, { env })).stdout, /SECRET/, attempt);
      await session.close();
      assert.equal(existsSync(at('.cargo/registry/b')), false);
    });

    test('a home that is a link, and another home of the account, are hidden alike', async () => {
      place.write(path.join(place.folder, 'listed/notes.txt'), 'SECRET');
      place.write(path.join(place.folder, 'listed/bin/tool'), 'program');
      const listed = path.join(place.folder, 'listed');
      const asLink = { ...place, home: linked, account: { ...place.account, home: linked } };
      const session = await openPlace(asLink, { files: filePolicy([strict], asLink), otherHomes: [listed] });
      const { stdout } = await run(
        session,
        `cat file ${listed}/bin/tool; cd ${linked} && cat .gem/gems/a; ls ${listed}`,
      );
      assert.equal(stdout, 'mineprogramgembin\n');
      await hide(session, [`cat ${linked}/notes.txt ${place.home}/notes.txt`, `cat ${listed}/notes.txt`]);
      await session.close();
    });

    test('a linked worktree works where its repository lies in the hidden home', async () => {
      const asOwner = (argv: readonly string[]): void => {
        const [program = '', ...rest] = [...asAccount(account, requireTool), ...argv];
        execFileSync(program, rest, { env: { ...process.env, HOME: place.home }, stdio: 'ignore' });
      };
      const main = at('repositories/main');
      place.write(path.join(main, 'kept'), 'kept');
      asOwner(['git', 'init', '-q', main]);
      asOwner(['git', '-C', main, 'add', '.']);
      asOwner(['git', '-C', main, '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qm', 'one']);
      asOwner(['git', '-C', main, 'worktree', 'add', '-q', at('repositories/tree')]);
      place.write(path.join(main, 'document'), 'SECRET');
      const session = await openPlace(
        { ...place, workspace: at('repositories/tree') },
        { files: filePolicy([strict], { ...place, workspace: at('repositories/tree') }) },
      );
      const script =
        'git log --format=%s; echo x >new; git add new; git -c user.name=a -c user.email=a@b commit -qm two; git log --format=%s';
      const { stdout, stderr } = await run(session, script);
      assert.equal(stdout, 'one\ntwo\none\n', stderr);
      await hide(session, [`cat ${main}/document ../main/document`]);
      await session.close();
    });

    test('a folder above the workspace can be hidden', async () => {
      const session = await open({ sandbox: { filesystem: { denyRead: ['~/projects'] } } }, {}, 'user', []);
      assert.equal((await run(session, 'cat file; ls -A ..; ls ~/notes.txt')).stdout, `minework\n${at('notes.txt')}\n`);
      await hide(session, ['cat ../other/secret', 'cat ~/projects/other/secret']);
      await session.close();
    });

    test('where nothing is hidden by the policy, the home is readable and credentials are not', async () => {
      const session = await open({}, {}, 'user', []);
      assert.equal((await run(session, 'sed s/SECRET/seen/ ~/notes.txt')).stdout, 'seen');
      await hide(session, ['cat ~/.aws/credentials ~/.gem/credentials']);
      await session.close();
    });
  });
}
