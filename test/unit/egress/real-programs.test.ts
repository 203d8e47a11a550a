/**
 * Programs that people use, through the fronts: against an allowed host they work as without a proxy, and where the answer is
 * no, what they print says so. Servers are the test's own; a program that is not installed is skipped by name.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { makeCertificate } from '../../fixtures/certificate.ts';
import { denied, listen, openBench } from '../../fixtures/front-bench.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sbx-programs-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const git = (...args: readonly string[]): void => {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@h.example', '-c', 'init.defaultBranch=main'];
  const made = spawnSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
};

const javaProgram = `
import java.net.*;
import java.net.http.*;
public class Get {
  public static void main(String[] args) throws Exception {
    var client = HttpClient.newBuilder().proxy(ProxySelector.of(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])))).build();
    var answer = client.send(HttpRequest.newBuilder(URI.create(args[1])).build(), HttpResponse.BodyHandlers.ofString());
    System.out.println(answer.statusCode() + " " + answer.body());
  }
}`;

const pythonGet = `
import sys, urllib.request, ssl
context = ssl._create_unverified_context()
opener = urllib.request.build_opener(urllib.request.ProxyHandler(), urllib.request.HTTPSHandler(context=context))
print(opener.open(sys.argv[1], timeout=10).read().decode())`;

git('init', '-q', 'origin');
git('-C', 'origin', 'commit', '-q', '--allow-empty', '-m', 'first');
git('clone', '-q', '--bare', 'origin', 'site.git');
// What a server needs that only serves files.
git('-C', 'site.git', 'update-server-info');
writeFileSync(path.join(folder, 'Get.java'), javaProgram);

interface Row {
  readonly program: string;
  readonly args: (url: (scheme: 'http' | 'https') => string, port: number) => readonly string[];
  /** In what it prints when the host is allowed. */
  readonly works: RegExp;
  /** In what it prints when it is not. */
  readonly refused: RegExp;
}

const rows: readonly Row[] = [
  {
    program: 'curl',
    args: (url) => ['-sS', '--fail-with-body', `${url('http')}/small`],
    works: /^small$/,
    refused: /no rule allows/,
  },
  { program: 'curl', args: (url) => ['-sSk', `${url('https')}/small`], works: /^small$/, refused: /response 403/ },
  {
    program: 'curl',
    args: (url, port) => ['-sSk', '-p', '-x', `http://127.0.0.1:${port}`, `${url('http')}/small`],
    works: /^small$/,
    refused: /response 403/,
  },
  {
    program: 'curl',
    args: (url) => ['-sS', '-H', 'Expect: 100-continue', '-d', 'x'.repeat(3000), `${url('http')}/echo`],
    works: /^x{3000}$/,
    refused: /no rule allows/,
  },
  {
    program: 'curl',
    args: (url) => [
      '-sS',
      '-T',
      path.join(folder, 'Get.java'),
      '-H',
      'Transfer-Encoding: chunked',
      `${url('http')}/echo`,
    ],
    works: /HttpClient/,
    refused: /no rule allows/,
  },
  {
    program: 'wget',
    args: (url) => ['-nv', '-O-', `${url('http')}/small`],
    works: /small/,
    refused: /403: refused by sbx: no rule allows/,
  },
  {
    program: 'wget',
    args: (url) => ['-nv', '--no-check-certificate', '-O-', `${url('https')}/small`],
    works: /small/,
    refused: /refused by sbx: no rule allows/,
  },
  {
    program: 'git',
    args: (url) => ['-c', 'http.sslVerify=false', 'ls-remote', `${url('https')}/site.git`],
    works: /refs\/heads\/main/,
    refused: /403/,
  },
  {
    program: 'git',
    args: (url) => ['ls-remote', `${url('http')}/site.git`],
    works: /refs\/heads\/main/,
    refused: /403/,
  },
  {
    program: 'python3',
    args: (url) => ['-c', pythonGet, `${url('http')}/small`],
    works: /small/,
    refused: /HTTP Error 403: refused by sbx: no rule allows/,
  },
  {
    program: 'python3',
    args: (url) => ['-c', pythonGet, `${url('https')}/small`],
    works: /small/,
    refused: /Tunnel connection failed: 403 refused by sbx: no rule allows/,
  },
  {
    program: 'pip',
    args: (url) => [
      'download',
      '--no-deps',
      '--no-cache-dir',
      '--retries',
      '1',
      '--disable-pip-version-check',
      '-d',
      path.join(folder, 'wheels'),
      '--trusted-host',
      new URL(url('https')).hostname,
      '-i',
      `${url('https')}/simple`,
      'sbx-probe',
    ],
    // The index answers; what it has is no package.
    works: /No matching distribution found/,
    refused: /403 refused by sbx: no rule allows/,
  },
  {
    program: 'npm',
    args: (url) => [
      'view',
      'probe',
      'version',
      '--registry',
      `${url('https')}/npm`,
      '--strict-ssl=false',
      '--fetch-retries=0',
    ],
    works: /^1\.2\.3$/m,
    refused: /403/,
  },
  {
    program: 'java',
    args: (url, port) => [path.join(folder, 'Get.java'), String(port), `${url('http')}/small`],
    works: /^200 small/,
    refused: /^403 .*no rule allows/,
  },
];

for (const { program, args, works, refused } of rows) {
  const sample = args((scheme) => `${scheme}://h.example`, 1);
  const shown = sample.filter((arg) => arg.length < 40).join(' ');
  const isThere = spawnSync(program, ['--version'], { stdio: 'ignore', timeout: 20_000 }).error === undefined;
  test(`${program} ${shown}`, { skip: isThere ? false : `${program} is not installed` }, async (t) => {
    const serve = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      const url = new URL(request.url ?? '/', 'http://h');
      if (url.pathname === '/echo') request.pipe(response);
      else if (url.pathname === '/small') response.end('small');
      else if (url.pathname === '/npm/probe') response.end(JSON.stringify(npmPackage));
      else if (url.pathname.startsWith('/simple/'))
        response.setHeader('Content-Type', 'text/html').end('<html></html>');
      else if (url.pathname.startsWith('/site.git/')) {
        try {
          response.end(readFileSync(path.join(folder, url.pathname)));
        } catch {
          response.writeHead(404).end();
        }
      } else response.writeHead(404).end();
    };
    const { cert, key } = makeCertificate(folder);
    const plain = await listen(t, http.createServer(serve));
    const secure = await listen(t, https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, serve));
    const bench = openBench(t, ({ host, port }) => {
      if (host !== 'allowed.example') return denied;
      return port === 443 ? { port: secure, speaks: 'tls' } : { port: plain, speaks: 'http' };
    });
    const proxyPort = await bench.portOf('serveHttp');
    const run = async (host: string): Promise<{ status: number; text: string }> => {
      const proxy = `http://127.0.0.1:${proxyPort}`;
      const env = {
        ...{ PATH: process.env['PATH'], HOME: folder, http_proxy: proxy, https_proxy: proxy, HTTP_PROXY: proxy },
        ...{ HTTPS_PROXY: proxy, GIT_TERMINAL_PROMPT: '0', npm_config_update_notifier: 'false' },
        ...{ PYENV_VERSION: process.env['PYENV_VERSION'], PYENV_ROOT: process.env['PYENV_ROOT'] },
      };
      const child = spawn(
        program,
        args((scheme) => `${scheme}://${host}`, proxyPort),
        { env, cwd: folder },
      );
      let text = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (bytes: Buffer) => {
          text += bytes;
        });
      }
      const [status] = (await once(child, 'close')) as [number];
      return { status, text };
    };
    const allowed = await run('allowed.example');
    assert.match(allowed.text, works);
    const dialled = bench.dialled.length;
    assert.ok(dialled > 0);
    const other = await run('evil.example');
    assert.match(other.text, refused);
    assert.equal(bench.dialled.length, dialled);
  });
}

const npmPackage = {
  name: 'probe',
  'dist-tags': { latest: '1.2.3' },
  versions: {
    '1.2.3': { name: 'probe', version: '1.2.3', dist: { tarball: 'https://h/x.tgz', shasum: '0'.repeat(40) } },
  },
};
