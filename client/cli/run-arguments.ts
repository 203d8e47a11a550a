/** Turns the arguments of `sbx run` into a request, or into one sentence about what is wrong with them. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { SbxError } from '../protocol/errors.ts';
import type { Flags, Mode } from '../protocol/messages.ts';
import { showText } from '../protocol/visible.ts';
import { type CommandWords, readCommandWords } from './command-words.ts';
import { parseDuration } from './duration.ts';
import { findNearest } from './nearest.ts';
import { type OptionValues, readOptions } from './read-options.ts';

const runOptions = {
  '--allow': 'list',
  '--ask': 'list',
  '--deny': 'list',
  '--policy': 'value',
  '--mode': 'value',
  '--cwd': 'value',
  '--env': 'list',
  '--timeout': 'value',
  '--workspace': 'value',
  '--new-session': 'flag',
  '--json': 'flag',
  '--yes': 'flag',
  '--no-prompt': 'flag',
  '--pty': 'flag',
  '--no-pty': 'flag',
  '--auto-allow': 'flag',
  '--no-auto-allow': 'flag',
  '--help': 'flag',
  '-h': 'flag',
} as const;

const modes: readonly Mode[] = ['manual', 'accept-edits', 'dont-ask'];

export interface RunWish {
  readonly words: CommandWords;
  readonly cwd: string;
  readonly workspace: string | undefined;
  readonly newSession: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly grantEnv: readonly string[];
  readonly timeoutMs: number | undefined;
  readonly mode: Mode | undefined;
  readonly autoAllow: boolean;
  readonly flags: Flags | undefined;
  readonly json: boolean;
  readonly yes: boolean;
  readonly prompt: boolean;
  /** Undefined: as the terminal suggests. */
  readonly pty: boolean | undefined;
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

/** @throws {SbxError} `bad-policy` */
export function collectFlags(
  options: Pick<OptionValues<typeof runOptions>, '--allow' | '--ask' | '--deny' | '--policy'>,
  caller: Caller,
): Flags | undefined {
  const flags: Flags = {
    ...(options['--allow'] && { allow: options['--allow'] }),
    ...(options['--ask'] && { ask: options['--ask'] }),
    ...(options['--deny'] && { deny: options['--deny'] }),
    ...(options['--policy'] !== undefined && { policyFile: path.resolve(caller.cwd(), options['--policy']) }),
  };
  return Object.keys(flags).length === 0 ? undefined : flags;
}

function collectEnvironment(wishes: readonly string[], caller: Caller): Pick<RunWish, 'env' | 'grantEnv'> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(caller.env)) if (value !== undefined) env[name] = value;
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

/** Undefined when help was asked for. @throws {SbxError} of kind `input` */
export function readRunArguments(args: readonly string[], caller: Caller): RunWish | undefined {
  const read = readOptions(runOptions, args, 'sbx run');
  const { options } = read;
  if (options['--help'] || options['-h']) return undefined;
  const words = readCommandWords(read, "sbx run 'COMMAND' or sbx run -- PROGRAM ARGUMENT…");
  const cwd = resolveStartFolder(options['--cwd'], caller);
  const timeout = options['--timeout'];
  const mode = options['--mode'];
  if (options['--yes'] && options['--no-prompt']) {
    throw new SbxError('bad-usage', '`--yes` and `--no-prompt` exclude each other', { help: 'drop one of them' });
  }
  return {
    words,
    cwd,
    workspace: options['--workspace'] === undefined ? undefined : path.resolve(caller.cwd(), options['--workspace']),
    newSession: options['--new-session'] === true,
    ...collectEnvironment(options['--env'] ?? [], caller),
    timeoutMs: timeout === undefined ? undefined : parseDuration(timeout, '--timeout'),
    mode: mode === undefined ? undefined : parseMode(mode),
    autoAllow: options['--no-auto-allow'] !== true,
    flags: collectFlags(options, caller),
    json: options['--json'] === true,
    yes: options['--yes'] === true,
    prompt: options['--no-prompt'] !== true,
    pty: options['--pty'] ? true : options['--no-pty'] ? false : undefined,
  };
}
