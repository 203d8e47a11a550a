/** What a run finds around it: whether there is a terminal for the command, and a person to ask. */
import tty from 'node:tty';
import type { Params } from '../protocol/messages.ts';
import { isStdinEmpty } from './input.ts';
import { hasControllingTerminal } from './prompt.ts';
import type { RunWish } from './run-arguments.ts';
import { isForeground, measureTerminal } from './terminal.ts';

export interface Surroundings {
  readonly pty: Params<'run.start'>['pty'];
  readonly stdin: 'none' | 'stream';
  /** There is a terminal to ask on, and somebody before it. */
  readonly canAsk: boolean;
}

/** Set by every CI system; `false` and `0` are what people write to switch it off. */
function isCi(env: Readonly<Record<string, string | undefined>>): boolean {
  return ![undefined, '', '0', 'false'].includes(env['CI']);
}

export type SurroundingsWish = Pick<RunWish, 'json' | 'pty' | 'background' | 'prompt' | 'yes' | 'mode'>;

export function lookAround(wish: SurroundingsWish, env: Readonly<Record<string, string | undefined>>): Surroundings {
  const stdinIsTerminal = tty.isatty(0);
  const mayUseTerminal = isForeground();
  const suggested = stdinIsTerminal && tty.isatty(1) && mayUseTerminal && !wish.json && !wish.background;
  const usesPty = wish.pty ?? suggested;
  const term = env['TERM'];
  const mayAsk = wish.prompt && !wish.yes && wish.mode !== 'dont-ask' && !isCi(env) && mayUseTerminal;
  return {
    pty: usesPty
      ? { size: measureTerminal(), term: term === undefined || term === '' ? 'dumb' : term.slice(0, 128) }
      : undefined,
    stdin: usesPty || wish.background || isStdinEmpty() || (stdinIsTerminal && !mayUseTerminal) ? 'none' : 'stream',
    canAsk: mayAsk && hasControllingTerminal(),
  };
}
