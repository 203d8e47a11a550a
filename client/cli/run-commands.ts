/** `sbx ps`, `logs`, `attach`, `kill` and `shell`: the commands around runs, defined with commander. */
import { SbxError } from '../protocol/errors.ts';
import { showText } from '../protocol/visible.ts';
import type { Caller } from './caller.ts';
import { createProgram } from './program.ts';
import type { ShellWish } from './shell.ts';
import { parseWith } from './usage-error.ts';

const aRun = 'id of the run, or its beginning';

function parseLines(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new SbxError('bad-usage', `\`--tail\`: \`${showText(text)}\` is not a number of lines`, {
    help: 'write --tail 100',
  });
}

/** The exit status. @throws {SbxError} */
export async function runsCommand(args: readonly string[], caller: Caller): Promise<number> {
  let status = 0;
  const program = createProgram();
  program
    .command('ps')
    .description('the runs that are live, the newest last')
    .option('-a, --all', 'also those that have ended and are still remembered')
    .option('--json', 'one JSON array')
    .action(async ({ all, json }: { all?: true; json?: true }) => {
      const { showRuns } = await import('./ps.ts');
      status = await showRuns(caller, { all: all === true, json: json === true });
    });
  program
    .command('logs')
    .description('the output of a run so far, its stdout to stdout and its stderr to stderr')
    .argument('<run>', aRun)
    .option('-f, --follow', 'go on until the run ends, and exit as it did; Ctrl-C leaves it alone')
    .option('-n, --tail <lines>', 'only the last lines of what is there')
    .option('--json', 'one event a line')
    .action(async (name: string, { follow, tail, json }: { follow?: true; tail?: string; json?: true }) => {
      const lines = parseLines(tail);
      if (json && lines !== undefined) {
        throw new SbxError('bad-usage', '`--json` and `--tail` exclude each other', { help: 'drop one of them' });
      }
      const { showRunLogs } = await import('./logs.ts');
      status = await showRunLogs(caller, name, { follow: follow === true, tail: lines, json: json === true });
    });
  program
    .command('attach')
    .description('see a live run and type into it; it goes on when you leave')
    .argument('<run>', aRun)
    .option('--no-stdin', 'only look; Ctrl-C leaves')
    .option('-n, --tail <lines>', 'how much of the output so far to show (default: what fits on the terminal)')
    .option('--detach-keys <keys>', 'leave a run that is on a terminal of its own', 'ctrl-p,ctrl-q')
    .action(async (name: string, options: { stdin: boolean; tail?: string; detachKeys: string }) => {
      const { attachCommand } = await import('./attach.ts');
      status = await attachCommand(caller, name, { ...options, tail: parseLines(options.tail) });
    });
  program
    .command('kill')
    .description('stop runs (TERM, then KILL) and wait until they have ended')
    .argument('<run...>', aRun)
    .option('-s, --signal <signal>', 'only send this one, as TERM, and do not wait')
    .action(async (names: string[], { signal }: { signal?: string }) => {
      const [{ killRuns }, { parseSignal }] = await Promise.all([import('./kill.ts'), import('./signal-names.ts')]);
      status = await killRuns(caller, names, signal === undefined ? undefined : parseSignal(signal));
    });
  program
    .command('shell')
    .description('an interactive bash in the sandbox; lines typed into it are not decided one by one')
    .option('--cwd <dir>', 'start there')
    .option('--workspace <dir>', 'the folder that may be written (default: the git root of the start folder)')
    .option('--new-session', "do not join the workspace's session")
    .option(
      '--env <name[=value]>',
      'pass a variable that would be withheld (repeatable)',
      (wish, all: string[] = []) => [...all, wish],
    )
    .action(async (wish: ShellWish) => {
      const { shellCommand } = await import('./shell.ts');
      status = await shellCommand(caller, wish);
    });
  await parseWith(program, args, 'see sbx help');
  return status;
}
