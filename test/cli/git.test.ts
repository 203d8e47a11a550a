/** Git through the whole of sbx: what commands do arrives, is refused in words, and outlives a daemon that is killed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

class Project extends PrivateSbx {
  constructor() {
    super();
    this.git('init', '-q', '-b', 'main');
    this.git('config', 'user.name', 'n');
    this.git('config', 'user.email', 'e@example.org');
    writeFileSync(path.join(this.workspace, 'f'), 'one\n');
    this.git('add', 'f');
    this.git('commit', '-qm', 'one');
  }

  git(...args: string[]): string {
    const env = { PATH: process.env['PATH'], HOME: this.home, GIT_CONFIG_NOSYSTEM: '1' };
    return execFileSync('git', args, { cwd: this.workspace, encoding: 'utf8', env });
  }

  /** Copies of the repository that are still there. */
  staged(): string[] {
    const folder = path.join(this.home, '.cache/sbx/staged');
    return readdirSync(folder).flatMap((name) => readdirSync(path.join(folder, name)));
  }
}

function withProject(name: string, body: (sbx: Project) => Promise<void>): void {
  test(name, async () => {
    const sbx = new Project();
    try {
      await body(sbx);
    } finally {
      await sbx.close();
    }
  });
}

const allowed = ['run', '--allow', 'Bash(*)'];

withProject('commits arrive, a read-only command has no copy, a script that runs git has one', async (sbx) => {
  const commit = await sbx.call([...allowed, 'echo two >>f; git commit -qam two && git checkout -qb side']);
  assert.deepEqual([commit.status, commit.stderr], [0, '']);
  assert.equal(sbx.git('log', '--format=%s', 'side'), 'two\none\n');
  assert.equal(sbx.git('status', '--porcelain'), '');
  writeFileSync(path.join(sbx.workspace, 'release'), 'git tag v1\n');
  const script = await sbx.call([...allowed, 'sh release']);
  assert.deepEqual([script.status, script.stderr], [0, '']);
  assert.equal(sbx.git('tag'), 'v1\n');
  assert.equal((await sbx.run('git log --format=%s')).out, 'two\none\n');
  assert.deepEqual(sbx.staged(), []);
});

withProject('a background run sees the repository and cannot change it', async (sbx) => {
  const { out } = await sbx.call([
    'run',
    '--background',
    '--allow',
    'Bash(*)',
    'git log --format=%s; git tag v1 2>/dev/null || echo refused',
  ]);
  const logs = await sbx.call(['logs', '--follow', out.trim().split(/\s+/)[0] ?? '']);
  assert.equal(logs.out, 'one\nrefused\n');
  assert.equal(sbx.git('tag'), '');
});

withProject('configuration that a command writes is told and not taken over', async (sbx) => {
  const before = readFileSync(path.join(sbx.workspace, '.git/config'), 'utf8');
  const result = await sbx.call([...allowed, 'sh -c "git config core.fsmonitor ./x; git tag v1"']);
  assert.match(result.stderr, /fsmonitor/i);
  assert.equal(readFileSync(path.join(sbx.workspace, '.git/config'), 'utf8'), before);
  assert.equal(sbx.git('tag'), 'v1\n');
});

withProject('what a run did before its daemon was killed is taken over by the next one', async (sbx) => {
  const run = sbx.start([...allowed, 'echo two >>f; git commit -qam two; git branch side; echo ready; sleep 1000']);
  await run.seen(/ready/);
  assert.equal(sbx.git('log', '--format=%s'), 'one\n');
  assert.equal(sbx.staged().length, 1);
  const { pid } = JSON.parse((await sbx.call(['status', '--json'])).out) as { pid: number };
  process.kill(pid, 'SIGKILL');
  assert.equal((await run.result).status, 125);
  const next = await sbx.run('git log --format=%s');
  assert.deepEqual([next.out, next.stderr], ['two\none\n', '']);
  assert.equal(sbx.git('branch', '--format=%(refname:short)'), 'main\nside\n');
  assert.equal(sbx.git('status', '--porcelain'), '');
  assert.deepEqual(sbx.staged(), []);
});

withProject('a longer run leaves what it found, so that a host that looked meanwhile costs nothing', async (sbx) => {
  const run = sbx.start([...allowed, 'echo two >>f; git commit -qam two; echo ready; sleep 1000']);
  await run.seen(/ready/);
  const [name = ''] = sbx.staged();
  const folder = path.join(sbx.home, '.cache/sbx/staged');
  const kept = () =>
    readdirSync(folder).some((each) => readdirSync(path.join(folder, each, name)).includes('base-index'));
  while (!kept()) await new Promise((resolve) => setTimeout(resolve, 20));
  const { pid } = JSON.parse((await sbx.call(['status', '--json'])).out) as { pid: number };
  process.kill(pid, 'SIGKILL');
  assert.equal((await run.result).status, 125);
  // the index written anew, with nothing else in it
  sbx.git('update-index', '--force-write-index');
  const next = await sbx.run('git log --format=%s');
  assert.deepEqual([next.out, next.stderr], ['two\none\n', '']);
  assert.equal(sbx.git('status', '--porcelain'), '');
  assert.deepEqual(sbx.staged(), []);
});

withProject('a repository below the workspace is written by runs in its folder, and by no other', async (sbx) => {
  const nested = path.join(sbx.workspace, 'libs/nested');
  mkdirSync(nested, { recursive: true });
  sbx.git('init', '-q', '-b', 'main', nested);
  for (const name of ['user.name', 'user.email']) sbx.git('-C', nested, 'config', name, 'n');
  sbx.git('-C', nested, 'commit', '-q', '--allow-empty', '-m', 'one');
  const inside = await sbx.call([...allowed, 'cd libs/nested && echo x >f && git add f && git commit -qm two']);
  assert.deepEqual([inside.status, inside.stderr], [0, '']);
  const named = await sbx.call([...allowed, 'git -C libs/nested commit -q --allow-empty -m three']);
  assert.deepEqual([named.status, named.stderr], [0, '']);
  assert.equal(sbx.git('-C', nested, 'log', '--format=%s'), 'three\ntwo\none\n');
  assert.equal(sbx.git('-C', nested, 'status', '--porcelain'), '');
  const config = readFileSync(path.join(nested, '.git/config'), 'utf8');
  for (const attempt of [
    'echo "[core] fsmonitor = ./x" >>libs/nested/.git/config',
    'cd libs/nested && git config core.fsmonitor ./x',
    'cd libs && mv nested old && mkdir -p nested/.git && echo x >nested/.git/config',
    'sh -c "echo ./x >libs/nested/.git/hooks/pre-commit"',
  ]) {
    await sbx.call([...allowed, attempt]);
    assert.equal(readFileSync(path.join(nested, '.git/config'), 'utf8'), config, attempt);
    assert.equal(readdirSync(path.join(nested, '.git/hooks')).includes('pre-commit'), false, attempt);
  }
  assert.deepEqual(sbx.staged(), []);
});

withProject('a repository that a run makes can be committed to by the next', async (sbx) => {
  const made = await sbx.call([...allowed, 'git init -q -b main sub']);
  assert.equal(made.status, 0);
  const identity = '-c user.name=n -c user.email=e';
  const next = await sbx.call([...allowed, `cd sub && git ${identity} commit -q --allow-empty -m first`]);
  assert.deepEqual([next.status, next.stderr], [0, '']);
  assert.equal(sbx.git('-C', 'sub', 'log', '--format=%s'), 'first\n');
});
