/** Turns the arguments of `sbx run` into a request, or into one sentence about what is wrong with them. */
import { SbxError } from '../protocol/errors.ts';
import type { Flags, Mode } from '../protocol/messages.ts';
import type { RunLimits } from '../protocol/run-limits.ts';
import type { Caller } from './caller.ts';
import { type CommandWords, readCommandWords } from './command-words.ts';
import { collectFlags, decisionOptions, parseMode } from './decision-arguments.ts';
import { collectLimits, limitOptions } from './limit-arguments.ts';
import { collectPlace, type Place, placeOptions } from './place-arguments.ts';
import { parseDuration } from './read-amounts.ts';
import { readOptions } from './read-options.ts';

const runOptions = {
  ...decisionOptions,
  ...placeOptions,
  ...limitOptions,
  '--timeout': 'value',
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

const maxTags = 16;
const maxTagCharacters = 128;

/** @throws {SbxError} `bad-usage` */
function checkTags(tags: readonly string[]): readonly string[] {
  if (tags.length <= maxTags && tags.every((tag) => tag.length <= maxTagCharacters)) return tags;
  throw new SbxError('bad-usage', `\`--tag\`: at most ${maxTags} of at most ${maxTagCharacters} characters`, {
    help: 'use fewer or shorter ones',
  });
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
