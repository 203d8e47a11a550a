/** Turns the arguments of `sbx check` into what is to be judged. */
import path from 'node:path';
import { SbxError } from '../protocol/errors.ts';
import type { Params } from '../protocol/messages.ts';
import type { Caller } from './caller.ts';
import { readCommandWords } from './command-words.ts';
import { collectFlags, decisionOptions, parseMode } from './decision-arguments.ts';
import { resolveStartFolder } from './place-arguments.ts';
import { readOptions } from './read-options.ts';

const checkOptions = {
  ...decisionOptions,
  '--auto-allow': 'flag',
  '--no-auto-allow': 'flag',
  '--explain': 'flag',
  '-v': 'flag',
  '--jsonl': 'flag',
} as const;

/** What every command of this call has in common. */
export type CheckBase = Omit<Params<'check'>, 'command' | 'argv'>;

export type CheckWish =
  | { readonly kind: 'help' }
  | { readonly kind: 'lines'; readonly base: CheckBase }
  | { readonly kind: 'command'; readonly params: Params<'check'>; readonly json: boolean; readonly full: boolean };

/** @throws {SbxError} of kind `input` */
export function readCheckArguments(args: readonly string[], caller: Caller): CheckWish {
  const read = readOptions(checkOptions, args, 'sbx check');
  const { options } = read;
  if (options['--help'] || options['-h']) return { kind: 'help' };
  const flags = collectFlags(options, caller);
  const mode = options['--mode'];
  const workspace = options['--workspace'];
  const base: CheckBase = {
    cwd: resolveStartFolder(options['--cwd'], caller),
    autoAllow: options['--auto-allow'] === true,
    ...(workspace === undefined ? {} : { workspace: path.resolve(caller.cwd(), workspace) }),
    ...(mode === undefined ? {} : { mode: parseMode(mode) }),
    ...(flags ? { flags } : {}),
  };
  if (options['--jsonl']) {
    if (read.words.length > 0) {
      throw new SbxError('bad-usage', '`--jsonl` reads the commands from stdin and takes none here', {
        help: 'see sbx check --help',
      });
    }
    return { kind: 'lines', base };
  }
  const words = readCommandWords(read, "sbx check 'COMMAND' or sbx check -- PROGRAM ARGUMENT…");
  const full = options['--explain'] === true || options['-v'] === true;
  return { kind: 'command', params: { ...base, ...words }, json: options['--json'] === true, full };
}
