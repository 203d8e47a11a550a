/** Git configuration is read as git reads it: what a line means decides whether a repository stays. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { isHarmless, writeGitConfig } from '../../../../daemon/sandbox/guard/config-verdict.ts';
import { type ConfigEntry, parseGitConfig } from '../../../../daemon/sandbox/guard/git-config.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sbx-config-'));
after(() => rmSync(folder, { recursive: true }));

/** Undefined when git does not accept the file. */
function askGit(text: string): string[] | undefined {
  const file = path.join(folder, 'config');
  writeFileSync(file, text);
  try {
    const output = execFileSync('git', ['config', '--file', file, '--no-includes', '--list', '-z'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
    });
    return output.split('\0').filter((line) => line !== '');
  } catch {
    return undefined;
  }
}

function write(entry: ConfigEntry): string {
  const key = [entry.section, ...(entry.subsection === undefined ? [] : [entry.subsection]), entry.name].join('.');
  return entry.value === undefined ? key : `${key}\n${entry.value}`;
}

const texts = [
  '',
  '[core]\n\tbare = false\n',
  '[core]bare=false',
  '[core] fsmonitor = a\n',
  '[CORE]\n\tFsMonitor = a b  \n',
  '[core]\n\tfsmon\\\nitor = a\n',
  '[core]\n\tfsmonitor = a\\\n  b\n',
  '[core]\n\tfsmonitor = "a # b" ; c\n',
  '[core]\n\tfsmonitor = a"b c"d\n',
  '[core]\n\tfsmonitor = "a\\"b\\\\c\\td\\n"\n',
  '[core]\n\tfsmonitor = a\\x\n',
  '[core]\n\tfsmonitor = "a\n',
  '[core]\n\tfsmonitor\n',
  '[core]\n\tfsmonitor # yes\n',
  '[core]\n\tfsmonitor =\n',
  '[core]\n # fsmonitor = a\n ; x\n\tbare = true\n',
  '[remote "a b"]\n\turl = x\n',
  '[remote "a\\"b\\\\c"]\n\turl = x\n',
  '[remote.Old]\n\turl = x\n',
  '[a.b "C"]\n\td = e\n',
  '[include]\n\tpath = x\n[includeIf "gitdir:x"]\n\tpath = y\n',
  '\ufeff[core]\n\tbare = true\n',
  '[core]\r\n\tbare = true\r\n',
  '[core\n\tbare = true\n',
  '[core]\n\t1bare = true\n',
  '[core]\n\tba_re = true\n',
  '[core] [user]\n\tname = x\n',
  '[alias]\n\tx = "!f() { a; }; f"\n',
  '[x ""]\n\ty = z\n',
];

for (const text of texts) {
  test(`as git reads it: ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseGitConfig(text)?.map(write), askGit(text));
  });
}

test('a name without a section is refused, though git passes over it', () => {
  assert.equal(parseGitConfig('bare = true\n'), undefined);
});

const setting = { gitFolder: '/w/sub/.git', tree: '/w/sub' };
const harmless = [
  '[core]\n repositoryformatversion = 0\n filemode = true\n bare = false\n logallrefupdates = true\n ignorecase = true\n symlinks',
  '[remote "origin"]\n url = https://example.org/a.git\n fetch = +refs/heads/*:refs/remotes/origin/*',
  '[remote "o"]\n url = git@example.org:a/b.git\n pushurl = ssh://git@example.org/a\n[remote "p"]\n url = /srv/a b.git',
  '[branch "main"]\n remote = origin\n merge = refs/heads/main\n rebase = true',
  '[user]\n name = A B\n email = a@b',
  '[core]\n worktree = ../../sub/x',
  '[submodule "x"]\n url = ../x.git\n active = true\n update = rebase',
  '[extensions]\n objectformat = sha256',
];
const dangerous = [
  ...[
    '[core]\n fsmonitor = x',
    '[core]\n hookspath = x',
    '[core]\n sshcommand = x',
    '[core]\n editor = x',
    '[core]\n pager = x',
  ],
  ...[
    '[core]\n worktree = /home/a',
    '[core]\n gitproxy = x',
    '[core]\n attributesfile = x',
    '[core]\n alternaterefscommand = x',
  ],
  ...['[include]\n path = x', '[includeIf "gitdir:/"]\n path = x', '[alias]\n x = !y', '[filter "a"]\n clean = x'],
  ...[
    '[diff "a"]\n textconv = x',
    '[diff]\n external = x',
    '[merge "a"]\n driver = x',
    '[gpg]\n program = x',
    '[gpg "ssh"]\n program = x',
  ],
  ...[
    '[credential]\n helper = x',
    '[url "ext::x"]\n insteadof = https://',
    '[protocol "ext"]\n allow = always',
    '[uploadpack]\n packobjectshook = x',
  ],
  ...[
    '[remote "o"]\n url = ext::sh -c x',
    '[remote "o"]\n uploadpack = x',
    '[remote "o"]\n vcs = x',
    '[remote "o"]\n url = -oProxyCommand=x',
  ],
  ...[
    '[branch "m"]\n remote = ext::x',
    '[submodule "x"]\n update = !x',
    '[submodule "x"]\n url = ext::x',
    '[extensions]\n worktreeconfig = true',
  ],
  ...[
    '[pager]\n log = x',
    '[interactive]\n difffilter = x',
    '[sequence]\n editor = x',
    '[web]\n browser = x',
    '[http]\n proxy = x',
    '[core]\n newthing = x',
  ],
];

for (const text of harmless) {
  test(`stays: ${JSON.stringify(text)}`, () => {
    const entries = parseGitConfig(text) ?? assert.fail('not read');
    assert.deepEqual(
      entries.filter((entry) => !isHarmless(entry, setting)),
      [],
    );
    assert.deepEqual(parseGitConfig(writeGitConfig(entries)), entries);
    assert.deepEqual(askGit(writeGitConfig(entries)), entries.map(write));
  });
}

for (const text of dangerous) {
  test(`does not stay: ${JSON.stringify(text)}`, () => {
    const entries = parseGitConfig(text) ?? assert.fail('not read');
    assert.equal(entries.length, 1);
    assert.equal(
      entries.some((entry) => isHarmless(entry, setting)),
      false,
    );
  });
}
