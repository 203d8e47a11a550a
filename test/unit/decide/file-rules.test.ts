/** What the lists of a policy mean to the sandbox: where to look, what is covered, and who may say what. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { lintPolicy } from '../../../daemon/decide/lint-policy.ts';
import { mergePolicies } from '../../../daemon/decide/merge-policies.ts';
import { parsePathPattern } from '../../../daemon/decide/path-pattern.ts';
import { findScope } from '../../../daemon/decide/path-scope.ts';
import { keepTrusted, listGrants } from '../../../daemon/decide/project-grants.ts';
import { filePolicy, type Layer, readLayer } from '../../fixtures/file-policy.ts';

const places = { home: '/home/ann', workspace: '/w/app' };

describe('scope', () => {
  const rows: readonly [
    pattern: string,
    intent: 'grant' | 'restrict',
    top: string,
    literal: boolean,
    covers: readonly string[],
    not: readonly string[],
  ][] = [
    ['//srv/data', 'restrict', '/srv/data', true, ['/srv/data', '/srv/data/x/y'], ['/srv/data2', '/srv']],
    ['//srv/data/**', 'restrict', '/srv/data', true, ['/srv/data', '/srv/data/x'], ['/srv/database']],
    ['//srv/data/', 'grant', '/srv/data', true, ['/srv/data/x'], ['/srv/dat']],
    ['~/x', 'grant', '/home/ann/x', true, ['/home/ann/x'], ['/home/bob/x']],
    ['~/', 'grant', '/home/ann', true, ['/home/ann', '/home/ann/x'], ['/home/anna']],
    ['//', 'restrict', '/', true, ['/', '/etc'], []],
    ['..', 'grant', '/w', true, ['/w', '/w/other'], ['/x']],
    ['../lib', 'grant', '/w/lib', true, ['/w/lib/a'], ['/w/app/lib']],
    ['/x', 'restrict', '/policies/x', true, ['/policies/x'], ['/x']],
    ['.env', 'restrict', '/w/app', false, ['/w/app/.env', '/w/app/a/b/.env'], ['/w/app/.envrc', '/w/.env']],
    ['*.key', 'restrict', '/w/app', false, ['/w/app/a.key', '/w/app/a/b.key'], ['/w/app/key']],
    [
      'conf/*.key',
      'restrict',
      '/w/app/conf',
      false,
      ['/w/app/conf/a.key'],
      ['/w/app/conf/a/b.key', '/w/app/x/conf/a.key'],
    ],
    ['secrets/', 'restrict', '/w/app', false, ['/w/app/secrets', '/w/app/a/secrets'], ['/w/app/secret']],
    ['//srv/????', 'restrict', '/srv', false, ['/srv/abcd'], ['/srv/abc', '/srv']],
    ['//srv/*', 'restrict', '/srv', true, ['/srv', '/srv/a'], ['/srvx']],
    ['//srv/**/id_*', 'restrict', '/srv', false, ['/srv/id_a', '/srv/a/b/id_c'], ['/srv/a']],
    ['a\\*b', 'grant', '/w/app', false, ['/w/app/a*b'], ['/w/app/axb']],
  ];
  for (const [text, intent, top, literal, covers, not] of rows) {
    test(`${intent} ${text}`, () => {
      const pattern = parsePathPattern(text, '/policies');
      assert.ok(typeof pattern !== 'string', String(pattern));
      const scope = findScope(pattern, intent, places);
      assert.deepEqual([scope?.top, scope?.literal], [top, literal]);
      for (const path of covers) assert.equal(scope?.covers(path), true, path);
      for (const path of not) assert.equal(scope?.covers(path), false, path);
    });
  }

  test('a folder that can hold no match is not looked into', () => {
    const pattern = parsePathPattern('//srv/*/etc/*.key', '/');
    const scope = typeof pattern === 'string' ? undefined : findScope(pattern, 'restrict', places);
    assert.deepEqual(
      ['/', '/srv', '/srv/a', '/srv/a/etc', '/srv/a/b', '/home'].map((folder) => scope?.mayHold(folder)),
      [true, true, true, true, false, false],
    );
  });

  test('without a workspace a relative pattern is about nothing', () => {
    const pattern = parsePathPattern('.env', '/');
    assert.equal(
      typeof pattern === 'string' ? '' : findScope(pattern, 'restrict', { ...places, workspace: undefined }),
      undefined,
    );
  });
});

const lists = (list: string, ...entries: string[]): object => ({ sandbox: { filesystem: { [list]: entries } } });

describe('what no sandbox can hold is an error with its place and a remedy', () => {
  for (const [list, entry] of [
    ['denyRead', '//**/*.key'],
    ['denyWrite', '~/**/x'],
    ['allowWrite', '~/out/*.log'],
    ['allowWrite', '//srv/**/out/'],
    ['denyRead', 'a/../b'],
    ['denyRead', '!x'],
    ['denyRead', '~bob/x'],
  ] as const) {
    test(`${list} ${entry}`, () => {
      const { problems } = readLayer('user', lists(list, entry));
      assert.equal(problems.length, 1);
      assert.match(problems[0]?.message ?? '', /`/);
      assert.ok((problems[0]?.help ?? '') !== '' && problems[0]?.origin.line === 1);
    });
  }
  for (const [list, entry] of [
    ['denyRead', '//srv/**/*.key'],
    ['denyRead', '~/*.key'],
    ['denyWrite', '*.lock'],
    ['allowWrite', '~/out-*/'],
    ['allowWrite', '~/out/**'],
    ['allowRead', '~/.aws/conf*'],
  ] as const) {
    test(`${list} ${entry} is none`, () => assert.deepEqual(readLayer('user', lists(list, entry)).problems, []));
  }
  for (const [what, policy] of [
    ['a list that is none', { sandbox: { filesystem: { denyRead: 'x' } } }],
    ['an empty text', lists('denyRead', '')],
    ['an unknown list', { sandbox: { filesystem: { denyreads: [] } } }],
  ] as const) {
    test(what, () => assert.equal(readLayer('user', policy).problems.length, 1));
  }
});

describe('who may say what', () => {
  const effects = (...layers: [Layer, object][]): string[] =>
    filePolicy(
      layers.map(([name, policy]) => readLayer(name, policy)),
      places,
    ).rules.map((rule) => `${rule.effect} ${rule.top} ${rule.rank}`);

  test('lists of all layers unite, with the rules of the policy', () => {
    assert.deepEqual(
      effects(
        ['managed', lists('denyWrite', '//srv/a')],
        [
          'user',
          { ...lists('allowWrite', '//srv'), permissions: { deny: ['Read(~/x)', 'Edit(~/y)', 'Read', 'Bash(x)'] } },
        ],
      ),
      ['pin /srv/a 3', 'open /srv 2', 'hide /home/ann/x 2', 'pin /home/ann/y 2'],
    );
  });

  test('allowed edits and further folders open nothing', () => {
    assert.deepEqual(
      effects(['user', { permissions: { allow: ['Edit(//srv/**)'], additionalDirectories: ['/srv'] } }]),
      [],
    );
  });

  test('`unprotect` of a project has no effect, and is said', () => {
    const project = readLayer('project', { sandbox: { unprotect: ['.vscode'] } });
    const merged = mergePolicies([project]);
    assert.deepEqual(merged.files, []);
    assert.match(merged.notes[0]?.message ?? '', /unprotect/);
    assert.equal(mergePolicies([readLayer('user', { sandbox: { unprotect: ['.vscode'] } })]).files.length, 1);
  });

  test('what a project grants waits for trust, what it denies holds', () => {
    const filesystem = { denyRead: ['a'], allowRead: ['b'], denyWrite: ['c'], allowWrite: ['../d'] };
    const project = readLayer('project', { sandbox: { filesystem } });
    assert.deepEqual(
      listGrants(project).map(({ what }) => what),
      ['read `b` in the sandbox', 'write `../d` in the sandbox'],
    );
    const kept = (isTrusted: (what: string) => boolean): string[] =>
      keepTrusted(project, ({ what }) => isTrusted(what)).parsed.files.map(({ text }) => text);
    assert.deepEqual(
      kept(() => false),
      ['a', 'c'],
    );
    assert.deepEqual(
      kept((what) => what.includes('../d')),
      ['a', 'c', '../d'],
    );
    assert.deepEqual(
      kept(() => true),
      ['a', 'b', 'c', '../d'],
    );
  });

  test('a file with a mistake grants nothing and keeps its denials; a lock takes grants away', () => {
    const broken = readLayer('user', { ...lists('denyRead', 'a'), nonsense: 1 });
    const granting = readLayer('user', { ...lists('allowWrite', '//srv/x'), nonsense: 1 });
    assert.deepEqual(
      mergePolicies([broken, granting]).files.map(({ text }) => text),
      ['a'],
    );
    const lock = readLayer('managed', { permissions: { managedRulesOnly: true } });
    const sound = readLayer('user', lists('allowWrite', '//srv/x'));
    assert.deepEqual(mergePolicies([lock, sound]).files, []);
    assert.equal(mergePolicies([sound]).files.length, 1);
  });

  test('a path that looks absolute and is not is linted, in these lists too', () => {
    const lint = (entry: string): readonly string[] =>
      lintPolicy(mergePolicies([readLayer('user', lists('denyRead', entry))]), () => undefined).map(({ id }) => id);
    assert.deepEqual([lint('/etc/secret'), lint('//etc/secret'), lint('/conf')], [['looks-absolute'], [], []]);
  });

  test('the key changes with the meaning', () => {
    const key = (policy: object): string => filePolicy([readLayer('user', policy)], places).key;
    assert.notEqual(key(lists('denyRead', '//a')), key(lists('denyRead', '//b')));
    assert.equal(key(lists('denyRead', '//a')), key(lists('denyRead', '//a')));
  });
});
