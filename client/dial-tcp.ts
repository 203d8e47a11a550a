/**
 * Opens a connection to a daemon over TCP. Attack it stands against: whoever sits on the line, or answers under the
 * daemon's name, must see neither the token nor the commands. So plain text goes to this machine only, unless the caller
 * says otherwise, and a certificate is always checked.
 */
import { lookup as lookupName } from 'node:dns';
import net from 'node:net';
import WebSocket from 'ws';
import { Connection } from './connection.ts';
import { SbxError } from './protocol/errors.ts';
import { buildHeader, limits } from './protocol/limits.ts';
import { isLoopbackAddress } from './protocol/loopback.ts';
import { findTokenFault } from './protocol/token-file.ts';
import { showText } from './protocol/visible.ts';
import { readRefusal } from './refusal.ts';

export interface TcpDestination {
  /** `ws://HOST:PORT` or `wss://HOST:PORT`. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Certificates in PEM form to trust instead of the system's. */
  readonly ca?: string | Buffer | undefined;
  /** Plain text may leave this machine. */
  readonly insecure?: boolean | undefined;
  readonly handshakeTimeoutMs?: number | undefined;
}

const defaultHandshakeTimeoutMs = 10_000;

/** @throws {SbxError} `bad-usage` unless it is an address alone */
export function parseDaemonUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWhole = url !== undefined && /^wss?:$/.test(url.protocol) && url.hostname !== '';
  if (!isWhole || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new SbxError('bad-usage', 'the address of a daemon is ws://HOST:PORT or wss://HOST:PORT', {
      help: 'write for example wss://sbx.internal:7474',
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new SbxError('bad-usage', 'the address of a daemon holds no user name and no password', {
      help: 'give the token by SBX_TOKEN_FILE or SBX_TOKEN',
    });
  }
  return url;
}

function plainTextError(host: string): SbxError {
  return new SbxError('unauthorized', `\`${showText(host)}\` is another machine, and ws:// is plain text`, {
    help: 'use wss://, or an ssh tunnel to ws://127.0.0.1; SBX_INSECURE=1 allows it where nobody else is on the network',
  });
}

/** The check is on the address that is really connected to: a name may mean another one from one moment to the next. */
const lookupLoopback: net.LookupFunction = (host, options, answer) => {
  lookupName(host, { ...options, all: true }, (error, addresses) => {
    if (error) {
      answer(error, []);
      return;
    }
    if (!addresses.every(({ address }) => isLoopbackAddress(address))) {
      answer(plainTextError(host), []);
      return;
    }
    const [first] = addresses;
    if (options.all) answer(null, addresses);
    else answer(null, first?.address ?? '', first?.family);
  });
};

function unreachable(url: URL, error: NodeJS.ErrnoException): SbxError {
  if (error instanceof SbxError) return error;
  const message = error.message || error.code || 'no answer';
  return new SbxError('daemon-unreachable', `the daemon at \`${url.host}\` cannot be reached: ${showText(message)}`, {
    help:
      url.protocol === 'wss:'
        ? 'look at the address, and at the certificate: SBX_TLS_CA names the file of its authority'
        : 'look at the address, and whether the daemon was started with --listen',
    cause: error,
  });
}

/** @throws {SbxError} `bad-usage`, `unauthorized`, `too-many-clients`, `stopping`, `daemon-unreachable` */
export async function openTcpConnection(destination: TcpDestination): Promise<Connection> {
  const { token, ca } = destination;
  const url = parseDaemonUrl(destination.url);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const plainAllowed = url.protocol === 'wss:' || destination.insecure === true;
  if (!plainAllowed && net.isIP(host) !== 0 && !isLoopbackAddress(host)) throw plainTextError(host);
  const fault = token === undefined ? undefined : findTokenFault(token);
  if (fault !== undefined) throw new SbxError('unauthorized', `the token for the daemon ${fault}`);
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: limits.maxFrameBytes,
      // A redirect would carry the token to another place.
      followRedirects: false,
      handshakeTimeout: destination.handshakeTimeoutMs ?? defaultHandshakeTimeoutMs,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
      ...(ca === undefined ? {} : { ca }),
      ...(plainAllowed ? {} : { lookup: lookupLoopback }),
    });
    let stream: net.Socket | undefined;
    let build: string | undefined;
    socket.once('upgrade', (response) => {
      stream = response.socket;
      const value = response.headers[buildHeader];
      build = typeof value === 'string' ? value : undefined;
    });
    const fail = (error: Error) => reject(unreachable(url, error));
    socket.on('error', fail);
    socket.once('unexpected-response', (request, response) => {
      void readRefusal(response).then((error) => {
        request.destroy();
        reject(error);
      });
    });
    // In the same tick as the first bytes: frames that came with the handshake's answer must find their listener.
    socket.once('open', () => {
      if (!stream) return;
      socket.off('error', fail);
      stream.setKeepAlive(true, limits.heartbeatMs);
      resolve(new Connection(socket, stream, build));
    });
  });
}
