import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SbxError } from '../../../client/protocol/errors.ts';
import { addRules } from '../../../daemon/platform/policy-edit.ts';
import { PolicyFile, saveRules } from '../../../daemon/platform/policy-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sbx-policy-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('adding rules to the text of a policy', () => {
  it('keeps comments and layout', () => {
    const before = `{
  // mine
  "permissions": {
    "allow": [
      "Bash(a)", // first
      "Bash(b)"
    ],
    "deny": ["Bash(x)"]
  }
}
`;
    const after = addRules(before, ['Bash(b)', 'Bash(c "d")'], 'allow');
    assert.equal(after, before.replace('"Bash(b)"\n', '"Bash(b)",\n      "Bash(c \\"d\\")"\n'));
    assert.equal(addRules(after, ['Bash(b)', 'Bash(c "d")'], 'allow'), after);
  });

  for (const text of ['', '{}', '{"permissions": {}}', '{"permissions": {"allow": []}}', '// only\n{\n}\n']) {
    it(`fills in what is missing in ${JSON.stringify(text)}`, () => {
      const after = addRules(text, ['Bash(a)', 'Bash(a)', 'Bash(b)'], 'allow');
      const value = JSON.parse(after.replace('// only', '')) as unknown;
      assert.deepEqual(value, { permissions: { allow: ['Bash(a)', 'Bash(b)'] } });
    });
  }

  for (const text of [
    '{',
    '{"permissions": []}',
    '{"permissions": {"allow": "Bash(a)"}}',
    '[]',
    'null',
    '{"a": 1 "b": 2}',
  ]) {
    it(`refuses the broken text ${text}`, () => {
      assert.throws(() => addRules(text, ['Bash(a)'], 'allow'), SbxError);
    });
  }
});

describe('saving rules', () => {
  it('makes the file private and leaves nothing else behind', () => {
    const file = path.join(folder, 'new', 'policy.json');
    saveRules(file, ['Bash(a)']);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(path.dirname(file)), ['policy.json']);
  });

  it('writes through a link and keeps it', () => {
    const real = path.join(folder, 'real.json');
    const link = path.join(folder, 'link.json');
    writeFileSync(real, '{}');
    symlinkSync(real, link);
    saveRules(link, ['Bash(a)']);
    assert.match(readFileSync(real, 'utf8'), /Bash\(a\)/);
    assert.equal(readFileSync(link, 'utf8'), readFileSync(real, 'utf8'));
  });

  it('leaves a broken file as it is', () => {
    const file = path.join(folder, 'policy.json');
    writeFileSync(file, '{ broken');
    assert.throws(
      () => saveRules(file, ['Bash(a)']),
      (error) => error instanceof SbxError && error.code === 'bad-policy',
    );
    assert.equal(readFileSync(file, 'utf8'), '{ broken');
    assert.deepEqual(readdirSync(folder), ['policy.json']);
  });

  it('says why it failed', () => {
    writeFileSync(path.join(folder, 'file'), '');
    const file = path.join(folder, 'file', 'policy.json');
    assert.throws(() => saveRules(file, ['Bash(a)']), /cannot be saved.*(?:ENOTDIR|EEXIST)/);
  });
});

describe('reading a policy file', () => {
  const open = (file: string) => {
    let parses = 0;
    const policy = new PolicyFile(
      file,
      (text) => `${++parses}:${text}`,
      (message) => `unreadable: ${message}`,
    );
    return policy;
  };

  it('parses again only after a change, and notices a missing file', () => {
    const file = path.join(folder, 'policy.json');
    const policy = open(file);
    assert.equal(policy.read(), undefined);
    writeFileSync(file, 'a');
    assert.equal(policy.read(), '1:a');
    assert.equal(policy.read(), '1:a');
    writeFileSync(file, 'bb');
    assert.equal(policy.read(), '2:bb');
    rmSync(file);
    assert.equal(policy.read(), undefined);
  });

  it('does not use a file that anyone can write, until that is corrected', () => {
    const file = path.join(folder, 'policy.json');
    writeFileSync(file, 'a');
    chmodSync(file, 0o666);
    const policy = open(file);
    assert.match(policy.read() ?? '', /unreadable: anyone/);
    chmodSync(file, 0o644);
    assert.equal(policy.read(), '1:a');
  });

  it('does not wait for a pipe, and takes no folder and no bad UTF-8', () => {
    const pipe = path.join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    assert.match(open(pipe).read() ?? '', /not a regular file/);
    assert.match(open(folder).read() ?? '', /unreadable/);
    const file = path.join(folder, 'bad');
    writeFileSync(file, Buffer.from([0x7b, 0xff, 0x7d]));
    assert.match(open(file).read() ?? '', /not valid UTF-8/);
  });
});
