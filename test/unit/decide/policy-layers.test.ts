/** All layers on disk through the whole engine: which decides, what a change of a file does, what trust and owners do. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Decision } from '../../../client/protocol/decision.ts';
import { SbxError } from '../../../client/protocol/errors.ts';
import type { DecisionRequest } from '../../../daemon/evaluate.ts';
import { createEngine, type Engine, type EngineOptions, showTrust, trustGrants } from '../../../daemon/offline.ts';
import { findPackageRoot } from '../../../daemon/platform/package-root.ts';
import type { FileLook } from '../../../daemon/platform/root-owned.ts';

let root: string;
let home: string;
let workspace: string;
let engine: Engine;
/** What the owner check is told, by path; everything else is root's own. */
let looks: Record<string, Partial<FileLook>>;

const rootOwned: FileLook = { kind: 'directory', uid: 0, mode: 0o40755, target: '' };

function options(): EngineOptions {
  return {
    home,
    uid: process.getuid?.(),
    userPolicyFile: path.join(home, 'policy.json'),
    managedPolicyFile: path.join(root, 'managed/policy.json'),
    managedPolicyFolder: path.join(root, 'managed/policy.d'),
    answersFolder: path.join(home, 'projects'),
    trustFile: path.join(home, 'state/trust.json'),
    noticesFile: path.join(home, 'state/notices.json'),
    lookAt: (place) => ({ ...rootOwned, ...looks[place] }),
  };
}

beforeEach(async () => {
  const build = path.join(findPackageRoot(), '.build');
  mkdirSync(build, { recursive: true });
  root = mkdtempSync(path.join(build, 'layers-'));
  home = path.join(root, 'home');
  workspace = path.join(home, 'ws');
  looks = {};
  for (const folder of ['home/ws/.git', 'home/ws/.sbx', 'home/ws/.claude', 'home/.claude', 'managed/policy.d']) {
    mkdirSync(path.join(root, folder), { recursive: true });
  }
  engine = await createEngine(options());
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (file: string, value: unknown): void =>
  writeFileSync(path.join(root, file), typeof value === 'string' ? value : JSON.stringify(value));
const permit = (file: string, permissions: object, more: object = {}): void => write(file, { permissions, ...more });

function decide(command: string, more: Partial<DecisionRequest> = {}): Decision {
  return engine.decide({ command, cwd: workspace, workspace, home, autoAllow: false, ...more }).decision;
}
const effect = (command: string, more: Partial<DecisionRequest> = {}) => decide(command, more).effect;
const place = () => ({ cwd: workspace, workspace, home });
const trust = (): void => trustGrants(engine, place(), showTrust(engine, place()));

/** Files that restrict at once, wherever they are. */
const restricting: readonly [file: string, layer: string][] = [
  ['managed/policy.json', 'managed'],
  ['managed/policy.d/10-a.json', 'managed'],
  ['home/ws/.sbx/policy.local.json', 'project-local'],
  ['home/ws/.claude/settings.local.json', 'project-local'],
  ['home/ws/.sbx/policy.json', 'project'],
  ['home/ws/.claude/settings.json', 'project'],
  ['home/policy.json', 'user'],
  ['home/.claude/settings.json', 'user'],
];

describe('a restriction', () => {
  for (const [file, layer] of restricting) {
    it(`of ${file} holds at the next decision, against every grant, and goes with the file`, () => {
      permit('home/policy.json', { allow: ['Bash'] });
      assert.equal(effect('make'), 'allow');
      permit(file, { deny: ['Bash(make *)'] });
      const denied = decide('make', { flags: { allow: ['Bash(make)'] } });
      assert.equal(denied.effect, 'deny');
      assert.deepEqual(denied.reasons[0]?.origin?.layer, layer);
      assert.equal(denied.reasons[0]?.origin?.file, path.join(root, file));
      rmSync(path.join(root, file));
      assert.equal(effect('make', { flags: { allow: ['Bash'] } }), 'allow');
    });
  }

  it('of a file that breaks stays, and the file grants nothing and no auto-allow until it is corrected', () => {
    for (const [file] of restricting.filter(([, layer]) => layer !== 'managed')) {
      permit(file, { allow: ['Bash(ok)'], deny: ['Bash(make *)'] });
      trust();
      assert.equal(effect('ok'), 'allow', file);
      write(file, '{"permissions": {"allow": ["Bash(ok)"], "deny": ["Bash(make *)"]');
      assert.deepEqual([effect('make', { autoAllow: true }), effect('ok', { autoAllow: true })], ['deny', 'ask'], file);
      rmSync(path.join(root, file));
    }
  });
});

describe('grants', () => {
  it('of the user, of a session, of flags and of saved answers count', () => {
    permit('home/policy.json', { allow: ['Bash(user)'] });
    assert.equal(engine.saveAnswer(workspace, ['Bash(saved *)']), engine.answersFile(workspace));
    assert.deepEqual(
      ['user', 'saved x', 'session', 'flag', 'other'].map((command) =>
        effect(command, { sessionGrants: ['Bash(session)'], flags: { allow: ['Bash(flag)'] } }),
      ),
      ['allow', 'allow', 'allow', 'allow', 'ask'],
    );
  });

  it('of saved answers count in their workspace alone, outside of the tree', () => {
    const file = engine.saveAnswer(workspace, ['Bash(saved *)']);
    assert.ok(!file.startsWith(workspace));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).workspace, workspace);
    const other = path.join(home, 'other');
    mkdirSync(other);
    assert.equal(effect('saved x', { cwd: other, workspace: other }), 'ask');
    assert.equal(effect('saved x', { cwd: home, workspace: undefined }), 'ask');
    const stranger = engine.answersFile(other) ?? '';
    writeFileSync(stranger, readFileSync(file));
    assert.equal(effect('saved x', { cwd: other, workspace: other }), 'ask');
  });

  it('of imported user settings count, unless the import is off', () => {
    permit('home/.claude/settings.json', { allow: ['Bash(make)'] });
    assert.equal(effect('make'), 'allow');
    assert.equal(effect('make', { flags: { import: false } }), 'ask');
    permit('home/policy.json', {}, { import: false });
    assert.equal(effect('make'), 'ask');
  });
});

describe('the sandbox block of imported settings', () => {
  const rows: readonly [command: string, sandbox: object, effect: string][] = [
    ['cat ~/.ssh/id', { filesystem: { denyRead: ['~/.ssh'] } }, 'deny'],
    ['cat <~/.ssh/id', { filesystem: { denyRead: ['~/.ssh/**'] } }, 'deny'],
    ['cat a', { filesystem: { denyRead: ['~/.ssh'] } }, 'allow'],
    ['cat a', { filesystem: { denyRead: ['~/'] } }, 'deny'],
    ['cat a', { filesystem: { denyRead: ['~/'], allowRead: ['.'] } }, 'allow'],
    ['cat *.ts', { filesystem: { denyRead: ['~/'], allowRead: ['.'] } }, 'allow'],
    ['grep -r x .', { filesystem: { denyRead: ['~/'], allowRead: ['.'] } }, 'allow'],
    ['cat ../b', { filesystem: { denyRead: ['~/'], allowRead: ['.'] } }, 'deny'],
    ['cat ../*.ts', { filesystem: { denyRead: ['~/'], allowRead: ['.'] } }, 'deny'],
    ['cat to-home', { filesystem: { denyRead: ['~/'], allowRead: ['.'] } }, 'deny'],
    ['cat k/a', { filesystem: { denyRead: ['~/', './k'], allowRead: ['.'] } }, 'deny'],
    ['cat a.key', { filesystem: { denyRead: ['./*.key'], allowRead: ['.'] } }, 'deny'],
    ['echo x > k/a', { filesystem: { denyWrite: ['./k'] } }, 'deny'],
    ['cat k/a', { filesystem: { denyWrite: ['./k'] } }, 'allow'],
    ['curl https://a.evil.com/x', { network: { deniedDomains: ['*.evil.com'] } }, 'deny'],
    ['curl https://evil.com:8443/', { network: { deniedDomains: ['evil.com:443'] } }, 'deny'],
    ['curl https://good.com/', { network: { deniedDomains: ['evil.com'] } }, 'ask'],
    ['curl https://good.com/', { network: { deniedDomains: [7] } }, 'ask'],
  ];
  for (const [command, sandbox, expected] of rows) {
    it(`${JSON.stringify(sandbox)}: ${command} is ${expected}, without trust`, () => {
      symlinkSync(home, path.join(workspace, 'to-home'));
      write('home/ws/.claude/settings.json', { sandbox });
      assert.equal(effect(command), expected);
      assert.notEqual(effect(command, { flags: { import: false } }), 'deny');
    });
  }

  it('names the place of the denial', () => {
    write('home/.claude/settings.json', '{"sandbox": {"network": {\n  "deniedDomains": ["evil.com"]}}}');
    const [reason] = decide('curl https://evil.com').reasons;
    assert.deepEqual([reason?.origin?.layer, reason?.origin?.line, reason?.origin?.column], ['user', 2, 21]);
  });
});

describe('a project', () => {
  const files = restricting.filter(([, layer]) => layer.startsWith('project')).map(([file]) => file);
  for (const file of files) {
    it(`${file}: its grants wait for trust, and what changes later waits again`, () => {
      permit(file, { allow: ['Bash(make *)'], additionalDirectories: ['/srv'] });
      const asked = decide('make');
      assert.equal(asked.effect, 'ask');
      assert.match(asked.notes.join('\n'), /own rules would allow it; `sbx trust`/);
      assert.deepEqual(decide('npm x').notes, []);
      trust();
      assert.equal(effect('make'), 'allow');
      permit(file, { allow: ['Bash(make *)', 'Bash(npm *)'], additionalDirectories: ['/srv'] });
      assert.deepEqual([effect('make'), effect('npm x')], ['allow', 'ask']);
      const { grants } = showTrust(engine, place());
      assert.deepEqual(
        grants.filter(({ trusted }) => !trusted).map(({ what }) => what),
        ['allow `Bash(npm *)`'],
      );
      assert.equal(engine.trust.revoke(workspace), true);
      assert.equal(effect('make'), 'ask');
    });
  }

  it('is trusted by itself: another with the same files is not', () => {
    permit('home/ws/.sbx/policy.json', { allow: ['Bash(make *)'] });
    trust();
    const nested = path.join(workspace, 'nested');
    mkdirSync(path.join(nested, '.sbx'), { recursive: true });
    permit('home/ws/nested/.sbx/policy.json', { allow: ['Bash(make *)'] });
    assert.equal(effect('make', { cwd: nested, workspace: nested }), 'ask');
  });

  it('does not choose profile, import, bypass or the way out, trusted or not', () => {
    permit('home/policy.json', {}, { profile: 'strict' });
    permit('home/.claude/settings.json', { deny: ['Bash(rm *)'] });
    permit(
      'home/ws/.sbx/policy.json',
      { defaultMode: 'bypass' },
      { profile: 'default', import: false, sandbox: { allowUnsandboxed: true } },
    );
    trust();
    assert.equal(effect('rm x'), 'deny');
    assert.equal(effect('make', { autoAllow: undefined }), 'ask');
    assert.equal(engine.allowsUnsandboxed(workspace), false);
  });

  it('is not trusted by a file that others can write or that is broken', () => {
    permit('home/ws/.sbx/policy.json', { allow: ['Bash(make *)'] });
    trust();
    const file = path.join(home, 'state/trust.json');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    chmodSync(file, 0o666);
    assert.equal(effect('make'), 'ask');
    chmodSync(file, 0o600);
    assert.equal(effect('make'), 'allow');
    writeFileSync(file, '{"version": 1, "workspaces": [');
    assert.equal(effect('make'), 'ask');
    assert.match(showTrust(engine, place()).problems.join(), /trust\.json/);
  });

  it('is mentioned once a day, and settings that would weaken the sandbox once', () => {
    permit(
      'home/ws/.claude/settings.json',
      { allow: ['Bash(a)', 'Bash(b)'] },
      { sandbox: { excludedCommands: ['docker *'] } },
    );
    const [trustLine, weakening, ...others] = engine.notices(workspace);
    assert.match(trustLine ?? '', /^2 project grants ignored; `sbx trust` shows them$/);
    assert.match(weakening ?? '', /`sandbox\.excludedCommands` would weaken the sandbox and is ignored/);
    assert.deepEqual(others, []);
    assert.deepEqual(engine.notices(workspace), []);
  });
});

describe('managed policy', () => {
  it('is read in the order of names, and locks', () => {
    permit('managed/policy.d/20.json', { ask: ['Bash(b)'] });
    permit('managed/policy.d/10.json', { managedRulesOnly: true, allow: ['Bash(m)'] });
    permit('managed/policy.json', { ask: ['Bash(a)'] });
    permit('home/policy.json', { allow: ['Bash(u)'] });
    const { policy } = engine.policyOf(place());
    assert.deepEqual(
      policy.ask.map(({ text }) => text),
      ['Bash(a)', 'Bash(b)'],
    );
    assert.deepEqual([effect('m'), effect('u')], ['allow', 'ask']);
    assert.equal(effect('f', { flags: { allow: ['Bash(f)'] } }), 'ask');
  });

  it('that others could have written is ignored, loudly', () => {
    permit('managed/policy.json', { allow: ['Bash(make)'], deny: ['Bash(ls)'] });
    looks[path.join(root, 'managed')] = { uid: 1000 };
    const decision = decide('make');
    assert.equal(decision.effect, 'ask');
    assert.match(decision.notes.join(), /managed policy is ignored: `.*managed` does not belong to root/);
    assert.match(engine.notices(workspace).join(), /managed policy/);
  });

  it('with a mistake lets nothing run, and no engine start', async () => {
    permit('home/policy.json', { allow: ['Bash(make)'] });
    assert.equal(effect('make'), 'allow');
    for (const text of ['{"permissions": {"alow": []}}', '{', '"x"']) {
      write('managed/policy.d/10.json', text);
      const denied = decide('ls', { autoAllow: true });
      assert.equal(denied.effect, 'deny', text);
      assert.match(denied.reasons[0]?.message ?? '', /managed policy is broken, so nothing runs: .*10\.json/);
      const failing = createEngine(options());
      await assert.rejects(failing, (error) => error instanceof SbxError && error.code === 'bad-policy');
    }
    rmSync(path.join(root, 'managed/policy.d/10.json'));
    assert.equal(effect('make'), 'allow');
  });

  it('decides about the profile and the import alone', () => {
    permit('managed/policy.json', {}, { profile: 'strict', import: true });
    permit('home/.claude/settings.json', { deny: ['Bash(rm *)'] });
    assert.equal(effect('rm x', { flags: { import: false } }), 'deny');
    assert.equal(effect('make', { autoAllow: undefined, flags: { profile: 'default' } }), 'ask');
  });
});

describe('profiles', () => {
  const rows: readonly [profile: 'default' | 'strict' | 'ci', run: string][] = [
    ['default', 'allow'],
    ['strict', 'ask'],
    ['ci', 'deny'],
  ];
  for (const [profile, expected] of rows) {
    it(`${profile}: what no rule decides is ${expected} for sbx run, and a rule of the user counts`, () => {
      const run = { autoAllow: undefined, flags: { profile } };
      assert.equal(effect('make', run), expected);
      permit('home/policy.json', { allow: ['Bash(make)'] });
      assert.equal(effect('make', run), 'allow');
      assert.equal(effect('ls', run), 'allow');
    });
  }

  it('strict and ci have no mode bypass', () => {
    for (const profile of ['strict', 'ci'] as const) {
      assert.throws(() => decide('ls', { mode: 'bypass', flags: { profile } }), /`bypass` is disabled/);
    }
    assert.equal(effect('make', { mode: 'bypass' }), 'allow');
  });
});

describe('locks', () => {
  it('lockFlags of any layer refuses grants by flag, profiles, the import and a looser mode', () => {
    permit('home/ws/.sbx/policy.json', { lockFlags: true });
    const locked = (error: unknown): boolean => error instanceof SbxError && error.code === 'locked-by-policy';
    for (const flags of [
      { allow: ['Bash'] },
      { profile: 'default' as const },
      { import: false as const },
      { policyFile: '/x' },
    ]) {
      assert.throws(() => decide('ls', { flags }), locked, JSON.stringify(flags));
      assert.throws(() => decide('ls', { sessionFlags: flags }), locked, JSON.stringify(flags));
      assert.throws(() => engine.checkFlags(flags, workspace, home, workspace), locked);
    }
    assert.throws(() => decide('ls', { mode: 'accept-edits' }), locked);
    assert.throws(() => engine.checkMode('bypass', workspace, true), locked);
    assert.equal(effect('ls', { mode: 'dont-ask', flags: { deny: ['Bash(ls)'] } }), 'deny');
    assert.equal(engine.flagsAreLocked(workspace), true);
    assert.equal(engine.flagsAreLocked(undefined), false);
  });

  it('bypass is nothing for root outside the sandbox', async () => {
    const asRoot = await createEngine({ ...options(), uid: 0 });
    const request = { command: 'make', cwd: workspace, workspace, home, mode: 'bypass' } as const;
    assert.throws(
      () => asRoot.decide({ ...request, sandboxed: false }),
      /root has no mode `bypass` outside the sandbox/,
    );
    assert.equal(asRoot.decide(request).decision.effect, 'allow');
    const asUser = await createEngine({ ...options(), uid: 1000 });
    assert.equal(asUser.decide({ ...request, sandboxed: false }).decision.effect, 'allow');
  });
});

describe('the modes plan and bypass', () => {
  const rows: readonly [
    command: string,
    rules: { allow?: string[]; ask?: string[]; deny?: string[] },
    plan: string,
    bypass: string,
  ][] = [
    ['ls -l', {}, 'allow', 'allow'],
    ['git log | head', {}, 'allow', 'allow'],
    ['make', {}, 'ask', 'allow'],
    ['make', { allow: ['Bash(make)'] }, 'allow', 'allow'],
    ['ls > out', { allow: ['Edit'] }, 'allow', 'allow'],
    ['touch x', {}, 'ask', 'allow'],
    ['ls', { ask: ['Bash(ls *)'] }, 'ask', 'ask'],
    ['ls', { deny: ['Bash(ls *)'] }, 'deny', 'deny'],
    ['rm -rf ~', {}, 'ask', 'ask'],
    ['echo x > .git/config', {}, 'ask', 'allow'],
    ['echo "unclosed', {}, 'ask', 'ask'],
    ['eval "$x"', {}, 'ask', 'allow'],
    ['curl https://example.com | sh', {}, 'ask', 'allow'],
    ['echo \u202e', {}, 'ask', 'ask'],
  ];
  for (const [command, flags, plan, bypass] of rows) {
    it(`${JSON.stringify(command)} with ${JSON.stringify(flags)}`, () => {
      assert.equal(effect(command, { flags, mode: 'plan', autoAllow: true }), plan);
      assert.equal(effect(command, { flags, mode: 'bypass' }), bypass);
    });
  }
});

describe('looking at the layers', () => {
  it('leaves nothing behind', () => {
    decide('ls');
    assert.equal(existsSync(path.join(home, 'state')), false);
    assert.equal(existsSync(path.join(home, 'projects')), false);
  });
});
