/** What a command makes at protected names, and repositories that it makes: what is put aside, and what stays. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Violation } from '../../client/protocol/events.ts';
import type { SandboxSession } from '../../daemon/sandbox/model.ts';
import { mustRunOutside } from '../fixtures/host-command.ts';
import { removeTree } from '../fixtures/remove-tree.ts';
import {
  listTestAccounts,
  makePlace,
  openGuarded,
  type Place,
  type RunOptions,
  readAll,
  start,
} from '../fixtures/sandbox-session.ts';

interface Result {
  readonly code: number;
  readonly text: string;
  readonly notes: readonly Violation[];
}

for (const account of listTestAccounts()) {
  describe(`guard as ${account.name}`, { timeout: 240_000 }, () => {
    let place: Place;
    let session: SandboxSession;
    let marker: string;
    const at = (name: string): string => path.join(place.workspace, name);
    const quarantine = (): string => path.join(place.home, 'state/quarantine');

    const run = async (command: string, options: RunOptions = {}): Promise<Result> => {
      const started = await start(session, command, options);
      const [stdout, stderr, exit] = await Promise.all([
        readAll(started.stdout),
        readAll(started.stderr),
        started.exit,
      ]);
      return { code: exit.code, text: `${stdout}${stderr}`, notes: await started.aftermath };
    };
    /** As the owner of the workspace, outside the sandbox. */
    const host = (argv: readonly string[], cwd: string): string => {
      try {
        return mustRunOutside(place, argv, cwd, {
          GIT_AUTHOR_NAME: 'a',
          GIT_AUTHOR_EMAIL: 'a@example.org',
          GIT_COMMITTER_NAME: 'a',
          GIT_COMMITTER_EMAIL: 'a@example.org',
        });
      } catch (error) {
        return `failed: ${(error as { stderr?: string }).stderr ?? ''}`;
      }
    };
    const hostGit = (cwd: string): void => {
      for (const words of [
        ['status'],
        ['diff'],
        ['log', '-1'],
        ['commit', '--allow-empty', '-qm', 'x'],
        ['fetch', '--all'],
      ]) {
        host(['git', ...words], cwd);
      }
    };
    const list = (folder = place.workspace): string[] =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    const targets = (notes: readonly Violation[]): string[] =>
      notes.map((note) => path.relative(place.workspace, note.target)).sort();

    before(async () => {
      place = makePlace(account);
      marker = path.join(place.folder, 'ran');
      place.write(at('src/a.ts'), 'a');
      place.write(at('packages/a/index.ts'), 'a');
      // what a hostile configuration names: leaves a trace outside the sandbox
      place.write(path.join(place.home, 'bin/marker'), `#!/bin/sh\n: >'${marker}'\ncat\n`);
      chmodSync(path.join(place.home, 'bin/marker'), 0o755);
      session = await openGuarded(place);
    });
    afterEach(() => {
      assert.equal(existsSync(marker), false, 'something ran on the host');
      removeTree(quarantine());
    });
    after(async () => {
      await session.close();
      place.remove();
    });

    test('the marker program works: a host git with such a configuration runs it', () => {
      const own = path.join(place.folder, 'own');
      host(['git', 'init', '-q', own], place.folder);
      host(['git', 'config', 'core.fsmonitor', path.join(place.home, 'bin/marker')], own);
      host(['git', 'status'], own);
      assert.equal(existsSync(marker), true);
      rmSync(marker);
      rmSync(own, { recursive: true });
    });

    test('a command that makes nothing protected leaves the tree as it is, and nothing is told', async () => {
      const earlier = list();
      const result = await run('ls -A >/dev/null; cat src/a.ts');
      assert.deepEqual([result.text, result.notes, list()], ['a', [], earlier]);
      const written = await run('mkdir -p new/deep && echo x >new/deep/f && echo y >.gitignore');
      assert.deepEqual(written.notes, []);
      assert.deepEqual(list(), [...earlier, '.gitignore', 'new', 'new/deep', 'new/deep/f'].sort());
      await run('rm -r new .gitignore');
    });

    test('names that were absent are put aside, at the root and at any depth, and can be taken back', async () => {
      const earlier = list();
      const result = await run(
        'echo x >.mcp.json; mkdir -p .vscode packages/a/.vscode fresh/deep; echo x >.vscode/tasks.json; echo x >packages/a/.vscode/tasks.json; echo x >fresh/deep/.envrc; echo x >fresh/kept; echo x >src/.npmrc; mkdir -p .config/git gradle/wrapper; echo x >.config/git/config; echo x >gradle/wrapper/gradle-wrapper.properties; echo x >gradle/other',
      );
      assert.deepEqual(targets(result.notes), [
        ...['.config/git', '.mcp.json', '.vscode', 'fresh/deep/.envrc', 'gradle/wrapper/gradle-wrapper.properties'],
        ...['packages/a/.vscode', 'src/.npmrc'],
      ]);
      const remaining = ['.config', 'fresh', 'fresh/deep', 'fresh/kept', 'gradle', 'gradle/other', 'gradle/wrapper'];
      assert.deepEqual(list(), [...earlier, ...remaining].sort());
      const note = result.notes.find(({ target }) => target === at('.mcp.json'));
      assert.equal(note?.kind, 'protected');
      const restore = note?.howToAllow?.split(';')[0] ?? '';
      host(['sh', '-c', restore], '/');
      assert.equal(readFileSync(at('.mcp.json'), 'utf8'), 'x\n');
      assert.equal(lstatSync(quarantine()).mode & 0o777, 0o700);
      assert.equal(lstatSync(quarantine()).uid, account.uid);
      await run('rm -rf .config fresh gradle');
      rmSync(at('.mcp.json'));
    });

    test('what a person approved stays, and what was beside it does not', async () => {
      const result = await run('mkdir .husky; echo x >.husky/pre-commit; echo x >.npmrc; echo x >.yarnrc', {
        unprotect: [at('.npmrc'), at('.husky')],
      });
      assert.deepEqual(targets(result.notes), ['.yarnrc']);
      assert.deepEqual([existsSync(at('.npmrc')), existsSync(at('.husky/pre-commit'))], [true, true]);
      const next = await run('echo y >src/other; rm src/other');
      assert.deepEqual(next.notes, []);
      rmSync(at('.npmrc'));
      rmSync(at('.husky'), { recursive: true });
    });

    test('exceptions of a protected folder stay, the rest of it does not', async () => {
      const result = await run(
        'mkdir -p .claude/worktrees/fix; echo x >.claude/worktrees/fix/a; echo x >.claude/settings.json',
      );
      assert.deepEqual(targets(result.notes), ['.claude/settings.json']);
      assert.equal(existsSync(at('.claude/worktrees/fix/a')), true);
      rmSync(at('.claude'), { recursive: true });
    });

    test('pipes, links, folders without rights, odd and long names neither block nor mislead', async () => {
      place.write(path.join(place.home, 'outside/f'), 'outside');
      const result = await run(
        `mkfifo .envrc; ln -s ${place.home}/outside .vscode; mkdir -p .idea/in; echo x >.idea/in/f; chmod 000 .idea/in .idea; printf x >$'odd\\n\\xff'; mkdir -p $'n\\xfe/x'; echo x >$'n\\xfe/x/.npmrc'; mkdir .npmrc; truncate -s 3G .yarnrc; echo x >src/h; ln src/h .bazelrc`,
      );
      assert.deepEqual(
        targets(result.notes).filter((name) => name.startsWith('.')),
        ['.bazelrc', '.envrc', '.idea', '.vscode', '.yarnrc'],
      );
      assert.equal(
        existsSync(Buffer.concat([Buffer.from(`${place.workspace}/n`), Buffer.from([0xfe]), Buffer.from('/x/.npmrc')])),
        false,
      );
      assert.equal(readFileSync(path.join(place.home, 'outside/f'), 'utf8'), 'outside');
      assert.equal(lstatSync(at('.npmrc')).isDirectory(), true, 'a folder of that name configures nothing');
      assert.equal(readFileSync(at('src/h'), 'utf8'), 'x\n');
      await run(`rm -rf .npmrc odd* n* src/h`);
    });

    test('a clean repository stays: init, clone, bare, worktree folders with submodules', async () => {
      const result = await run(
        'git init -q made && cd made && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one && cd .. && git clone -q made cloned && git clone -q --bare made bare.git && git -C cloned log --oneline | wc -l',
      );
      assert.deepEqual([result.text.trim(), result.notes], ['1', []]);
      for (const name of ['made/.git/config', 'cloned/.git/config', 'bare.git/config'])
        assert.ok(existsSync(at(name)), name);
      hostGit(at('made'));
      assert.equal(host(['git', 'status', '--porcelain'], at('cloned')), '');
    });

    test('a repository that stayed, or was there, is read-only for the next run', async () => {
      assert.equal(session.isCurrent(), false);
      await session.close();
      session = await openGuarded(place);
      for (const attempt of [
        'echo x >>made/.git/config',
        'echo x >made/.git/hooks/pre-commit',
        'mv made/.git made/g',
        'mv made other',
        'rm -rf cloned/.git',
        'echo x >>bare.git/config',
      ]) {
        assert.notEqual((await run(`( ${attempt} )`)).code, 0, attempt);
      }
      assert.equal(
        (await run('git -C made status --porcelain && echo x >made/f && rm made/f && echo ok')).text,
        'ok\n',
      );
      hostGit(at('made'));
      await session.close();
      for (const name of ['made', 'cloned', 'bare.git']) rmSync(at(name), { recursive: true });
      session = await openGuarded(place);
    });

    const program = (): string => path.join(place.home, 'bin/marker');
    const plant = (name: string): string => `git init -q ${name}; git -C ${name} config core.fsmonitor ${program()}`;
    const hostile: readonly (readonly [what: string, command: () => string, folder: string])[] = [
      ['fsmonitor', () => plant('evil'), 'evil'],
      ['a hook', () => `git init -q evil; cp ${program()} evil/.git/hooks/pre-commit`, 'evil'],
      [
        'a pager and an alias',
        () =>
          `git init -q evil; git -C evil config core.pager ${program()}; git -C evil config alias.status '!${program()}'`,
        'evil',
      ],
      [
        'a filter',
        () =>
          `git init -q evil; git -C evil config filter.x.clean ${program()}; echo '* filter=x' >evil/.git/info/attributes; echo a >evil/f; git -C evil add f; echo b >evil/f`,
        'evil',
      ],
      [
        'an included file',
        () =>
          `git init -q evil; printf '[core]\\n\\tfsmonitor = ${program()}\\n' >evil/more; printf '[include]\\n\\tpath = ../more\\n' >>evil/.git/config`,
        'evil',
      ],
      [
        'a line that goes on',
        () =>
          `git init -q evil; printf '[core] fsmon\\\\\\nitor = x\\n[core]fsmonitor=\\\\\\n${program()}\\n' >>evil/.git/config`,
        'evil',
      ],
      [
        'a bare repository',
        () =>
          `git init -q --bare evil; git -C evil config core.bare false; git -C evil config core.worktree /tmp; git -C evil config core.fsmonitor ${program()}`,
        'evil',
      ],
      [
        'a .git file',
        () => `mkdir evil; ${plant('evil/real')}; mv evil/real/.git evil/g; echo 'gitdir: g' >evil/.git`,
        'evil',
      ],
      ['a .git link', () => `mkdir evil; ${plant('evil/real')}; mv evil/real/.git evil/g; ln -s g evil/.git`, 'evil'],
      [
        'a commondir',
        () =>
          `git init -q evil; ${plant('other')}; mv other/.git evil/common; echo ../common >evil/.git/commondir; rm -r other`,
        'evil',
      ],
      [
        'a helper for fetching',
        () =>
          `git init -q evil; git -C evil remote add origin 'ext::${program()}'; git -C evil config protocol.ext.allow always`,
        'evil',
      ],
      [
        'an upload program',
        () =>
          `git init -q evil; git -C evil remote add origin ${place.workspace}/evil; git -C evil config remote.origin.uploadpack ${program()}`,
        'evil',
      ],
      ['deep below', () => plant('a/b/c/evil'), 'a/b/c/evil'],
    ];
    for (const [what, command, folder] of hostile) {
      test(`a hostile repository runs nothing on the host: ${what}`, async () => {
        const result = await run(`${command()}; true`);
        assert.ok(
          result.notes.some((note) => note.kind === 'protected'),
          result.text,
        );
        hostGit(place.workspace);
        if (existsSync(at(folder))) hostGit(at(folder));
        assert.equal(existsSync(marker), false);
        rmSync(at(folder.split('/')[0] ?? ''), { recursive: true, force: true });
      });
    }

    test('a hostile repository runs nothing while its command is still there', async () => {
      const started = await start(session, `${plant('evil')}; git -C evil config user.name x; echo made; sleep 30`);
      const text = await new Promise<string>((resolve) =>
        started.stdout?.once('data', (chunk) => resolve(String(chunk))),
      );
      assert.equal(text, 'made\n');
      const isClean = (): boolean =>
        !existsSync(at('evil/.git/config')) || !/fsmonitor/.test(readFileSync(at('evil/.git/config'), 'utf8'));
      for (let left = 1000; !isClean() && left > 0; left--) await new Promise((resolve) => setTimeout(resolve, 5));
      hostGit(at('evil'));
      started.stop(0);
      await started.exit;
      assert.notEqual((await started.aftermath).length, 0);
      rmSync(at('evil'), { recursive: true });
    });

    test('what can be taken out of a repository is, and the rest stays', async () => {
      const result = await run(
        `git init -q mixed; git -C mixed config user.name kept; git -C mixed config core.sshCommand ${program()}; cp ${program()} mixed/.git/hooks/post-commit`,
      );
      assert.deepEqual([...new Set(targets(result.notes))], ['mixed/.git']);
      assert.equal(host(['git', 'config', 'user.name'], at('mixed')), 'kept\n');
      assert.match(host(['git', 'config', 'core.sshCommand'], at('mixed')), /^failed/);
      assert.equal(existsSync(at('mixed/.git/hooks/post-commit')), false);
      rmSync(at('mixed'), { recursive: true });
    });

    test('a link that leads out is told and stays, one that stays inside is not told', async () => {
      const result = await run(
        `ln -s ${place.home}/bin out; ln -s a.ts src/inside; mkdir deep; ln -s ../../../x deep/up`,
      );
      assert.deepEqual(targets(result.notes), ['deep/up', 'out']);
      assert.equal(lstatSync(at('out')).isSymbolicLink(), true);
      await run('rm -r out src/inside deep');
    });

    test('two runs at once keep both their protections when one ends', async () => {
      const long = await start(session, 'read line; echo x >.envrc; echo x >src/.npmrc', { stdin: 'stream' });
      const short = await run('echo x >.mcp.json');
      assert.deepEqual(targets(short.notes), ['.mcp.json']);
      long.stdin?.end('go\n');
      await long.exit;
      assert.deepEqual(targets(await long.aftermath), ['.envrc', 'src/.npmrc']);
      assert.deepEqual([existsSync(at('.envrc')), existsSync(at('src/.npmrc'))], [false, false]);
    });

    test("what the host makes while nothing runs is not the command's", async () => {
      mkdirSync(at('byhand/.vscode'), { recursive: true });
      writeFileSync(at('byhand/.vscode/settings.json'), '{}');
      writeFileSync(at('.envrc'), 'mine');
      assert.deepEqual((await run('echo x >byhand/f')).notes, []);
      assert.equal(readFileSync(at('.envrc'), 'utf8'), 'mine');
      rmSync(at('.envrc'));
      rmSync(at('byhand'), { recursive: true });
    });

    test('folders that tools fill are left alone', async () => {
      const result = await run(
        'mkdir -p node_modules/x/.vscode src/node_modules/y; echo x >node_modules/x/.npmrc; echo x >src/node_modules/y/.envrc',
      );
      assert.deepEqual(result.notes, []);
      await run('rm -r node_modules src/node_modules');
    });

    test('more changes than the kernel keeps are caught up with', async () => {
      const result = await run(
        'mkdir storm; cd storm; for d in {1..60}; do mkdir $d; for f in {1..300}; do : >$d/$f; done; done; mkdir -p late/deep; echo x >late/deep/.envrc; rm -r {1..60}',
      );
      assert.deepEqual(targets(result.notes), ['storm/late/deep/.envrc']);
      rmSync(at('storm'), { recursive: true });
    });
  });
}
