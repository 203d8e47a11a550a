/** What a policy says about files, tried from inside by programs that want the opposite, and looked at from outside. */
import assert from 'node:assert/strict';
import { existsSync, lchownSync, linkSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { SandboxSession } from '../../daemon/sandbox/model.ts';
import { filePolicy, readLayer } from '../fixtures/file-policy.ts';
import { listTestAccounts, makePlace, openPlace, type Place, run } from '../fixtures/sandbox-session.ts';

// Not under /tmp: commands have one of their own there, and nothing of the host would be seen.

for (const account of listTestAccounts()) {
  describe(`file rules as ${account.name}`, { timeout: 120_000 }, () => {
    let place: Place;
    let outside: string;
    const at = (name: string): string => path.join(place.workspace, name);
    const open = (policy: object, ...layers: Parameters<typeof filePolicy>[0]): Promise<SandboxSession> =>
      openPlace(place, {
        protectedPaths: ['.mcp.json', '.vscode', '.config/git'],
        files: filePolicy([readLayer('user', policy), ...layers], place),
      });
    const hide = async (session: SandboxSession, attempts: readonly string[]): Promise<void> => {
      for (const attempt of attempts) assert.doesNotMatch((await run(session, attempt)).stdout, /SECRET/, attempt);
    };
    /** Every attempt fails. */
    const refuse = async (session: SandboxSession, attempts: readonly string[]): Promise<void> => {
      for (const attempt of attempts) {
        const { stdout } = await run(session, `( ${attempt} ) 2>/dev/null && echo -n done`);
        assert.doesNotMatch(stdout, /done$/, attempt);
      }
    };

    before(() => {
      // not in a folder that sessions have anew
      const parent = process.getuid?.() === 0 ? '/var/lib' : account.home;
      place = makePlace(account, { home: 'home', workspace: 'work' }, parent);
      outside = path.join(place.folder, 'outside');
      place.write(path.join(outside, 'data/kept'), 'kept');
      place.write(path.join(outside, 'vault/key'), 'SECRET');
      place.write(path.join(outside, 'vault/public/readme'), 'public');
      place.write(path.join(outside, 'vault/public/own.key'), 'SECRET');
      place.write(path.join(place.home, '.npmrc'), 'token');
      place.write(path.join(place.home, '.aws/config'), 'region');
      place.write(path.join(place.home, '.aws/credentials'), 'SECRET');
      place.write(at('.env'), 'SECRET');
      place.write(at('app/.env'), 'SECRET');
      place.write(at('app/main'), 'code');
      place.write(at('conf/prod/key'), 'SECRET');
      place.write(at('conf/dev/key'), 'dev');
      place.write(at('locked/a'), 'a');
      place.write(at('.mcp.json'), 'kept');
    });
    after(() => place.remove());

    test('a rule that denies reading hides the file wherever it lies, and its neighbours are there', async () => {
      const session = await open({ permissions: { deny: ['Read(.env)', 'Read(./conf/prod/**)'] } });
      assert.equal((await run(session, 'cat app/main conf/dev/key; ls -A conf/prod')).stdout, 'codedev');
      await refuse(session, ['mv .env other', 'rm -f .env', 'mv conf other', 'echo x >.env', 'ln .env hard']);
      await hide(session, [
        'cat .env',
        'cat app/../app/.env',
        'cat /proc/self/root"$PWD"/.env',
        'cat /proc/self/cwd/app/.env',
        'cp .env copy && cat copy',
        'ln -s .env soft && cat soft',
        'mv app other && cat other/.env',
        'cp -a conf/prod copied && cat copied/key',
        'exec 3<.env && cat <&3',
        'perl -e \'open(F, "<", "conf/prod/key") or exit 1; print <F>\'',
        'mount --bind . /tmp && cat /tmp/.env',
        'unshare -rm sh -c "umount .env; cat .env"',
      ]);
      await run(session, 'mv other app; rm -rf copy copied soft hard');
      await session.close();
      assert.equal(readFileSync(at('app/.env'), 'utf8'), 'SECRET');
    });

    test('a file that is made later is hidden from the next command on', async () => {
      const session = await open({ permissions: { deny: ['Read(.env)'] } });
      assert.equal(session.isCurrent(), true);
      place.write(at('later/deep/.env'), 'SECRET');
      await new Promise((resolve) => setTimeout(resolve, 600));
      assert.equal(session.isCurrent(), false);
      await session.close();
      const next = await open({ permissions: { deny: ['Read(.env)'] } });
      await hide(next, ['cat later/deep/.env']);
      place.write(at('later/deep/other'), 'x');
      await new Promise((resolve) => setTimeout(resolve, 600));
      assert.equal(next.isCurrent(), true, 'another file is no reason for a new session');
      await next.close();
      rmSync(at('later'), { recursive: true });
    });

    test('a rule that denies writing makes read-only, whatever is done to it or above it', async () => {
      const session = await open({ permissions: { deny: ['Edit(./locked/**)', 'Edit(app/main)'] } });
      assert.equal(
        (await run(session, 'cat locked/a app/main; echo new >app/new && cat app/new')).stdout,
        'acodenew\n',
      );
      await refuse(session, [
        'echo x >locked/a',
        'echo x >locked/new',
        'rm -rf locked',
        'mv locked other',
        'mv app other',
        'ln -f app/new app/main',
        'mv app/new app/main',
        'sed -i s/code/x/ app/main',
        'chmod 777 locked/a',
        'truncate -s 0 /proc/self/cwd/app/main',
      ]);
      await session.close();
      assert.equal(readFileSync(at('app/main'), 'utf8'), 'code');
    });

    test('the whole workspace can be read-only', async () => {
      const session = await open({ permissions: { deny: ['Edit(./**)'] } });
      const command = `cd ${JSON.stringify(place.workspace)}; cat app/main; : >made || : >/tmp/made && echo -n tmp`;
      assert.equal((await run(session, command, { cwd: '/' })).stdout, 'codetmp');
      await session.close();
    });

    test('allowWrite opens a folder and nothing beside it; denyWrite and protected names in it hold', async () => {
      place.write(path.join(outside, 'data/.mcp.json'), 'kept');
      place.write(path.join(outside, 'data/fixed/a'), 'kept');
      place.write(path.join(outside, 'data/.git/config'), 'kept');
      const session = await open({
        sandbox: { filesystem: { allowWrite: [`/${outside}/dat*/`], denyWrite: [`/${outside}/data/fixed`] } },
      });
      const inside = await run(session, `cd ${outside}/data; cat kept; echo new >new; cat new .mcp.json`);
      assert.equal(inside.stdout, 'keptnew\nkept');
      await refuse(session, [
        `echo x >${outside}/x`,
        `cd ${outside}/data && echo x >../x`,
        `echo x >${outside}/data/fixed/a`,
        `mv ${outside}/data/fixed ${outside}/data/f`,
        `echo x >${outside}/data/.mcp.json`,
        `mv ${outside}/data/.git ${outside}/data/g`,
        `mv ${outside}/data ${outside}/d`,
        `ln -s ${outside}/vault ${outside}/data/v && echo x >${outside}/data/v/x`,
      ]);
      await run(session, `echo x >${outside}/data/.git/config`);
      await session.close();
      assert.equal(readFileSync(path.join(outside, 'data/.git/config'), 'utf8'), 'kept');
      assert.equal(readFileSync(path.join(outside, 'data/new'), 'utf8'), 'new\n');
      assert.equal(readFileSync(path.join(outside, 'data/fixed/a'), 'utf8'), 'kept');
    });

    test('without a word in the policy the same places are read-only', async () => {
      const session = await open({
        permissions: { allow: [`Edit(/${outside}/data/**)`], additionalDirectories: [outside] },
      });
      assert.equal((await run(session, `cat ${outside}/data/kept`)).stdout, 'kept');
      await refuse(session, [`echo x >${outside}/data/x`]);
      await session.close();
    });

    test('a link does not lead a grant elsewhere', async () => {
      symlinkSync('vault', path.join(outside, 'dropbox'));
      lchownSync(path.join(outside, 'dropbox'), account.uid, account.gid);
      const session = await open({ sandbox: { filesystem: { allowWrite: [`/${outside}/dropbox`] } } });
      await refuse(session, [`echo x >${outside}/dropbox/x`, `echo x >${outside}/vault/x`]);
      await session.close();
      assert.equal(existsSync(path.join(outside, 'vault/x')), false);
    });

    test('the more specific path wins, and a denied pattern holds inside what is shown', async () => {
      const session = await open({
        sandbox: {
          filesystem: {
            denyRead: [`/${outside}/vault`, `/${outside}/**/*.key`],
            allowRead: [`/${outside}/vault/public/`],
          },
        },
      });
      assert.equal(
        (await run(session, `cat ${outside}/vault/public/readme; ls -A ${outside}/vault`)).stdout,
        'publicpublic\n',
      );
      await refuse(session, [`echo x >${outside}/vault/public/x`, `echo x >${outside}/vault/x`]);
      await hide(session, [
        `cat ${outside}/vault/key`,
        `cat ${outside}/vault/public/../key`,
        `cat ${outside}/vault/public/own.key`,
        `cd ${outside}/vault/public && cat own.key`,
      ]);
      await session.close();
    });

    test('inside the workspace a part of a hidden folder is shown', async () => {
      const session = await open({
        sandbox: { filesystem: { denyRead: ['./conf'], allowRead: ['./conf/dev'] } },
      });
      assert.equal((await run(session, 'cat conf/dev/key; ls -A conf')).stdout, 'devdev\n');
      await refuse(session, ['mv conf other', 'mv conf/dev ./dev', 'ls conf/prod']);
      await hide(session, ['cat conf/prod/key']);
      await session.close();
    });

    test('credentials: a user shows a part of them, a project none', async () => {
      const show = { sandbox: { filesystem: { allowRead: ['~/.npmrc', '~/.aws/config'] } } };
      const session = await open(show);
      assert.equal((await run(session, 'cat ~/.npmrc ~/.aws/config; ls -A ~/.aws')).stdout, 'tokenregionconfig\n');
      await refuse(session, ['cat ~/.aws/credentials', 'echo x >~/.npmrc']);
      await session.close();
      const project = await open({}, readLayer('project', show, place.workspace));
      assert.equal((await run(project, 'cat ~/.npmrc ~/.aws/config; echo here')).stdout, 'here\n');
      await project.close();
    });

    test('a protected file is writable where the user says so, and its neighbours are not', async () => {
      place.write(at('.vscode/settings.json'), '{}');
      const session = await open({ sandbox: { unprotect: ['.vscode/'] } });
      assert.equal((await run(session, 'echo 1 >.vscode/settings.json && cat .vscode/settings.json')).stdout, '1\n');
      await refuse(session, ['echo x >.mcp.json', 'mv .mcp.json x']);
      await session.close();
      rmSync(at('.vscode'), { recursive: true });
    });

    test('a link that a denied name is hides what it leads to, but not the programs of the machine', async () => {
      place.write(at('real/secret'), 'SECRET');
      for (const [target, link] of [
        ['real/secret', 'token'],
        ['/usr', 'lib.token'],
      ] as const) {
        symlinkSync(target, at(link));
        lchownSync(at(link), account.uid, account.gid);
      }
      const session = await open({ permissions: { deny: ['Read(token)', 'Read(lib.token)'] } });
      await hide(session, ['cat token', 'cat real/secret']);
      assert.equal((await run(session, '/usr/bin/env echo works')).stdout, 'works\n');
      await session.close();
      for (const name of ['token', 'lib.token', 'real']) rmSync(at(name), { recursive: true });
    });

    test('a second name of the same file is not found: said in the threat model', async () => {
      linkSync(at('.env'), at('second-name'));
      const session = await open({ permissions: { deny: ['Read(.env)'] } });
      assert.equal((await run(session, 'cat second-name; cat .env')).stdout, 'SECRET');
      await session.close();
      rmSync(at('second-name'));
    });

    for (const [entry, list] of [
      ['/etc', 'allowWrite'],
      ['//etc', 'allowWrite'],
      ['~/', 'allowWrite'],
      ['//usr', 'denyRead'],
    ] as const) {
      test(`${list} ${entry} is an error with its place, and no sandbox is made`, async () => {
        const anchored =
          entry === '/etc' ? readLayer('user', { sandbox: { filesystem: { [list]: ['/'] } } }, '/etc') : undefined;
        const policy = anchored === undefined ? { sandbox: { filesystem: { [list]: [entry] } } } : {};
        await assert.rejects(
          open(policy, ...(anchored === undefined ? [] : [anchored])),
          (error: Error & { code: string; help: string }) =>
            error.code === 'bad-policy' && /user\.json:1:\d+/.test(error.message) && error.help !== undefined,
        );
      });
    }
  });
}
