/** The upstream proxy: which connections take it, how it is spoken to, and that its credentials are in no message. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { isRefusal, type Refusal } from '../../../daemon/egress/model.ts';
import { matchesNoProxy, parseNoProxy } from '../../../daemon/egress/no-proxy.ts';
import { type ProxyEnvironment, readUpstreamProxy } from '../../../daemon/egress/upstream-proxy.ts';
import { makeCertificate } from '../../fixtures/certificate.ts';

const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
});

interface Proxy {
  readonly port: number;
  readonly asked: {
    readonly authority: string;
    readonly authorization: string | undefined;
    readonly host: string | undefined;
  }[];
}

/** Answers a CONNECT with a status and, where it is 200, with what it was asked for. */
async function startProxy(status = 200, server: http.Server | https.Server = http.createServer()): Promise<Proxy> {
  const asked: Proxy['asked'] = [];
  server.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
    socket.on('error', () => {});
    asked.push({
      authority: request.url ?? '',
      authorization: request.headers['proxy-authorization'],
      host: request.headers.host,
    });
    // The first bytes of the host come in the same packet.
    socket.end(`HTTP/1.1 ${status} Whatever\r\nContent-Length: 0\r\n\r\n${status === 200 ? 'hello' : ''}`);
  });
  closing.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as net.AddressInfo).port, asked };
}

const never = new AbortController().signal;

async function through(environment: ProxyEnvironment, host = 'x.com', port = 443, timeoutMs = 5000): Promise<string> {
  const proxy = readUpstreamProxy(environment);
  assert.ok(proxy !== undefined);
  const answer: net.Socket | Refusal = await proxy.connect(host, port, never, timeoutMs);
  if (isRefusal(answer)) return answer.message;
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
  return text;
}

describe('the upstream proxy', () => {
  it('is asked to connect, with the bytes that follow its answer kept', async () => {
    const { asked, port } = await startProxy();
    assert.equal(await through({ HTTPS_PROXY: `http://127.0.0.1:${port}` }), 'hello');
    assert.equal(await through({ https_proxy: `127.0.0.1:${port}` }, '2001:4860::1', 22), 'hello');
    assert.equal(await through({ http_proxy: `http://u%40d:p%3Aw@127.0.0.1:${port}/` }, 'x.com', 80), 'hello');
    const authorization = `Basic ${Buffer.from('u@d:p:w').toString('base64')}`;
    assert.deepEqual(asked, [
      { authority: 'x.com:443', authorization: undefined, host: 'x.com:443' },
      { authority: '[2001:4860::1]:22', authorization: undefined, host: '[2001:4860::1]:22' },
      { authority: 'x.com:80', authorization, host: 'x.com:80' },
    ]);
  });

  it('says what it answered, and never the credentials', async () => {
    const refusing = await startProxy(403);
    const asking = await startProxy(407);
    const messages = [
      await through({ HTTPS_PROXY: `http://me:s3cret@127.0.0.1:${refusing.port}` }),
      await through({ HTTPS_PROXY: `http://me:s3cret@127.0.0.1:${asking.port}` }),
      await through({ HTTPS_PROXY: `http://127.0.0.1:${asking.port}` }),
      await through({ HTTPS_PROXY: 'http://me:s3cret@127.0.0.1:1' }),
    ];
    assert.deepEqual(messages, [
      '`x.com:443` cannot be reached: the upstream proxy answered 403',
      '`x.com:443` cannot be reached: the upstream proxy does not take the credentials of HTTPS_PROXY',
      '`x.com:443` cannot be reached: the upstream proxy asks for credentials, and HTTPS_PROXY has none',
      '`x.com:443` cannot be reached: the upstream proxy: the connection was refused',
    ]);
  });

  it('is given up when it is silent', async () => {
    const server = net.createServer((socket) => socket.on('error', () => {}));
    closing.push(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    const message = await through({ HTTPS_PROXY: `http://127.0.0.1:${port}` }, 'x.com', 443, 50);
    assert.match(message, /does not answer within 0\.05 s/);
  });

  it('is spoken to over TLS, with an authority and a certificate of its own, and refused when nobody knows it', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sbx-proxy-'));
    closing.push(() => rmSync(folder, { recursive: true }));
    const files = makeCertificate(folder);
    const [cert, key] = [readFileSync(files.cert), readFileSync(files.key)];
    const known = await startProxy(200, https.createServer({ cert, key, ca: cert, requestCert: true }));
    const HTTPS_PROXY = `https://127.0.0.1:${known.port}`;
    const certified = { HTTPS_PROXY, SBX_PROXY_CA: files.cert, SBX_PROXY_CERT: files.cert, SBX_PROXY_KEY: files.key };
    assert.equal(await through(certified), 'hello');
    assert.equal(known.asked.length, 1);
    assert.match(await through({ HTTPS_PROXY }), /the upstream proxy: (?:DEPTH_ZERO_)?SELF_SIGNED/);
    assert.notEqual(await through({ HTTPS_PROXY, SBX_PROXY_CA: files.cert }), 'hello', 'without a client certificate');
    assert.equal(known.asked.length, 1, 'nobody else was let in');
  });

  it('tells people what it is, without credentials', () => {
    const proxy = readUpstreamProxy({
      HTTP_PROXY: 'http://plain.corp:3128',
      HTTPS_PROXY: 'https://me:s3cret@proxy.corp',
      NO_PROXY: 'localhost,.corp 10.0.0.0/8,,%%',
    });
    assert.deepEqual(proxy?.describe(), [
      'port 80 through http://plain.corp:3128 (HTTP_PROXY)',
      'other ports through https://proxy.corp:443 (HTTPS_PROXY, with credentials)',
      'directly to localhost, .corp, 10.0.0.0/8',
    ]);
  });

  it('is chosen by port and by host', () => {
    const both = readUpstreamProxy({ HTTP_PROXY: 'http://a:1', ALL_PROXY: 'http://b:1', no_proxy: 'x.com' });
    assert.deepEqual(
      [both?.isProxied('y.com', 80), both?.isProxied('y.com', 22), both?.isProxied('x.com', 22)],
      [true, true, false],
    );
    const plain = readUpstreamProxy({ HTTP_PROXY: 'http://a:1' });
    assert.deepEqual([plain?.isProxied('y.com', 80), plain?.isProxied('y.com', 443)], [true, false]);
    assert.equal(readUpstreamProxy({}), undefined);
    assert.equal(readUpstreamProxy({ HTTPS_PROXY: '', no_proxy: '*' }), undefined);
    const lower = readUpstreamProxy({ HTTPS_PROXY: 'http://upper:1', https_proxy: 'http://lower:1' });
    assert.match(lower?.describe()[0] ?? '', /lower/);
  });

  it('is an error where it cannot be read: without it would be a guess', () => {
    for (const value of [
      'socks5://s3cret@a:1',
      'http://',
      'http://a b',
      'ftp://a',
      'http://me:%zz@a:1',
      'http://me:s3cret@:1',
    ]) {
      assert.throws(
        () => readUpstreamProxy({ HTTPS_PROXY: value }),
        (error) => {
          assert.equal((error as { code?: string }).code, 'bad-environment');
          assert.doesNotMatch(String(error), /s3cret/);
          return true;
        },
        value,
      );
    }
    assert.throws(
      () => readUpstreamProxy({ HTTPS_PROXY: 'https://a', SBX_PROXY_CERT: '/nonexistent/x.pem' }),
      /SBX_PROXY_CERT/,
    );
  });
});

describe('NO_PROXY', () => {
  const rows: readonly (readonly [string, string, number, boolean])[] = [
    ['*', 'x.com', 443, true],
    ['x.com', 'x.com', 443, true],
    ['X.COM.', 'x.com', 443, true],
    ['x.com', 'a.x.com', 443, true],
    ['x.com', 'notx.com', 443, false],
    ['.x.com', 'x.com', 443, true],
    ['*.x.com', 'x.com', 443, false],
    ['*.x.com', 'a.x.com', 443, true],
    ['x.com:8080', 'x.com', 8080, true],
    ['x.com:8080', 'x.com', 443, false],
    ['10.0.0.0/8', '10.1.2.3', 443, true],
    ['10.0.0.0/8', 'x.com', 443, false],
    ['10.1.2.3', '10.1.2.3', 443, true],
    ['[fd00::1]:443', 'fd00::1', 443, true],
    ['a.com, x.com', 'x.com', 443, true],
    ['a.com x.com', 'x.com', 443, true],
    ['http://x.com', 'x.com', 443, false],
    ['', 'x.com', 443, false],
  ];
  for (const [value, host, port, expected] of rows) {
    it(`${JSON.stringify(value)} and ${host}:${port}`, () => {
      assert.equal(matchesNoProxy(parseNoProxy(value), host, port), expected);
    });
  }
});
