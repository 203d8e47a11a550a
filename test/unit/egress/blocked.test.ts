import assert from 'node:assert/strict';
import test from 'node:test';
import { findNetworkViolation } from '../../../daemon/egress/blocked.ts';

const rows: readonly [what: string, errorTail: string, hosts: readonly string[], target: string | undefined][] = [
  ['curl', 'curl: (6) Could not resolve host: example.com', ['example.com'], 'example.com'],
  ['git', "fatal: unable to access 'https://h.example/x/': Could not resolve host: h.example", [], 'h.example'],
  ['npm', 'npm error getaddrinfo EAI_AGAIN registry.example', [], 'registry.example'],
  ['wget', "wget: unable to resolve host address 'a.example'", [], 'a.example'],
  ['go', 'dial tcp: lookup proxy.example on 127.0.0.53:53: server misbehaving', [], 'proxy.example'],
  ['apt', "Temporary failure resolving 'deb.example'", [], 'deb.example'],
  ['an address', 'connect: Network is unreachable', ['192.0.2.7'], '192.0.2.7'],
  ['only the words name it', 'something failed', ['h.example'], 'h.example'],
  ['a failed test', 'AssertionError: 1 !== 2', [], undefined],
  ['a closed port of the session', 'curl: (7) Failed to connect to localhost port 3000', ['localhost'], undefined],
];
for (const [what, errorTail, hosts, target] of rows) {
  test(`${what}: ${target ?? 'nothing'}`, () => {
    assert.equal(findNetworkViolation({ errorTail, hosts })?.target, target);
  });
}
