/**
 * The proxy through which a company lets its machines out: all that leaves a sandbox takes it too, transparent connections
 * included, each as a `CONNECT` of its own. Its credentials are in no message.
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { rootCertificates } from 'node:tls';
import { parseHost, showAuthority } from '../../client/protocol/authority.ts';
import { SbxError } from '../../client/protocol/errors.ts';
import { parseAddress } from '../../client/protocol/ip-address.ts';
import { describeFailure } from './dial.ts';
import type { Refusal } from './model.ts';
import { matchesNoProxy, type NoProxyEntry, parseNoProxy } from './no-proxy.ts';

/** Variables of the daemon's environment, as curl, git and Node read them; the lower case one counts first. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

export interface UpstreamProxy {
  /** Whether connections to a canonical host take the proxy. */
  readonly isProxied: (host: string, port: number) => boolean;
  /** Never rejects. */
  readonly connect: (host: string, port: number, signal: AbortSignal, timeoutMs: number) => Promise<Socket | Refusal>;
  /** For people, one line each; without credentials. */
  readonly describe: () => readonly string[];
}

interface ProxyServer {
  readonly variable: string;
  readonly secure: boolean;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly authorization: string | undefined;
}

interface Certificates {
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

/**
 * `HTTP_PROXY` is for port 80, `HTTPS_PROXY` for every other port, `ALL_PROXY` for what the two leave out, `NO_PROXY` for what
 * takes none. To a proxy that is spoken to over TLS `SBX_PROXY_CERT` and `SBX_PROXY_KEY` name the files of a client
 * certificate, `SBX_PROXY_CA` a file of further authorities; those of `NODE_EXTRA_CA_CERTS` are Node's own business.
 *
 * @returns undefined where no variable names a proxy
 * @throws {SbxError} `bad-environment` when a variable cannot be read: connecting without the proxy would be a guess.
 */
export function readUpstreamProxy(environment: ProxyEnvironment): UpstreamProxy | undefined {
  const all = readServer(environment, 'ALL_PROXY');
  const plain = readServer(environment, 'HTTP_PROXY') ?? all;
  const other = readServer(environment, 'HTTPS_PROXY') ?? all;
  if (plain === undefined && other === undefined) return undefined;
  const exempt = parseNoProxy(read(environment, 'NO_PROXY')?.value ?? '');
  const certificates = readCertificates(environment);
  const serverFor = (host: string, port: number): ProxyServer | undefined =>
    matchesNoProxy(exempt, host, port) ? undefined : port === 80 ? plain : other;
  return {
    isProxied: (host, port) => serverFor(host, port) !== undefined,
    connect: async (host, port, signal, timeoutMs) => {
      const server = serverFor(host, port);
      if (server === undefined) return { code: 'unreachable', message: `no proxy is named for \`${host}\`` };
      return await connectThrough(server, certificates, { host, port, signal, timeoutMs });
    },
    describe: () => describe(plain, other, exempt),
  };
}

function read(environment: ProxyEnvironment, name: string): { name: string; value: string } | undefined {
  for (const spelling of [name.toLowerCase(), name]) {
    const value = environment[spelling];
    if (value !== undefined && value.trim() !== '') return { name: spelling, value: value.trim() };
  }
  return undefined;
}

function readServer(environment: ProxyEnvironment, name: string): ProxyServer | undefined {
  const found = read(environment, name);
  if (found === undefined) return undefined;
  const fail = (why: string): never => {
    throw new SbxError('bad-environment', `the variable ${found.name} of the daemon ${why}`, {
      help: `write it as http://HOST:PORT or https://HOST:PORT, or unset it, and start the daemon again`,
    });
  };
  // Without a scheme it is plain, as everywhere. Source: curl(1) "--proxy".
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(found.value) ? found.value : `http://${found.value}`;
  if (!URL.canParse(text)) return fail('is no address of a proxy');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return fail(`names a \`${url.protocol.slice(0, -1)}\` proxy, which sbx does not speak`);
  }
  const host = parseHost(url.hostname.replace(/^\[(.*)\]$/, '$1'));
  if (host === undefined) return fail('names no host');
  const secure = url.protocol === 'https:';
  return {
    variable: found.name,
    secure,
    host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    authorization: url.username === '' && url.password === '' ? undefined : basic(url, fail),
  };
}

function basic(url: URL, fail: (why: string) => never): string {
  try {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  } catch {
    return fail('has credentials whose `%` escapes cannot be read');
  }
}

function readCertificates(environment: ProxyEnvironment): Certificates {
  const file = (name: string): string | undefined => {
    const place = environment[name];
    if (place === undefined || place === '') return undefined;
    try {
      return readFileSync(place, 'utf8');
    } catch {
      throw new SbxError('bad-environment', `the file that ${name} of the daemon names cannot be read`, {
        help: 'name a readable PEM file, or unset the variable, and start the daemon again',
      });
    }
  };
  const [ca, cert, key] = ['SBX_PROXY_CA', 'SBX_PROXY_CERT', 'SBX_PROXY_KEY'].map(file);
  return {
    ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function describe(
  plain: ProxyServer | undefined,
  other: ProxyServer | undefined,
  exempt: readonly NoProxyEntry[],
): readonly string[] {
  const show = (server: ProxyServer, what: string): string => {
    const address = `${server.secure ? 'https' : 'http'}://${showAuthority(server.host, server.port)}`;
    const login = server.authorization === undefined ? '' : ', with credentials';
    return `${what} through ${address} (${server.variable}${login})`;
  };
  const lines = [
    ...(plain === undefined ? [] : [show(plain, 'port 80')]),
    ...(other === undefined ? [] : [show(other, 'other ports')]),
  ];
  return exempt.length === 0 ? lines : [...lines, `directly to ${exempt.map(({ text }) => text).join(', ')}`];
}

interface Wanted {
  readonly host: string;
  readonly port: number;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

function connectThrough(
  server: ProxyServer,
  certificates: Certificates,
  { host, port, signal, timeoutMs }: Wanted,
): Promise<Socket | Refusal> {
  const authority = showAuthority(host, port);
  const refuse = (why: string): Refusal => ({
    code: 'unreachable',
    message: `\`${authority}\` cannot be reached: ${why}`,
  });
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(refuse('the run has ended'));
      return;
    }
    const common = {
      method: 'CONNECT',
      host: server.host,
      port: server.port,
      path: authority,
      agent: false,
      headers: {
        Host: authority,
        ...(server.authorization === undefined ? {} : { 'Proxy-Authorization': server.authorization }),
      },
    };
    const servername = parseAddress(server.host) === undefined ? server.host : '';
    const request = server.secure
      ? https.request({
          ...common,
          servername,
          ...certificates,
          ca: certificates.ca === undefined ? undefined : [...certificates.ca],
        })
      : http.request(common);
    const settle = (answer: Socket | Refusal): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(answer);
    };
    const give = (why: string): void => {
      settle(refuse(why));
      request.destroy();
    };
    const onAbort = (): void => give('the run has ended');
    const timer = setTimeout(() => give(`the upstream proxy does not answer within ${timeoutMs / 1000} s`), timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    request.on('error', (error) => settle(refuse(`the upstream proxy: ${describeFailure(error)}`)));
    request.on('connect', (response, stream, head) => {
      const socket = stream as Socket;
      const { statusCode = 0 } = response;
      if (statusCode < 200 || statusCode > 299) {
        give(describeStatus(statusCode, server));
        socket.destroy();
        return;
      }
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 30_000);
      if (head.length > 0) socket.unshift(head);
      settle(socket);
    });
    // What is no answer to a CONNECT.
    request.on('response', (response) => give(describeStatus(response.statusCode ?? 0, server)));
    request.end();
  });
}

function describeStatus(status: number, { authorization, variable }: ProxyServer): string {
  if (status !== 407) return `the upstream proxy answered ${status}`;
  return authorization === undefined
    ? `the upstream proxy asks for credentials, and ${variable} has none`
    : `the upstream proxy does not take the credentials of ${variable}`;
}
