/** Policy files with mistakes of every kind: never a throw, never looser than without the file, and the place is named. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createEngine, type Engine, lintFiles } from '../../../daemon/offline.ts';
import { findPackageRoot } from '../../../daemon/platform/package-root.ts';

let root: string;
let home: string;
let workspace: string;
let user: string;
let engine: Engine;
before(async () => {
  const build = path.join(findPackageRoot(), '.build');
  mkdirSync(build, { recursive: true });
  root = mkdtempSync(path.join(build, 'broken-'));
  home = path.join(root, 'home');
  workspace = path.join(home, 'ws');
  user = path.join(home, 'policy.json');
  mkdirSync(path.join(workspace, '.git'), { recursive: true });
  engine = await createEngine({ home, uid: process.getuid?.(), userPolicyFile: user });
});
after(() => rmSync(root, { recursive: true, force: true }));

const decide = (command: string, autoAllow: boolean) =>
  engine.decide({ command, cwd: workspace, workspace, home, autoAllow }).decision;
const deep = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);
const grants = '"allow": ["Bash"], "autoAllow": true';
const permissions = (text: string): string => `{"permissions": {${grants}, ${text}}}`;

/** Each holds a grant of everything, where its text gets that far; none of them may let it count. */
const texts: readonly (readonly [name: string, text: string | Buffer, place: string, says: RegExp])[] = [
  ['nothing but a brace', '{', '1:2', /expected a close brace/],
  ['an end in a key', '{"permi', '1:2', /not valid JSON/],
  ['an end in a list', `{"permissions": {${grants}, "deny": ["Bash(ls)"`, '1:75', /not valid JSON/],
  ['an end after a colon', `{"permissions": {${grants}, "deny":`, '1:63', /not valid JSON/],
  ['an end in a comment', `${permissions('"ask": []')} /* and`, '1:68', /not valid JSON/],
  ['two values', `${permissions('"ask": []')} {}`, '1:68', /not valid JSON/],
  ['no comma', permissions('"ask": [] "deny": []'), '1:66', /expected a comma/],
  ['a comma too many', permissions(', "deny": []'), '1:56', /not valid JSON/],
  ['quotes of the other kind', "{'permissions': {'allow': ['Bash']}}", '1:2', /not valid JSON/],
  ['no quotes', '{permissions: {allow: [Bash]}}', '1:2', /not valid JSON/],
  ['a NUL byte', permissions('"ask": []\0'), '1:65', /not valid JSON/],
  ['a NUL byte in a rule', permissions('"deny": ["Bash(a\0b)"]'), '1:65', /not valid JSON/],
  ['a line end in a text', permissions('"deny": ["Bash(a\nb)"]'), '1:65', /not valid JSON/],
  ['an escape that is none', permissions('"deny": ["Bash(\\q)"]'), '1:65', /not valid JSON/],
  ['the wrong half of a surrogate pair', permissions('"deny": ["Bash(\\ud800"]'), '1:77', /closing/],
  ['an array', '[]', '1:1', /expected object, found array/],
  ['a text', '"Bash"', '1:1', /expected object, found `Bash`/],
  ['a number', '7', '1:1', /expected object, found `7`/],
  ['null', 'null', '1:1', /expected object, found null/],
  ['a byte order mark in the middle', `{"permissions": \ufeff{${grants}}}`, '1:17', /not valid JSON/],
  ['a no-break space', `{\u00a0"permissions": {${grants}}}`, '1:2', /not valid JSON/],
  ['a key twice', `{"permissions": {${grants}}, "permissions": {}}`, '1:57', /`permissions` stands twice/],
  ['a list twice', permissions('"deny": ["Bash(ls)"], "deny": []'), '1:78', /`deny` stands twice/],
  ['a setting twice', permissions('"lockFlags": true, "lockFlags": false'), '1:75', /`lockFlags` stands twice/],
  [
    'an unknown key at the top',
    `{"permissions": {${grants}}, "permission": {}}`,
    '1:57',
    /unknown key `permission`; did you mean `permissions`/,
  ],
  ['an unknown key of permissions', permissions('"denny": []'), '1:56', /`denny`; did you mean `deny`/],
  [
    'an unknown key of sandbox',
    `{"permissions": {${grants}}, "sandbox": {"allowShel": false}}`,
    '1:69',
    /`allowShel`; did you mean `allowShell`/,
  ],
  [
    'an unknown key of daemon',
    `{"permissions": {${grants}}, "daemon": {"idle": 1}}`,
    '1:68',
    /`idle`; known keys: idleMinutes/,
  ],
  [
    'an unknown key of a rule',
    permissions('"deny": [{"rule": "Bash(ls)", "because": "x"}]'),
    '1:86',
    /`because`; known keys: rule, /,
  ],
  [
    'a key in the wrong place',
    `{"permissions": {${grants}}, "allow": ["Bash"]}`,
    '1:57',
    /unknown key `allow`; it belongs into `permissions`/,
  ],
  ['the prototype', permissions('"__proto__": {"deny": []}'), '1:56', /unknown key `__proto__`/],
  ['a list that is a text', permissions('"deny": "Bash(ls)"'), '1:64', /expected array, found `Bash\(ls\)`/],
  ['a list that is an object', permissions('"deny": {"0": "Bash(ls)"}'), '1:64', /expected array, found object/],
  ['permissions that are a list', '{"permissions": ["Bash"]}', '1:17', /expected object, found array/],
  ['a flag that is a text', permissions('"lockFlags": "true"'), '1:69', /expected boolean, found `true`/],
  ['a flag that is a number', permissions('"disableBypass": 1'), '1:73', /expected boolean, found `1`/],
  ['a flag that is null', permissions('"lockFlags": null'), '1:69', /expected boolean, found null/],
  ['a mode that is none', permissions('"defaultMode": "yolo"'), '1:71', /expected one of/],
  ['a profile that is none', `{"permissions": {${grants}}, "profile": "strickt"}`, '1:68', /did you mean `strict`/],
  ['a folder that is empty', permissions('"additionalDirectories": [""]'), '1:82', /additionalDirectories\.0/],
  ['a folder that is a number', permissions('"additionalDirectories": [7]'), '1:82', /expected string, found `7`/],
  ['minutes below zero', `{"permissions": {${grants}}, "daemon": {"idleMinutes": -1}}`, '1:83', /idleMinutes/],
  ['minutes without end', `{"permissions": {${grants}}, "daemon": {"idleMinutes": 1e999}}`, '1:83', /found `Infinity`/],
  ['a rule that is a number', permissions('"deny": [7]'), '1:65', /a rule is a text, or an object/],
  ['a rule that is a list', permissions('"deny": [["Bash(ls)"]]'), '1:65', /a rule is a text, or an object/],
  ['a rule that is null', permissions('"deny": [null]'), '1:65', /a rule is a text, or an object/],
  ['an empty rule', permissions('"deny": [""]'), '1:66', /names no tool/],
  ['a rule of blanks', permissions('"deny": ["  "]'), '1:66', /names no tool/],
  ['an empty object of a rule', permissions('"deny": [{}]'), '1:65', /with the key `rule`/],
  ['a rule without an end', permissions('"deny": ["Bash(ls"]'), '1:73', /closing `\)` is missing; write `Bash\(ls\)`/],
  ['a rule that ends only', permissions('"deny": ["Bash ls)"]'), '1:73', /without a `\(`/],
  ['a rule without a tool', permissions('"deny": ["rm -rf *"]'), '1:66', /did you mean `Bash\(rm -rf \*\)`/],
  ['a slip in the tool', permissions('"deny": ["Bahs(ls)"]'), '1:66', /did you mean `Bash\(ls\)`/],
  ['a path that is negated', permissions('"deny": ["Read(!x)"]'), '1:71', /cannot be negated/],
  [
    'a path that leaves a folder again',
    permissions('"deny": ["Read(a/../b)"]'),
    '1:71',
    /can stand only at the beginning/,
  ],
  ['a home of somebody else', permissions('"deny": ["Read(~root/x)"]'), '1:71', /own home folder/],
  [
    'an address in place of a host',
    permissions('"deny": ["WebFetch(https://a.com)"]'),
    '1:75',
    /expected `domain:`; write `WebFetch\(domain:a\.com\)`/,
  ],
  ['a host with a blank', permissions('"deny": ["WebFetch(domain:a b)"]'), '1:82', /no part of a host name/],
  [
    'an example that does not match',
    permissions('"deny": [{"rule": "Bash(rm *)", "match": ["ls"]}]'),
    '1:98',
    /does not match `ls`; widen the rule/,
  ],
  [
    'an example that must not match',
    permissions('"deny": [{"rule": "Bash(rm *)", "notMatch": ["rm x"]}]'),
    '1:101',
    /matches `rm x`; narrow the rule/,
  ],
  [
    'an example of an allow',
    `{"permissions": {"allow": ["Bash", {"rule": "Bash(ls)", "match": ["ls -l"]}]}}`,
    '1:67',
    /does not match `ls -l`/,
  ],
  [
    'an example that is a number',
    permissions('"deny": [{"rule": "Bash(rm *)", "match": [7]}]'),
    '1:98',
    /expected string, found `7`/,
  ],
  [
    'a denial with an exemption',
    permissions('"deny": [{"rule": "Bash(a *)", "unless": ["Bash(a b)"]}]'),
    '1:97',
    /cannot weaken a deny/,
  ],
  [
    'an exemption with a mistake',
    permissions('"ask": [{"rule": "Bash(a *)", "unless": ["Bash(a"]}]'),
    '1:104',
    /closing/,
  ],
  [
    'a sandbox wish that is none',
    permissions('"ask": [{"rule": "Bash(a *)", "sandbox": "no"}]'),
    '1:97',
    /expected one of `required`, `off`, found `no`/,
  ],
  [
    'a thousand lists in each other',
    `{"permissions": {${grants}, "deny": ${deep('[', ']', 1_000)}}}`,
    '1:126',
    /nested too deeply/,
  ],
  [
    'a hundred thousand lists',
    `{"permissions": {${grants}, "deny": ${deep('[', ']', 100_000)}}}`,
    '1:126',
    /nested too deeply/,
  ],
  ['a hundred thousand objects', deep('{"a":', '1}', 100_000).replace('1}', '1'), '1:321', /nested too deeply/],
  [
    'a mistake in the second line',
    `{\n  "permissions": {\n    "allow": ["Bash"],\n    "denied": []\n  }\n}`,
    '4:5',
    /unknown key `denied`/,
  ],
  ['line ends of another system', '{\r\n  "permissions": {\r\n    "denied": []}}', '3:5', /unknown key `denied`/],
  ['lines that are long', `{"permissions": {${grants},${' '.repeat(200_000)}"x": 1}}`, '1:200055', /unknown key `x`/],
];

describe('a policy file with', () => {
  for (const [name, text, place, says] of texts) {
    it(`${name}: grants nothing, denies what it can, and says ${place}`, () => {
      rmSync(user, { force: true });
      const without = decide('make', false).effect;
      writeFileSync(user, text, { mode: 0o600 });
      for (const autoAllow of [false, true])
        assert.equal(decide('make', autoAllow).effect, without, 'nothing is looser');
      const notes = decide('make', true).notes.join('\n');
      const { findings, unreadable } = lintFiles(engine, [user]);
      const found = [...findings, ...unreadable].find(
        (each) => `${each.line}:${each.column}` === place && says.test(`${each.message}; ${each.help}`),
      );
      assert.ok(found !== undefined, JSON.stringify([findings, unreadable]).slice(0, 2000));
      assert.match(notes, new RegExp(`policy\\.json:${place}: `));
    });
  }

  it('a byte order mark at its beginning is fine', () => {
    writeFileSync(user, '\ufeff{"permissions": {"allow": ["Bash(make)"]}}');
    assert.equal(decide('make', false).effect, 'allow');
  });
});

const files: readonly (readonly [name: string, make: () => void, says: RegExp])[] = [
  ['a folder', () => mkdirSync(user), /not a regular file|EISDIR/],
  ['a named pipe', () => void execFileSync('mkfifo', [user]), /not a regular file/],
  ['a link to a device', () => symlinkSync('/dev/zero', user), /not a regular file/],
  ['a link to itself', () => symlinkSync(user, user), /ELOOP/],
  ['a link into a folder that cannot be seen', () => symlinkSync('/proc/1/root/etc/x', user), /.*/],
  [
    'more than a megabyte',
    () => writeFileSync(user, `{"permissions": {${grants}}}${' '.repeat(1_100_000)}`),
    /over \d+ bytes/,
  ],
  [
    'bytes that are not UTF-8',
    () => writeFileSync(user, Buffer.from('{"permissions": {"allow": ["Bash\xff"]}}', 'latin1')),
    /not valid UTF-8/,
  ],
  [
    'UTF-16',
    () => writeFileSync(user, Buffer.from('\ufeff{"permissions": {"allow": ["Bash"]}}', 'utf16le')),
    /not valid UTF-8/,
  ],
  [
    'rights for everybody',
    () => {
      writeFileSync(user, `{"permissions": {${grants}}}`);
      chmodSync(user, 0o666);
    },
    /anyone on this machine can write the file.*chmod o-w/,
  ],
];

describe('a policy file that is', () => {
  for (const [name, make, says] of files) {
    it(`${name}: counts as one with a mistake, and is used once it is corrected`, () => {
      rmSync(user, { recursive: true, force: true });
      make();
      for (const autoAllow of [false, true]) assert.notEqual(decide('make', autoAllow).effect, 'allow');
      const { unreadable } = lintFiles(engine, [user]);
      assert.match(unreadable.map(({ message, help }) => `${message}; ${help}`).join(), says);
      rmSync(user, { recursive: true, force: true });
      writeFileSync(user, '{"permissions": {"allow": ["Bash(make)"]}}', { mode: 0o600 });
      assert.equal(decide('make', false).effect, 'allow');
    });
  }

  it('a link to a sound file: counts', () => {
    rmSync(user, { force: true });
    const real = path.join(root, 'real.json');
    writeFileSync(real, '{"permissions": {"allow": ["Bash(make)"]}}', { mode: 0o600 });
    symlinkSync(real, user);
    assert.equal(decide('make', false).effect, 'allow');
  });
});
