import assert from 'node:assert/strict';
import test from 'node:test';
import { findMissedAddress, findMissedHostPort, findMissedNetwork } from '../../../daemon/egress/blocked.ts';

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
    assert.equal(findMissedNetwork({ errorTail, hosts })?.target, target);
  });
}

const addresses: readonly [errorTail: string, target: string | undefined][] = [
  ['curl: (7) Failed to connect to 192.0.2.7 port 80 after 0 ms: Could not connect to server', '192.0.2.7'],
  ['Error: connect ENETUNREACH 192.0.2.7:443 - Local (0.0.0.0:0)', '192.0.2.7'],
  ['connect to 2001:db8::7: Network is unreachable', '2001:db8::7'],
  ['curl: (7) Failed to connect to localhost port 3000: Could not connect to server', undefined],
  ['connect ECONNREFUSED 127.0.0.1:3000', undefined],
  ['expected 192.0.2.7, got 192.0.2.8', undefined],
];
for (const [errorTail, target] of addresses) {
  test(`an address of no name: ${errorTail}`, () => {
    assert.equal(findMissedAddress({ errorTail, hosts: [] })?.target, target);
  });
}

const ports: readonly [errorTail: string, target: string | undefined][] = [
  ['curl: (7) Failed to connect to localhost port 5432 after 0 ms: Could not connect to server', 'localhost:5432'],
  ['connect ECONNREFUSED 127.0.0.1:5432', 'localhost:5432'],
  ['dial tcp [::1]:5432: connect: connection refused', 'localhost:5432'],
  ['connection to server at "localhost" (::1), port 5432 failed: Connection refused', 'localhost:5432'],
  ['connect ECONNREFUSED 127.0.0.1:5433', undefined],
  ['listening on localhost:5432', undefined],
];
for (const [errorTail, target] of ports) {
  test(`a service of the machine: ${errorTail}`, () => {
    assert.equal(findMissedHostPort({ errorTail, hosts: [] }, (port) => port === 5432)?.target, target);
  });
}
