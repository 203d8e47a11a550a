/** The options that say where a run starts, what it may write, and what of our environment it is offered. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { SbxError } from '../protocol/errors.ts';
import { showText } from '../protocol/visible.ts';
import type { Caller } from './caller.ts';
import type { OptionValues } from './read-options.ts';

export const placeOptions = {
  '--cwd': 'value',
  '--workspace': 'value',
  '--new-session': 'flag',
  '--env': 'list',
} as const;

export interface Place {
  readonly cwd: string;
  readonly workspace: string | undefined;
  readonly newSession: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly grantEnv: readonly string[];
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
export function collectPlace(options: OptionValues<typeof placeOptions>, caller: Caller): Place {
  const workspace = options['--workspace'];
  return {
    cwd: resolveStartFolder(options['--cwd'], caller),
    workspace: workspace === undefined ? undefined : path.resolve(caller.cwd(), workspace),
    newSession: options['--new-session'] === true,
    ...collectEnvironment(options['--env'] ?? [], caller),
  };
}
