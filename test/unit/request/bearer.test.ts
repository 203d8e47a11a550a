import assert from 'node:assert/strict';
import test from 'node:test';
import { createBearerCheck } from '../../../daemon/request/bearer.ts';

const token = 'abcdefghijklmnopqrstuvwxyz-0123456789_ABC';
const check = createBearerCheck(token);

const rows: readonly [what: string, values: readonly string[], known: boolean][] = [
  ['the token', [`Bearer ${token}`], true],
  ['the scheme in small letters', [`bearer ${token}`], true],
  ['two blanks', [`Bearer  ${token}`], true],
  ['none', [], false],
  ['nothing in it', [''], false],
  ['the scheme alone', ['Bearer'], false],
  ['the scheme and a blank', ['Bearer '], false],
  ['another token', [`Bearer ${token.toUpperCase()}`], false],
  ['the beginning of it', [`Bearer ${token.slice(0, -1)}`], false],
  ['more than it', [`Bearer ${token}x`], false],
  ['something behind it', [`Bearer ${token} x`], false],
  ['no scheme', [token], false],
  ['another scheme', [`Basic ${token}`], false],
  ['a tab', [`Bearer\t${token}`], false],
  ['two in one header', [`Bearer ${token}, Bearer ${token}`], false],
  ['two headers', [`Bearer ${token}`, `Bearer ${token}`], false],
];
for (const [what, values, known] of rows) {
  test(`Authorization is ${what}: ${known ? 'known' : 'refused'}`, () => assert.equal(check(values), known));
}

test('an empty token would not open the door to an empty header', () => {
  assert.equal(createBearerCheck('')(['Bearer ']), false);
  assert.equal(createBearerCheck('')([]), false);
});
