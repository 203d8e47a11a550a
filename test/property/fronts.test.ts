/**
 * Laws of the readers that hostile bytes meet first: none throws, none changes its mind with how the bytes are cut, and a
 * request that ours takes is the same one to the reader of Node's own server (llhttp).
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import '../fixtures/seed.ts';
import { readClientHello } from '../../daemon/egress/client-hello.ts';
import { answerDns } from '../../daemon/egress/dns-front.ts';
import { openBody, type Scanned } from '../../daemon/egress/http-body.ts';
import { readRequestPassage, readResponsePassage } from '../../daemon/egress/http-framing.ts';
import {
  type Fault,
  findHeadEnd,
  isFault,
  parseRequestHead,
  parseResponseHead,
} from '../../daemon/egress/http-head.ts';
import { readSocksGreeting, readSocksRequest } from '../../daemon/egress/socks-message.ts';
import { extension, helloMessage, record, serverName } from '../fixtures/client-hello.ts';

const bytes = fc.uint8Array({ maxLength: 200 }).map((each) => Buffer.from(each));

/** Good bytes with something done to them. */
function near(good: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(good, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 3 }), fc.nat(600))
    .map(([start, changes, end]) => {
      const changed = Buffer.from(start);
      for (const [at, byte] of changes) if (at < changed.length) changed[at] = byte;
      return changed.subarray(0, end);
    });
}

const hostName = fc.stringMatching(/^[a-z0-9-]{1,20}(\.[a-z]{1,10}){0,2}$/);
const hello = fc
  .tuple(hostName, fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 }))
  .map(([name, cuts]) => {
    const message = helloMessage([extension(10, Buffer.alloc(4)), serverName(name)]);
    const records: Buffer[] = [];
    let at = 0;
    for (const cut of [...cuts, message.length]) {
      if (at < message.length) records.push(record(message.subarray(at, at + cut)));
      at += cut;
    }
    return { name, bytes: Buffer.concat(records) };
  });

test('a ClientHello says the same name however it is cut into records, and any bytes one of three answers', () => {
  fc.assert(
    fc.property(hello, ({ name, bytes }) => {
      assert.deepEqual(readClientHello(bytes, 65_536), { sni: name });
    }),
  );
  fc.assert(
    fc.property(fc.oneof(near(hello.map((each) => each.bytes)), bytes), bytes, (start, more) => {
      const answer = readClientHello(start, 65_536);
      const longer = readClientHello(Buffer.concat([start, more]), 65_536);
      // What was decided does not change with what follows in the same stream.
      if (answer === 'malformed') assert.equal(longer, 'malformed');
    }),
    { numRuns: 500 },
  );
});

test('SOCKS messages: any bytes have an answer, which more bytes do not change', () => {
  const request = fc
    .tuple(fc.constantFrom(1, 3, 4), bytes, fc.nat(65_535))
    .map(([kind, address, port]) =>
      Buffer.concat([Buffer.from([5, 1, 0, kind, address.length]), address, Buffer.from([port >> 8, port & 255])]),
    );
  fc.assert(
    fc.property(fc.oneof(near(request), bytes), bytes, (start, more) => {
      for (const read of [readSocksGreeting, readSocksRequest]) {
        const answer = read(start);
        if (answer === 'more') continue;
        if (answer !== 'malformed' && 'host' in answer && answer.host === undefined) continue;
        assert.deepEqual(read(Buffer.concat([start, more])), answer);
      }
    }),
    { numRuns: 500 },
  );
});

test('DNS: any bytes have a short answer or none, and never a name that was not asked for', () => {
  const question = fc.tuple(hostName, fc.nat(65_535)).map(([name, type]) => {
    const labels = name.split('.').map((each) => Buffer.from(`${String.fromCharCode(each.length)}${each}`));
    const end = Buffer.from([0, type >> 8, type & 255, 0, 1]);
    return Buffer.concat([Buffer.from([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), ...labels, end]);
  });
  fc.assert(
    fc.property(fc.oneof(near(question), question, bytes), (message) => {
      const names = {
        addressOf: (name: string) => {
          assert.match(name, /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/);
          return '127.65.0.7';
        },
        nameOf: () => undefined,
      };
      const answer = answerDns(message, names);
      assert.ok(answer === undefined || (answer.length <= 600 && answer.readUInt16BE(0) === message.readUInt16BE(0)));
    }),
    { numRuns: 1000 },
  );
});

test('a body ends at the same byte however it is cut, and none reads beyond', () => {
  const chunks = fc.array(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 6 }).map((parts) => {
    const texts = parts.map((part) => Buffer.from(part));
    const coded = texts.flatMap((text) => [Buffer.from(`${text.length.toString(16)}\r\n`), text, Buffer.from('\r\n')]);
    return Buffer.concat([...coded, Buffer.from('0\r\nX-Sum: 1\r\n\r\n')]);
  });
  const rules = { maxTrailerBytes: 1000, allowExtensions: false };
  const follow = (all: Buffer, step: number): string => {
    const body = openBody({ kind: 'chunked' }, rules);
    assert.ok(body);
    let used = 0;
    for (let at = 0; at < all.length; at += step) {
      const part = all.subarray(at, at + step);
      const scanned: Scanned | Fault = body.scan(part);
      if (isFault(scanned)) return 'fault';
      used += scanned.used;
      if (scanned.isDone) return `done at ${used}`;
      assert.equal(scanned.used, part.length);
    }
    return 'more';
  };
  fc.assert(
    fc.property(fc.oneof(chunks, near(chunks), bytes), fc.integer({ min: 1, max: 30 }), bytes, (body, step, more) => {
      const all = Buffer.concat([body, more]);
      const whole = follow(all, all.length || 1);
      assert.equal(follow(all, step), whole);
      assert.equal(follow(all, 1), whole);
    }),
    { numRuns: 500 },
  );
});

const token = fc.stringMatching(/^[A-Za-z-]{1,8}$/);
const oddText = fc.string({ maxLength: 12, unit: fc.constantFrom(...' \t\r\n:,;=/?#\\"\0\x7f\x80abcXYZ0129') });
const field = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(token, oddText).map(([name, value]) => `${name}:${value}`) },
  { weight: 3, arbitrary: fc.stringMatching(/^X: [ -~\t\x80-\xff]{0,12}$/) },
  fc.constantFrom(
    'Content-Length: 3',
    'Content-Length: 03',
    'Content-Length: 3, 3',
    'Content-Length: 0x3',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: Chunked ',
    'Transfer-Encoding:\tchunked',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding : chunked',
    ' folded',
    'Connection: close',
    'Expect: x',
  ),
  oddText,
);
const requestHead = fc
  .tuple(
    fc.oneof({ weight: 9, arbitrary: fc.constantFrom('GET', 'POST', 'PUT') }, fc.constantFrom('FOO', 'get'), oddText),
    fc.oneof({ weight: 9, arbitrary: fc.constantFrom('/', '/a?b', 'http://h/x', '*') }, oddText),
    fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom('HTTP/1.1', 'HTTP/1.0') },
      fc.constantFrom('HTTP/2.0', 'HTTP/1.1 ', 'http/1.1'),
    ),
    fc.array(field, { maxLength: 4 }),
    fc.oneof({ weight: 9, arbitrary: fc.constant('\r\n') }, fc.constant('\n')),
  )
  .map(([method, target, version, fields, end]) =>
    Buffer.from([`${method} ${target} ${version}`, 'Host: h', ...fields, '', ''].join(end), 'latin1'),
  );

test('what our reader takes for a request, llhttp takes for the same one', async (t) => {
  const seen: { method?: string; target?: string; fields: string[]; body: string }[] = [];
  const server = http.createServer({ keepAlive: false }, (request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => {
      body += part.toString('latin1');
    });
    request.on('end', () => {
      const { method = '', url: target = '', rawHeaders: fields } = request;
      seen.push({ method, target, fields, body });
      response.end();
    });
  });
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(requestHead, async (bytes) => {
      const end = findHeadEnd(bytes, 0);
      if (end < 0) return;
      const head = parseRequestHead(bytes.subarray(0, end));
      if (isFault(head)) return;
      const passage = readRequestPassage(head);
      // llhttp knows a fixed list of methods; what is unknown to it proves nothing.
      if (isFault(passage) || !http.METHODS.includes(head.method) || head.method === 'CONNECT') return;
      // The form of a target is checked by who asks for it.
      if (!/^(?:\/[^#]*|http:\/\/h\/[^#]*|\*)$/.test(head.target)) return;
      taken += 1;
      const { kind } = passage.framing;
      const length = passage.framing.kind === 'length' ? passage.framing.bytes : 0;
      const body = kind === 'chunked' ? '3\r\nabc\r\n0\r\n\r\n' : 'x'.repeat(length);
      const socket = net.connect({ port, host: '127.0.0.1' });
      socket.on('error', () => {});
      socket.resume();
      seen.length = 0;
      // Another request behind it: whoever ends the first one elsewhere sees it differently.
      socket.write(Buffer.concat([bytes.subarray(0, end), Buffer.from(body, 'latin1')]));
      socket.end('GET /next HTTP/1.1\r\nHost: h\r\n\r\n');
      await once(socket, 'close');
      assert.deepEqual(
        { method: seen[0]?.method, target: seen[0]?.target, body: seen[0]?.body, fields: seen[0]?.fields },
        {
          method: head.method,
          target: head.target,
          body: kind === 'chunked' ? 'abc' : body,
          fields: head.fields.flatMap(({ name, value }) => [name, value]),
        },
        JSON.stringify(bytes.toString('latin1')),
      );
      if (passage.keepAlive) assert.equal(seen[1]?.target, '/next', JSON.stringify(bytes.toString('latin1')));
    }),
    { numRuns: 2000 },
  );
  assert.ok(taken > 300, `only ${taken} were requests`);
});

test('any head of an answer is read or refused', () => {
  const line = fc.oneof(fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.0 404', 'HTTP/1.1 101 X', 'HTTP/3 200'), oddText);
  fc.assert(
    fc.property(line, fc.array(field, { maxLength: 5 }), fc.constantFrom('GET', 'HEAD'), (first, fields, method) => {
      const bytes = Buffer.from([first, ...fields, '', ''].join('\r\n'), 'latin1');
      const head = parseResponseHead(bytes.subarray(0, findHeadEnd(bytes, 0)));
      if (isFault(head)) return assert.equal(head.status, 502);
      const passage = readResponsePassage(head, method);
      if (isFault(passage)) return assert.equal(passage.status, 502);
      assert.doesNotMatch(passage.lines, /[\0\r](?!\n)|^(?:connection|transfer-encoding|upgrade):/im);
    }),
    { numRuns: 500 },
  );
});
