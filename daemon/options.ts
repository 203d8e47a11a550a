/** The command line of `sbxd`. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { SbxError } from '../client/protocol/errors.ts';
import type { ListenWish } from './request/listen-plan.ts';

export const help = `usage: sbxd [OPTION…]

The sbx daemon. \`sbx run\` starts it when needed; \`sbx daemon stop\` ends it.

  --idle-minutes N     end after N minutes without a client or a run (default: the policy's, else 15; with --listen never)
  --ready-fd FD        write one JSON line to this descriptor when the socket answers

  --listen HOST:PORT   also listen on TCP: 127.0.0.1:7474, [::1]:7474, localhost:7474; port 0 is any free one
  --token-file FILE    what clients must show; a file of your own with mode 600 (default: token in the state directory,
                       made when absent)
  --tls-cert FILE, --tls-key FILE
                       speak TLS; needed wherever other machines can reach the port
  --allow-host NAME    a host name under which clients reach this daemon (repeatable)
  --insecure-listen    let other machines reach the port without TLS, and without a token unless --token-file is given
`;

export interface Options {
  readonly idleMinutes: number | undefined;
  readonly readyFd: number | undefined;
  /** Undefined: no TCP. */
  readonly listen: ListenWish | undefined;
}

const optionTable = {
  'idle-minutes': { type: 'string' },
  'ready-fd': { type: 'string' },
  listen: { type: 'string' },
  'token-file': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'allow-host': { type: 'string', multiple: true },
  'insecure-listen': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

const onlyWithListen = ['token-file', 'tls-cert', 'tls-key', 'allow-host', 'insecure-listen'] as const;

function readValues(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: optionTable }).values;
  } catch (error) {
    throw new SbxError('bad-usage', (error as Error).message, { help: 'sbxd --help' });
  }
}

function readListen(values: ReturnType<typeof readValues>): ListenWish | undefined {
  const { listen } = values;
  if (listen === undefined) {
    const alone = onlyWithListen.find((name) => values[name] !== undefined);
    if (alone === undefined) return undefined;
    throw new SbxError('bad-usage', `--${alone} says nothing without --listen`, { help: 'add --listen HOST:PORT' });
  }
  const file = (name: 'token-file' | 'tls-cert' | 'tls-key') => {
    const value = values[name];
    return value === undefined ? undefined : path.resolve(value);
  };
  return {
    listen,
    tokenFile: file('token-file'),
    tlsCert: file('tls-cert'),
    tlsKey: file('tls-key'),
    allowHosts: values['allow-host'] ?? [],
    insecure: values['insecure-listen'] === true,
  };
}

/** @throws {SbxError} `bad-usage` */
export function readOptions(argv: readonly string[]): Options | 'help' | 'version' {
  const values = readValues(argv);
  if (values.help) return 'help';
  if (values.version) return 'version';
  const idle = values['idle-minutes'];
  const idleMinutes = idle === undefined ? undefined : Number(idle);
  if (idleMinutes !== undefined && !(idleMinutes > 0)) {
    throw new SbxError('bad-usage', `--idle-minutes needs a number above 0, not \`${idle}\``);
  }
  const readyFd = values['ready-fd'] === undefined ? undefined : Number(values['ready-fd']);
  return { idleMinutes, readyFd, listen: readListen(values) };
}
