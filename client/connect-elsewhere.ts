/**
 * Gets a greeted connection to the daemon that `SBX_DAEMON` names. That daemon belongs to whoever started it: it is neither
 * started nor replaced from here.
 */
import { readFileSync } from 'node:fs';
import type { ConnectOptions, Greeted } from './connect.ts';
import type { Connection } from './connection.ts';
import { openTcpConnection, parseDaemonUrl, type TcpDestination } from './dial-tcp.ts';
import { SbxError } from './protocol/errors.ts';
import { protocolVersion } from './protocol/limits.ts';
import { readTokenFile } from './protocol/token-file.ts';

type Environment = ConnectOptions['env'];

function readToken(env: Environment): string | undefined {
  const { SBX_TOKEN: token, SBX_TOKEN_FILE: file } = env;
  if (token && file) {
    throw new SbxError('bad-usage', 'SBX_TOKEN and SBX_TOKEN_FILE are both set', { help: 'unset one of them' });
  }
  return file ? readTokenFile(file, process.getuid?.() ?? -1, 'unauthorized') : token || undefined;
}

function readAuthority(file: string | undefined): Buffer | undefined {
  if (!file) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    throw new SbxError('bad-usage', `the certificate file \`${file}\` of SBX_TLS_CA cannot be read`, {
      help: 'name a file in PEM form',
      cause: error,
    });
  }
}

/** @throws {SbxError} `bad-usage`, `unauthorized` */
export function readDestination(env: Environment): TcpDestination {
  const url = env['SBX_DAEMON'] ?? '';
  parseDaemonUrl(url);
  const insecure = env['SBX_INSECURE'];
  if (insecure !== undefined && !['', '0', '1'].includes(insecure)) {
    throw new SbxError('bad-usage', 'SBX_INSECURE is 1 or is not set', { help: 'unset SBX_INSECURE' });
  }
  return { url, token: readToken(env), ca: readAuthority(env['SBX_TLS_CA']), insecure: insecure === '1' };
}

async function greet(connection: Connection, options: ConnectOptions): Promise<Greeted> {
  const { build, client, capabilities } = options;
  const hello = connection.request('hello', {
    protocol: protocolVersion,
    build,
    client,
    ...(capabilities ? { capabilities } : {}),
  });
  try {
    await hello;
  } catch (error) {
    connection.close();
    if (!(error instanceof SbxError && error.code === 'protocol-mismatch')) throw error;
    throw new SbxError(error.code, error.message, { help: 'use an sbx of the same version as that daemon' });
  }
  return { connection, hello };
}

/** @throws {SbxError} */
export async function connectElsewhere(options: ConnectOptions): Promise<Greeted> {
  return greet(await openTcpConnection(readDestination(options.env)), options);
}
