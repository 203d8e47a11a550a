import assert from 'node:assert/strict';
import test from 'node:test';
import { maxNames, openNames } from '../../../daemon/egress/run-names.ts';

test('a name has one address, an address one name, for as long as the run lives', () => {
  const names = openNames('127.64');
  const first = names.addressOf('a.test');
  assert.equal(first, '127.64.0.1');
  assert.equal(names.addressOf('b.test'), '127.64.0.2');
  assert.equal(names.addressOf('a.test'), first);
  assert.equal(names.nameOf('127.64.0.1'), 'a.test');
  for (const other of ['127.64.0.3', '127.64.0.0', '127.64.0.255', '127.65.0.1', '127.1.0.1', '', '127.64.0']) {
    assert.equal(names.nameOf(other), undefined, other);
  }
  for (const own of ['127.0.0.1', '::1']) assert.equal(names.nameOf(own), 'localhost');
});

test('names without end get no more addresses, and the first keep theirs', () => {
  const names = openNames('127.70');
  const given = new Set<string>();
  for (let index = 0; index < maxNames; index++) given.add(names.addressOf(`${index}.test`) ?? assert.fail());
  assert.equal(given.size, maxNames);
  assert.equal(names.addressOf('one-more.test'), undefined);
  assert.equal(names.nameOf(names.addressOf(`${maxNames - 1}.test`) ?? ''), `${maxNames - 1}.test`);
  assert.ok([...given].every((address) => !/\.(?:0|255)$/.test(address)));
});
