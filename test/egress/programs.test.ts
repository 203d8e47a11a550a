/**
 * Real programs in a real sandbox: each reaches the hosts that the policy allows, whether it knows proxies or not, and says
 * soon and in words that can be understood that it may not reach another.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { EgressSession } from '../fixtures/egress-session.ts';
import { EgressWorld } from '../fixtures/egress-world.ts';
import { listTestAccounts, makePlace, type Place } from '../fixtures/sandbox-session.ts';
import { makeNpmRegistry, makePythonIndex, StaticRepository } from '../fixtures/web-services.ts';

const web = '1.2.3.4';
const code = '1.2.3.5';
const npm = '1.2.3.6';
const python = '1.2.3.7';
const names = ['web.example', 'code.example', 'npm.example', 'pypi.example', 'denied.example'];
const network = {
  default: 'deny',
  allow: ['web.example', 'code.example', 'npm.example', 'pypi.example', 'code.example:22', 'db.example:5432'],
};
/** A refusal is told at once; programs that try again and again would take far longer. */
const refusedWithinMs = 15_000;

interface Row {
  readonly name: string;
  /** What has to be on this machine. */
  readonly needs: string;
  readonly command: (host: string) => string;
  readonly host: string;
  /** What it prints when it worked. */
  readonly works: RegExp;
  /** What it prints when the host is refused. */
  readonly refused: RegExp;
  /** The same where it uses no proxy, when that differs. */
  readonly refusedDirectly?: RegExp;
  /** What is dialled for the host. */
  readonly place: string;
  /** The host ends the connection before the program has done what it wanted. */
  readonly fails?: true;
  /** Where it uses no proxy: some programs try again for minutes unless they are told an answer of HTTP. */
  readonly directEnv?: Readonly<Record<string, string>>;
}

/** As OpenSSL, Python and GnuTLS tell of the alert. */
const refusedByTls = /alert access denied|ALERT_ACCESS_DENIED|Access was denied/;
const refusedInWords = /"code":"denied"/;

const rows: readonly Row[] = [
  {
    ...{ name: 'curl, http', place: `${web}:80`, needs: 'curl', host: 'web.example' },
    command: (host) => `curl -sS http://${host}/`,
    works: /^http web\.example$/,
    refused: refusedInWords,
  },
  {
    ...{ name: 'curl, https', place: `${web}:443`, needs: 'curl', host: 'web.example' },
    command: (host) => `curl -sS https://${host}/`,
    works: /^https web\.example$/,
    refused: /CONNECT tunnel failed, response 403/,
    refusedDirectly: refusedByTls,
  },
  {
    ...{ name: 'wget, http', place: `${web}:80`, needs: 'wget', host: 'web.example' },
    command: (host) => `wget -nv --ca-certificate=ca.crt -O - http://${host}/`,
    works: /http web\.example/,
    refused: /ERROR 403/,
  },
  {
    ...{ name: 'wget, https', place: `${web}:443`, needs: 'wget', host: 'web.example' },
    command: (host) => `wget -nv --ca-certificate=ca.crt -O - https://${host}/`,
    works: /https web\.example/,
    refused: /Proxy tunneling failed: refused by sbx: no entry allows `denied\.example`/,
    refusedDirectly: /Access was denied|alert access denied|Unable to establish SSL/i,
  },
  {
    ...{ name: 'git clone and fetch, https', place: `${code}:443`, needs: 'git', host: 'code.example' },
    command: (host) =>
      `rm -rf copy; git clone -q https://${host}/repo.git copy && cat copy/first && git -C copy fetch -q && echo fetched`,
    works: /^first\nfetched\n$/,
    refused: /CONNECT tunnel failed, response 403|Received HTTP code 403 from proxy/,
    refusedDirectly: refusedByTls,
  },
  {
    ...{ name: 'git over ssh', place: `${code}:22`, fails: true, needs: 'ssh', host: 'code.example' },
    command: (host) => `GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=10' git ls-remote git@${host}:repo.git`,
    works: /invalid format|Connection (?:reset|closed)|kex_exchange|Invalid|Bad packet/i,
    refused: /Connection (?:reset|closed)/i,
  },
  {
    ...{ name: 'Node fetch', place: `${web}:443`, needs: 'node', host: 'web.example' },
    command: (host) =>
      `node -e "fetch('https://${host}/').then((r) => r.text()).then((t) => console.log(t), (e) => { console.error(e); process.exit(1) })"`,
    works: /^https web\.example\n$/,
    refused: /403|alert access denied/,
  },
  {
    ...{ name: 'node:http', place: `${web}:80`, needs: 'node', host: 'web.example' },
    command: (host) => `node -e "require('http').get('http://${host}/', (r) => r.pipe(process.stdout))"`,
    works: /^http web\.example$/,
    refused: refusedInWords,
  },
  {
    ...{ name: 'Python urllib', place: `${web}:443`, needs: '/usr/bin/python3', host: 'web.example' },
    command: (host) =>
      `/usr/bin/python3 -c "import urllib.request as u; print(u.urlopen('https://${host}/').read().decode())"`,
    works: /^https web\.example\n$/,
    refused: /Tunnel connection failed: 403/,
    refusedDirectly: refusedByTls,
  },
  {
    ...{ name: 'Python http.client', place: `${web}:80`, needs: '/usr/bin/python3', host: 'web.example' },
    command: (host) =>
      `/usr/bin/python3 -c "import http.client as h; c = h.HTTPConnection('${host}'); c.request('GET', '/'); print(c.getresponse().read().decode())"`,
    works: /^http web\.example\n$/,
    refused: refusedInWords,
  },
  {
    ...{ name: 'pip download', place: `${python}:443`, needs: 'pip', host: 'pypi.example' },
    command: (host) =>
      `/usr/bin/python3 -m pip download --disable-pip-version-check --no-cache-dir --retries 1 -q -d wheels -i https://${host}/simple/ tinypy && ls wheels`,
    works: /tinypy-1\.0-py3-none-any\.whl/,
    refused: /Tunnel connection failed: 403/,
    refusedDirectly: refusedByTls,
  },
  {
    ...{
      name: 'npm install',
      place: `${npm}:443`,
      directEnv: { npm_config_fetch_retries: '0' },
      needs: 'npm',
      host: 'npm.example',
    },
    command: (host) =>
      `rm -rf p && mkdir p && cd p && npm init -y >/dev/null && npm install --no-audit --no-fund --registry https://${host}/ tiny && node -p 'require("tiny")'`,
    works: /^tiny$/m,
    refused: /403 refused by sbx: no entry allows `denied\.example`/,
    refusedDirectly: /alert access denied/,
  },
  {
    ...{ name: 'openssl s_client', place: `${web}:443`, needs: 'openssl', host: 'web.example' },
    command: (host) =>
      `printf 'GET / HTTP/1.1\\r\\nHost: ${host}\\r\\nConnection: close\\r\\n\\r\\n' | openssl s_client -quiet -verify_return_error -CAfile ca.crt -servername ${host} -connect ${host}:443`,
    works: /https web\.example/,
    refused: refusedByTls,
  },
  {
    ...{ name: 'a TCP client that knows no proxy', place: `${web}:5432`, needs: 'bash', host: 'db.example' },
    command: (host) => `exec 3<>/dev/tcp/${host}/5432 && echo hello >&3 && head -n1 <&3`,
    works: /^raw hello$/m,
    refused: /reset|closed|refused|^$/i,
  },
];

/** By which programs are told whom to trust. */
const trustVariables = [
  ...['CURL_CA_BUNDLE', 'SSL_CERT_FILE', 'GIT_SSL_CAINFO', 'NODE_EXTRA_CA_CERTS', 'PIP_CERT', 'npm_config_cafile'],
] as const;

/** Whoever installed the programs wants no row left out. */
const mustHaveAll = process.env['SBX_TEST_PROGRAMS'] === 'all';

function isHere(program: string): boolean {
  if (program === 'pip') return spawnSync('/usr/bin/python3', ['-m', 'pip', '--version']).status === 0;
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { env: { PATH: sandboxPath } }).status === 0;
}

const sandboxPath = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';

for (const account of listTestAccounts()) {
  describe(`programs, as ${account.name}`, { timeout: 600_000 }, () => {
    let place: Place;
    let world: EgressWorld;
    let session: EgressSession;
    let banners = 0;

    before(async () => {
      place = makePlace(account);
      world = new EgressWorld(place.folder, names);
      for (const [name, address] of [
        ['web.example', web],
        ['code.example', code],
        ['npm.example', npm],
        ['pypi.example', python],
        ['db.example', web],
        ['denied.example', web],
      ] as const) {
        world.name(name, [address]);
      }
      const repository = new StaticRepository(place.folder);
      await world.serveWeb(web, (request, response, host) => {
        response.end(`${'encrypted' in request.socket ? 'https' : 'http'} ${host}`);
      });
      await world.serveWeb(code, repository.answer);
      await world.serveWeb(npm, makeNpmRegistry(`${place.folder}/npm`));
      if (isHere('/usr/bin/python3')) await world.serveWeb(python, makePythonIndex(`${place.folder}/python`));
      await world.serve(
        code,
        22,
        net.createServer((socket) => {
          banners++;
          socket.write('SSH-2.0-test\r\n');
          socket.once('data', () => socket.end());
        }),
      );
      await world.serve(
        web,
        5432,
        net.createServer((socket) => socket.on('data', (bytes) => socket.write(`raw ${bytes}`))),
      );
      place.write(`${place.workspace}/ca.crt`, world.authority.ca);
      session = await EgressSession.open(place, world, network);
    });
    after(async () => {
      await session.close();
      world.close();
      place.remove();
    });

    const programEnv = (): Record<string, string> => ({
      ...Object.fromEntries(trustVariables.map((name) => [name, `${place.workspace}/ca.crt`])),
      npm_config_cache: `${place.workspace}/npm-cache`,
      npm_config_update_notifier: 'false',
    });

    for (const proxies of [true, false]) {
      const how = proxies ? 'with proxy variables' : 'as if there were no proxy';
      for (const row of rows) {
        const skip = !mustHaveAll && !isHere(row.needs) && `${row.needs} is not on this machine`;

        test(`${row.name} reaches an allowed host, ${how}`, { skip }, async () => {
          const dials = world.dials.length;
          const { code, stderr, stdout, uses, violations } = await session.run(row.command(row.host), {
            proxies,
            env: programEnv(),
          });
          const said = `${stdout}${stderr}`;
          assert.match(said, row.works);
          if (row.fails !== true) assert.equal(code, 0, said);
          assert.deepEqual(violations, []);
          assert.ok(uses.length > 0 && uses.every(({ host, allowed }) => host === row.host && allowed), said);
          const to = new Set(world.dials.slice(dials));
          assert.deepEqual([...to], [row.place]);
        });

        test(`${row.name} is refused another host, soon and in words, ${how}`, { skip }, async () => {
          const dials = world.dials.length;
          const started = performance.now();
          const { stderr, stdout, uses, violations } = await session.run(row.command('denied.example'), {
            proxies,
            env: { ...programEnv(), ...(proxies ? {} : row.directEnv) },
          });
          const took = performance.now() - started;
          assert.match(`${stdout}${stderr}`, proxies ? row.refused : (row.refusedDirectly ?? row.refused));
          assert.ok(took < refusedWithinMs, `${took} ms`);
          assert.equal(world.dials.length, dials, 'nothing was dialled');
          assert.deepEqual(
            new Set(uses.map(({ host, allowed }) => `${host} ${allowed}`)),
            new Set(['denied.example false']),
          );
          assert.match(violations[0]?.message ?? '', /^no entry allows `denied\.example/);
          assert.match(violations[0]?.howToAllow ?? '', /^sbx run --net denied\.example/);
        });
      }
    }

    test('a connection over ssh arrives at the host that was named', () => assert.ok(banners >= 2));
  });
}
