/** `sbx shell`: an interactive bash inside the workspace's session, one run from its first prompt to its end. */
import tty from 'node:tty';
import { SbxError } from '../protocol/errors.ts';
import type { SandboxReport } from '../protocol/events.ts';
import type { Caller } from './caller.ts';
import { LiveRun } from './live-run.ts';
import { collectPlace } from './place-arguments.ts';
import { formatSentence } from './report.ts';
import { forwardSignals } from './signals.ts';
import { startRun } from './start-run.ts';
import { lookAround } from './surroundings.ts';
import { isForeground } from './terminal.ts';

/** For a shell whose terminal is gone to end by itself. */
const hangUpMs = 2000;

const networks: Readonly<Record<SandboxReport['network'], string>> = {
  none: 'no network but localhost',
  filtered: 'of the network what the policy or you allow',
  host: "the machine's network",
};

/** What holds the lines that nobody decides on. */
export function describeHold({ backend, network, writable }: SandboxReport): string[] {
  if (backend === 'none') {
    return [
      formatSentence(
        'lines typed here are not decided one by one, and the sandbox of this session is off: nothing holds them',
      ),
    ];
  }
  return [
    formatSentence('lines typed here are not decided one by one; only the sandbox holds them'),
    formatSentence(
      `writable: ${writable.length === 0 ? 'nothing' : writable.join(', ')}; ${networks[network]}; exit or Ctrl-D ends it`,
    ),
  ];
}

export interface ShellWish {
  readonly cwd?: string;
  readonly workspace?: string;
  readonly newSession?: true;
  readonly env?: string[];
}

/** The exit status. @throws {SbxError} */
export async function shellCommand(caller: Caller, { cwd, workspace, newSession, env }: ShellWish): Promise<number> {
  if (!tty.isatty(0) || !tty.isatty(1) || !isForeground()) {
    throw new SbxError('bad-usage', 'a shell needs a terminal on stdin and stdout', {
      help: "write sbx run 'COMMAND' instead",
    });
  }
  const place = collectPlace(
    {
      ...(cwd === undefined ? {} : { '--cwd': cwd }),
      ...(workspace === undefined ? {} : { '--workspace': workspace }),
      ...(newSession ? { '--new-session': true } : {}),
      ...(env === undefined ? {} : { '--env': env }),
    },
    caller,
  );
  const { pty, canAsk } = lookAround(
    { json: false, pty: true, background: false, prompt: true, yes: false, mode: undefined },
    caller.env,
  );
  if (!pty) throw new SbxError('internal', 'a terminal without a size');
  const run = new LiveRun({
    json: false,
    yes: false,
    canAsk,
    pty: true,
    stdin: 'stream',
    whenLeft: 'stop',
    describeSandbox: describeHold,
  });
  forwardSignals(run);
  // A shell ends by it and has its traps run; but it may be missed between two reads of a line, and nobody types another.
  process.on('SIGHUP', () => setTimeout(() => run.leave('SIGHUP'), hangUpMs));
  const start = {
    shell: true,
    pty,
    stdin: 'stream',
    approver: canAsk,
    onDisconnect: 'stop',
    output: { aheadBytes: 0 },
  } as const;
  void startRun(run, { client: 'sbx shell', place, start }, caller);
  return run.ended;
}
