/** The options that a decision depends on, the same for every command that makes one. */
import path from 'node:path';
import { SbxError } from '../protocol/errors.ts';
import type { Flags, Mode } from '../protocol/messages.ts';
import { showText } from '../protocol/visible.ts';
import type { Caller } from './caller.ts';
import { findNearest } from './nearest.ts';
import type { OptionValues } from './read-options.ts';

export const decisionOptions = {
  '--allow': 'list',
  '--ask': 'list',
  '--deny': 'list',
  '--net': 'list',
  '--offline': 'flag',
  '--policy': 'value',
  '--profile': 'value',
  '--no-import': 'flag',
  '--mode': 'value',
  '--cwd': 'value',
  '--workspace': 'value',
  '--json': 'flag',
  '--help': 'flag',
  '-h': 'flag',
} as const;

const modes: readonly Mode[] = ['manual', 'accept-edits', 'plan', 'dont-ask', 'bypass'];
const profiles = ['default', 'strict', 'ci'] as const;

/** @throws {SbxError} `bad-usage` */
export function parseMode(text: string): Mode {
  const mode = modes.find((known) => known === text);
  if (mode) return mode;
  const nearest = findNearest(text, modes);
  throw new SbxError('bad-usage', `\`--mode\`: there is no mode \`${showText(text)}\``, {
    help: nearest === undefined ? `choose ${modes.join(', ')}` : `did you mean \`${nearest}\`?`,
  });
}

/** @throws {SbxError} `bad-usage` */
function parseProfile(text: string): (typeof profiles)[number] {
  const profile = profiles.find((known) => known === text);
  if (profile) return profile;
  const nearest = findNearest(text, profiles);
  throw new SbxError('bad-usage', `\`--profile\`: there is no profile \`${showText(text)}\``, {
    help: nearest === undefined ? `choose ${profiles.join(', ')}` : `did you mean \`${nearest}\`?`,
  });
}

/** @throws {SbxError} `bad-policy` */
export function collectFlags(
  options: Pick<
    OptionValues<typeof decisionOptions>,
    '--allow' | '--ask' | '--deny' | '--net' | '--offline' | '--policy' | '--profile' | '--no-import'
  >,
  caller: Caller,
): Flags | undefined {
  const hosts = options['--net']?.map((host) => `WebFetch(domain:${host})`) ?? [];
  const allow = [...(options['--allow'] ?? []), ...hosts];
  if (options['--offline'] && hosts.length > 0) {
    throw new SbxError('bad-usage', '`--offline` and `--net` exclude each other', { help: 'drop one of them' });
  }
  const flags: Flags = {
    ...(allow.length > 0 && { allow }),
    ...(options['--offline'] && { offline: true as const }),
    ...(options['--ask'] && { ask: options['--ask'] }),
    ...(options['--deny'] && { deny: options['--deny'] }),
    ...(options['--policy'] !== undefined && { policyFile: path.resolve(caller.cwd(), options['--policy']) }),
    ...(options['--profile'] !== undefined && { profile: parseProfile(options['--profile']) }),
    ...(options['--no-import'] && { import: false as const }),
  };
  return Object.keys(flags).length === 0 ? undefined : flags;
}
