/** Paths that servers read in several ways: an allow holds only where all of them agree. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  grantsRequestPath,
  parseRequestPath,
  type RequestPath,
  readings,
  restrictsRequestPath,
} from '../../../daemon/decide/network-path.ts';

function globs(...texts: readonly string[]): readonly RequestPath[] {
  return texts.map((text) => {
    const path = parseRequestPath(text);
    assert.ok(typeof path !== 'string', `${text}: ${String(path)}`);
    return path;
  });
}

/** Globs, a path, whether it is granted, whether it is restricted. */
const rows: readonly (readonly [readonly string[], string, boolean, boolean])[] = [
  [['/v1/**'], '/v1/a', true, true],
  [['/v1/**'], '/v1/a/b?x=../y', true, true],
  [['/v1/**'], '/v1/', true, true],
  [['/v1/**'], '/v1', false, false],
  [['/v1/**'], '/v10/a', false, false],
  [['/v1/*'], '/v1/a', true, true],
  [['/v1/*'], '/v1/a/b', false, false],
  [['/a.b'], '/aXb', false, false],
  [['/v1/**'], '/V1/a', false, true],
  // Escapes that mean the same in every reading.
  [['/v1/**'], '/%761/a', true, true],
  [['/a%20b'], '/a%20b', true, true],
  [['/ü'], '/%c3%bc', true, true],
  [['/a~b'], '/a%7Eb', true, true],
  // Out of the folder, for some.
  [['/v1/**'], '/v1/../admin', false, true],
  [['/v1/**'], '/v1/%2e%2e/admin', false, true],
  [['/v1/**'], '/v1/.%2E/admin', false, true],
  [['/v1/**'], '/v1/..%2fadmin', false, true],
  [['/v1/**'], '/v1/%252e%252e/admin', false, true],
  [['/v1/**'], '/v1/..\\admin', false, true],
  [['/v1/**'], '/v1/..%5cadmin', false, true],
  [['/v1/**'], '/v1/..;/admin', false, true],
  [['/v1/**'], '/v1/..;x=y/admin', false, true],
  [['/v1/**'], '/v1/..%3b/admin', false, true],
  [['/v1/**'], '/admin/../v1/a', false, true],
  [['/v1/**'], '//v1/a', false, true],
  [['/v1/**'], '/./v1/a', false, true],
  // Odd, and in the folder for all.
  [['/v1/**'], '/v1//a', true, true],
  [['/v1/**'], '/v1/a;b=c', true, true],
  [['/v1/**'], '/v1/a%2fb', true, true],
  [['/v1/**'], '/v1/a/./b', true, true],
  [['/**'], '/@types%2fnode', true, true],
  [['/@types/*'], '/@types%2fnode', false, true],
  [['/@types%2fnode', '/@types/node'], '/@types%2Fnode', true, true],
  // A restriction holds in whatever spelling.
  [['/admin'], '/x/..%2f/admin', false, true],
  [['/admin'], '//admin', false, true],
  [['/admin'], '/%61dmin;x', false, true],
  [['/admin'], '/user', false, false],
  // No path at all.
  [['/**'], '*', false, false],
  [['/**'], '', false, false],
];

describe('paths of requests', () => {
  for (const [written, path, granted, restricted] of rows) {
    it(`${written.join(' ')} and ${path}`, () => {
      assert.deepEqual(
        {
          granted: grantsRequestPath(globs(...written), path),
          restricted: restrictsRequestPath(globs(...written), path),
        },
        { granted, restricted },
      );
    });
  }

  it('an ordinary path has one reading', () => {
    assert.deepEqual(readings('/v1/users/17/photo.jpg?size=2#x'), ['/v1/users/17/photo.jpg']);
  });

  it('a long hostile path costs little', () => {
    const started = performance.now();
    grantsRequestPath(globs('/a/**/b/**/c/**/d'), `/${'%252e%252e;/..//\\'.repeat(400)}`);
    assert.ok(performance.now() - started < 2000);
  });

  it('says what is no path', () => {
    for (const text of ['v1', '', '/a?b', '/a#b', '/a b', '/a\n']) {
      assert.equal(typeof parseRequestPath(text), 'string', text);
    }
  });
});
