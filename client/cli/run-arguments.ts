/** Turns the arguments of `sbx run` into a request, or into one sentence about what is wrong with them. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { SbxError } from '../protocol/errors.ts';
import { showLimit } from '../protocol/limit-names.ts';
import type { Flags, Mode } from '../protocol/messages.ts';
import type { RunLimits } from '../protocol/run-limits.ts';
import { showText } from '../protocol/visible.ts';
import { type CommandWords, readCommandWords } from './command-words.ts';
import { findNearest } from './nearest.ts';
import { parseCount, parseDuration, parseSize } from './read-amounts.ts';
import { type OptionValues, readOptions } from './read-options.ts';

/** What a decision depends on, the same for every command that makes one. */
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

const runOptions = {
  ...decisionOptions,
  '--env': 'list',
  '--timeout': 'value',
  '--idle-timeout': 'value',
  '--cpu': 'value',
  '--memory': 'value',
  '--processes': 'value',
  '--open-files': 'value',
  '--max-file': 'value',
  '--max-output': 'value',
  '--new-session': 'flag',
  '--background': 'flag',
  '-d': 'flag',
  '--tag': 'list',
  '--yes': 'flag',
  '--no-prompt': 'flag',
  '--pty': 'flag',
  '--no-pty': 'flag',
  '--auto-allow': 'flag',
  '--no-auto-allow': 'flag',
} as const;

const modes: readonly Mode[] = ['manual', 'accept-edits', 'plan', 'dont-ask', 'bypass'];
const profiles = ['default', 'strict', 'ci'] as const;

/** Where a run starts, what it may write and what of our environment it is offered. */
export interface Place {
  readonly cwd: string;
  readonly workspace: string | undefined;
  readonly newSession: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly grantEnv: readonly string[];
}

export interface RunWish extends Place {
  readonly words: CommandWords;
  readonly timeoutMs: number | undefined;
  readonly limits: RunLimits | undefined;
  readonly mode: Mode | undefined;
  /** Undefined: as the policy says. */
  readonly autoAllow: boolean | undefined;
  readonly flags: Flags | undefined;
  readonly json: boolean;
  readonly yes: boolean;
  readonly prompt: boolean;
  /** Undefined: as the terminal suggests. */
  readonly pty: boolean | undefined;
  /** It goes on when this client is gone. */
  readonly background: boolean;
  readonly tags: readonly string[];
}

export interface Caller {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @throws when the folder is gone */
  readonly cwd: () => string;
}

/** @throws {SbxError} `bad-cwd` */
export function resolveStartFolder(named: string | undefined, caller: Caller): string {
  let base = '/';
  if (named === undefined || !path.isAbsolute(named)) {
    try {
      base = caller.cwd();
    } catch (error) {
      throw new SbxError('bad-cwd', 'the current directory no longer exists', {
        help: 'cd to one that does',
        cause: error,
      });
    }
  }
  const folder = path.resolve(base, named ?? '');
  const found = describeObstacle(folder);
  if (found === undefined) return folder;
  throw new SbxError('bad-cwd', `the working directory \`${showText(folder)}\` ${found}`, {
    help: 'name a folder that exists with --cwd',
  });
}

/** Why the folder cannot be started in, as the end of a sentence. */
function describeObstacle(folder: string): string | undefined {
  try {
    return statSync(folder).isDirectory() ? undefined : 'is not a directory';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be entered (${code})`;
  }
}

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
    OptionValues<typeof runOptions>,
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

function collectEnvironment(wishes: readonly string[], caller: Caller): Pick<Place, 'env' | 'grantEnv'> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(caller.env)) {
    // What tells sbx where its daemon is and how to get in is no business of the command's.
    if (value !== undefined && !name.startsWith('SBX_')) env[name] = value;
  }
  const grantEnv: string[] = [];
  for (const wish of wishes) {
    const equals = wish.indexOf('=');
    const name = equals < 0 ? wish : wish.slice(0, equals);
    const value = equals < 0 ? caller.env[name] : wish.slice(equals + 1);
    if (name === '') {
      throw new SbxError('bad-environment', `\`--env\`: \`${showText(wish)}\` has no name`, {
        help: 'write --env NAME or --env NAME=VALUE',
      });
    }
    if (value === undefined) {
      throw new SbxError('bad-environment', `\`--env\`: \`${showText(name)}\` is not set here`, {
        help: `write --env ${showText(name)}=VALUE`,
      });
    }
    env[name] = value;
    grantEnv.push(name);
  }
  return { env, grantEnv };
}

/** @throws {SbxError} of kind `input` */
export function collectPlace(
  options: Pick<OptionValues<typeof runOptions>, '--cwd' | '--workspace' | '--new-session' | '--env'>,
  caller: Caller,
): Place {
  const workspace = options['--workspace'];
  return {
    cwd: resolveStartFolder(options['--cwd'], caller),
    workspace: workspace === undefined ? undefined : path.resolve(caller.cwd(), workspace),
    newSession: options['--new-session'] === true,
    ...collectEnvironment(options['--env'] ?? [], caller),
  };
}

const maxTags = 16;
const maxTagCharacters = 128;

/** @throws {SbxError} `bad-usage` */
function checkTags(tags: readonly string[]): readonly string[] {
  if (tags.length <= maxTags && tags.every((tag) => tag.length <= maxTagCharacters)) return tags;
  throw new SbxError('bad-usage', `\`--tag\`: at most ${maxTags} of at most ${maxTagCharacters} characters`, {
    help: 'use fewer or shorter ones',
  });
}

/** The least of each that the daemon takes, in its own words: below it no program could start at all. */
const least = { memoryBytes: 16 * 1024 ** 2, processes: 8, openFiles: 64, fileBytes: 1024 } as const;

/** @throws {SbxError} `bad-usage` */
function collectLimits(options: OptionValues<typeof runOptions>): RunLimits | undefined {
  const read = <T extends keyof RunLimits>(
    name: T,
    option: keyof typeof runOptions,
    parse: (text: string, option: string) => number,
  ): { [K in T]?: number } => {
    const text = options[option];
    if (typeof text !== 'string') return {};
    const value = parse(text, option);
    const lowest = name in least ? least[name as keyof typeof least] : 1;
    if (value >= lowest) return { [name]: value } as { [K in T]?: number };
    throw new SbxError('bad-usage', `\`${option}\`: less than ${showLimit(name, lowest)} lets no command start`, {
      help: `give at least ${showLimit(name, lowest)}`,
    });
  };
  const seconds = (text: string, option: string): number => Math.max(1, Math.round(parseDuration(text, option) / 1000));
  const limits: RunLimits = {
    ...read('idleTimeoutMs', '--idle-timeout', parseDuration),
    ...read('cpuSeconds', '--cpu', seconds),
    ...read('memoryBytes', '--memory', parseSize),
    ...read('processes', '--processes', parseCount),
    ...read('openFiles', '--open-files', parseCount),
    ...read('fileBytes', '--max-file', parseSize),
    ...read('outputBytes', '--max-output', parseSize),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

/** Undefined when help was asked for. @throws {SbxError} of kind `input` */
export function readRunArguments(args: readonly string[], caller: Caller): RunWish | undefined {
  const read = readOptions(runOptions, args, 'sbx run');
  const { options } = read;
  if (options['--help'] || options['-h']) return undefined;
  const words = readCommandWords(read, "sbx run 'COMMAND' or sbx run -- PROGRAM ARGUMENT…");
  const timeout = options['--timeout'];
  const mode = options['--mode'];
  if (options['--yes'] && options['--no-prompt']) {
    throw new SbxError('bad-usage', '`--yes` and `--no-prompt` exclude each other', { help: 'drop one of them' });
  }
  return {
    words,
    ...collectPlace(options, caller),
    timeoutMs: timeout === undefined ? undefined : parseDuration(timeout, '--timeout'),
    limits: collectLimits(options),
    mode: mode === undefined ? undefined : parseMode(mode),
    autoAllow: options['--no-auto-allow'] ? false : options['--auto-allow'] ? true : undefined,
    flags: collectFlags(options, caller),
    json: options['--json'] === true,
    yes: options['--yes'] === true,
    prompt: options['--no-prompt'] !== true,
    pty: options['--pty'] ? true : options['--no-pty'] ? false : undefined,
    background: options['--background'] === true || options['-d'] === true,
    tags: checkTags(options['--tag'] ?? []),
  };
}
