// The token's file, read as the daemon and the client read it, and made as the daemon makes it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { readTokenFile } from '../../../client/protocol/token-file.ts';
import { defaultTokenFile, ensureTokenFile } from '../../../daemon/request/default-token.ts';

const uid = process.getuid?.() ?? -1;
const token = 'abcdefghijklmnopqrstuvwxyz012345';

function folder(t: TestContext): string {
  const made = mkdtempSync('/tmp/sbx-token-');
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}
function write(t: TestContext, text: string, mode = 0o600): string {
  const file = path.join(folder(t), 'token');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}
const read = (file: string) => readTokenFile(file, uid, 'bad-listen');
const refusal = (message: RegExp) => ({ code: 'bad-listen', message, help: /./ });

const good: readonly [what: string, text: string][] = [
  ['32 characters', token],
  ['a line end', `${token}\n`],
  ['a line end of Windows', `${token}\r\n`],
  ['every kind of character', `Az09-._~+/${token}==`],
  ['1024 characters', 'a'.repeat(1024)],
];
for (const [what, text] of good) {
  test(`a token file with ${what}`, (t) => assert.equal(read(write(t, text)), text.trimEnd()));
}

const bad: readonly [what: string, text: string, message: RegExp][] = [
  ['nothing', '', /is empty/],
  ['a line end alone', '\n', /is empty/],
  ['31 characters', token.slice(1), /shorter than 32/],
  ['a blank inside', `${token} ${token}`, /blank/],
  ['a blank at the start', ` ${token}`, /blank/],
  ['a blank at the end', `${token} `, /blank/],
  ['a tab', `${token}\t${token}`, /blank/],
  ['two lines', `${token}\n${token}\n`, /blank/],
  ['two line ends', `${token}\n\n`, /blank/],
  ['a letter beyond ASCII', `${token}é`, /character/],
  ['a NUL', `${token}\0`, /character/],
  ['a quote', `"${token}"`, /character/],
  ['more than 1024 characters', 'a'.repeat(1025), /longer than 1024/],
  ['a megabyte', 'a'.repeat(1024 * 1024), /longer than 1024/],
];
for (const [what, text, message] of bad) {
  test(`a token file with ${what} is refused, and the text is not repeated`, (t) => {
    const file = write(t, text);
    assert.throws(
      () => read(file),
      (error: Error) => {
        assert.ok(!error.message.includes(token.slice(1)));
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666]) {
  test(`mode ${mode.toString(8)} is refused`, (t) => {
    const file = write(t, token, mode);
    assert.throws(() => read(file), refusal(/has mode/));
    chmodSync(file, 0o600);
    assert.equal(read(file), token);
  });
}
test('mode 400 is as good as 600', (t) => assert.equal(read(write(t, token, 0o400)), token));

test('a file of another account is refused', { skip: uid !== 0 }, (t) => {
  const file = write(t, token);
  chownSync(file, 12345, 12345);
  assert.throws(() => read(file), refusal(/belongs to user id 12345/));
});

test('a link is refused, the file that it leads to is not', (t) => {
  const file = write(t, token);
  symlinkSync(file, `${file}.link`);
  assert.throws(() => read(`${file}.link`), refusal(/symbolic link/));
  assert.equal(read(file), token);
});

test('what is no file is refused, and a pipe keeps nobody waiting', (t) => {
  const place = folder(t);
  assert.throws(() => read(path.join(place, 'none')), refusal(/does not exist/));
  mkdirSync(path.join(place, 'folder'));
  assert.throws(() => read(path.join(place, 'folder')), refusal(/no regular file/));
  assert.equal(spawnSync('mkfifo', ['-m', '600', path.join(place, 'pipe')]).status, 0);
  assert.throws(() => read(path.join(place, 'pipe')), refusal(/no regular file/));
});

test('the default file is made once, private and good', (t) => {
  const file = defaultTokenFile(folder(t));
  const mask = process.umask(0);
  try {
    ensureTokenFile(file);
  } finally {
    process.umask(mask);
  }
  assert.equal(lstatSync(file).mode & 0o777, 0o600);
  const made = read(file);
  assert.equal(Buffer.from(made, 'base64url').length, 32);
  ensureTokenFile(file);
  assert.equal(read(file), made);
});

test('a link where the default file should be is neither followed nor trusted', (t) => {
  const place = folder(t);
  const file = defaultTokenFile(place);
  symlinkSync(path.join(place, 'elsewhere'), file);
  ensureTokenFile(file);
  assert.equal(lstatSync(path.join(place, 'elsewhere'), { throwIfNoEntry: false }), undefined);
  assert.throws(() => read(file), refusal(/symbolic link/));
});

test('a folder that is not there is one clear error', (t) => {
  assert.throws(() => ensureTokenFile(path.join(folder(t), 'none', 'token')), refusal(/cannot be made/));
});

test('two default files are not alike', (t) => {
  const [one, two] = [defaultTokenFile(folder(t)), defaultTokenFile(folder(t))];
  ensureTokenFile(one);
  ensureTokenFile(two);
  assert.notEqual(readFileSync(one, 'utf8'), readFileSync(two, 'utf8'));
});
