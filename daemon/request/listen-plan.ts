/**
 * From the options of `--listen` to what may really be bound. The rule: on loopback every client shows the token, because
 * other accounts and web pages reach loopback too; anywhere else it also takes TLS. Only `--insecure-listen`, given by
 * name, opens a plain port, for a network that nobody else is on, and then the log says so at every start.
 */
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { SbxError } from '../../client/protocol/errors.ts';
import { readTokenFile } from '../../client/protocol/token-file.ts';
import { showText } from '../../client/protocol/visible.ts';
import { defaultTokenFile, ensureTokenFile } from './default-token.ts';
import { findHostName, type Lookup, parseListenAddress, resolveListenAddress } from './listen-address.ts';

export interface ListenWish {
  readonly listen: string;
  readonly tokenFile: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly allowHosts: readonly string[];
  readonly insecure: boolean;
}

export interface ListenFacts {
  readonly stateDirectory: string;
  readonly uid: number;
  readonly lookup?: Lookup;
}

export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface ListenPlan {
  readonly ip: string;
  readonly port: number;
  readonly isLoopback: boolean;
  /** Undefined: everybody who reaches the port may run commands. */
  readonly token: string | undefined;
  readonly tls: TlsFiles | undefined;
  /** Host names that a request may be addressed to. */
  readonly names: readonly string[];
  /** For the log, at every start. */
  readonly warnings: readonly string[];
}

function readPart(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new SbxError('bad-listen', `\`${option}\`: \`${file}\` cannot be read: ${(error as Error).message}`, {
      help: 'name a file in PEM form',
      cause: error,
    });
  }
}

function readTls({ tlsCert, tlsKey }: ListenWish): TlsFiles | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new SbxError('bad-listen', 'TLS needs both a certificate and its key', {
      help: 'give --tls-cert FILE and --tls-key FILE',
    });
  }
  const files = { cert: readPart('--tls-cert', tlsCert), key: readPart('--tls-key', tlsKey) };
  try {
    createSecureContext(files);
  } catch (error) {
    throw new SbxError('bad-listen', `the certificate and key cannot be used: ${(error as Error).message}`, {
      help: 'both are PEM files, the key without a passphrase and the one of this certificate',
      cause: error,
    });
  }
  return files;
}

function readAllowedHosts(texts: readonly string[]): string[] {
  return texts.map((text) => {
    const name = findHostName(text);
    if (name !== undefined) return name;
    throw new SbxError('bad-listen', `\`--allow-host ${showText(text)}\` is no host name`, {
      help: 'write the name alone, without a port: --allow-host sbx.internal',
    });
  });
}

function readToken({ tokenFile }: ListenWish, { stateDirectory, uid }: ListenFacts): string {
  if (tokenFile !== undefined) return readTokenFile(tokenFile, uid, 'bad-listen');
  const file = defaultTokenFile(stateDirectory);
  ensureTokenFile(file);
  return readTokenFile(file, uid, 'bad-listen');
}

function listWarnings(wish: ListenWish, plan: Omit<ListenPlan, 'warnings'>): string[] {
  const warnings: string[] = [];
  if (!plan.isLoopback && !plan.tls) {
    warnings.push('WARNING --insecure-listen: commands, output and tokens travel in plain text');
  }
  if (plan.token === undefined) {
    warnings.push(
      'WARNING --insecure-listen: no token is asked for, whoever reaches the port runs commands as this user',
    );
  }
  if (wish.insecure && plan.isLoopback) warnings.push('--insecure-listen changes nothing on loopback');
  if (wish.tlsKey !== undefined && (statSync(wish.tlsKey).mode & 0o004) !== 0) {
    warnings.push(`WARNING the key \`${wish.tlsKey}\` can be read by every account of this machine`);
  }
  return warnings;
}

/** @throws {SbxError} `bad-listen` */
export async function planListening(wish: ListenWish, facts: ListenFacts): Promise<ListenPlan> {
  const { host, port } = parseListenAddress(wish.listen);
  const { ip, isLoopback } = await resolveListenAddress(host, facts.lookup);
  const tls = readTls(wish);
  const names = readAllowedHosts(wish.allowHosts);
  if (!isLoopback && !tls && !wish.insecure) {
    throw new SbxError('bad-listen', `\`${showText(wish.listen)}\` can be reached from other machines`, {
      help: 'give --tls-cert and --tls-key, listen on 127.0.0.1, or say --insecure-listen where nobody else is on the network',
    });
  }
  const withoutToken = wish.insecure && !isLoopback && wish.tokenFile === undefined;
  const plan = {
    ip,
    port,
    isLoopback,
    token: withoutToken ? undefined : readToken(wish, facts),
    tls,
    // The name that the user listens on is one they chose. `localhost` is let in anyway, with the right port.
    names: findHostName(host) === undefined || host === 'localhost' ? names : [...names, host],
  };
  return { ...plan, warnings: listWarnings(wish, plan) };
}
