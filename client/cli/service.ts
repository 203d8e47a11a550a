/** `sbx status`, `sbx daemon …` and `sbx doctor`: the commands around the daemon, defined with commander. */
import { Command, CommanderError } from 'commander';
import { SbxError } from '../protocol/errors.ts';
import { startedDaemon, stopDaemon } from './daemon-control.ts';
import { showLogs } from './daemon-logs.ts';
import { runDoctor } from './doctor.ts';
import type { Caller } from './run-arguments.ts';
import { showStatus } from './status.ts';

function toUsageError(error: CommanderError): SbxError {
  // commander puts its suggestion on a second line.
  const [first = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const nearest = suggestion?.match(/\(Did you mean (.+)\?\)/)?.[1];
  return new SbxError('bad-usage', first.replaceAll("'", '`'), {
    help: nearest === undefined ? 'see sbx help' : `did you mean \`${nearest}\`?`,
  });
}

/** The exit status. @throws {SbxError} */
export async function serviceCommand(args: readonly string[], caller: Caller): Promise<number> {
  let status = 0;
  const program = new Command('sbx').exitOverride().configureOutput({ writeErr: () => undefined });
  program
    .command('status')
    .description('the daemon, its sessions and the sandbox; exit status 1 when no daemon runs')
    .option('--json', 'one JSON object')
    .action(async (options: { json?: true }) => {
      status = await showStatus(caller, options.json === true);
    });
  const daemon = program.command('daemon').description('start, stop and look after the daemon');
  daemon
    .command('start')
    .description('start the daemon unless one runs')
    .action(async () => {
      status = await startedDaemon(caller);
    });
  daemon
    .command('stop')
    .description('stop the daemon and what it runs')
    .option('--drain', 'take no new runs and end after the live ones')
    .action(async (options: { drain?: true }) => {
      status = await stopDaemon(caller, options.drain ? 'drain' : 'now');
    });
  daemon
    .command('status')
    .description('the same as sbx status')
    .option('--json', 'one JSON object')
    .action(async (options: { json?: true }) => {
      status = await showStatus(caller, options.json === true);
    });
  daemon
    .command('logs')
    .description("the end of the daemon's log")
    .option('-n, --lines <count>', 'how many lines', '100')
    .option('-f, --follow', 'go on with what is written next')
    .action(async (options: { lines: string; follow?: true }) => {
      status = await showLogs(caller, options.lines, options.follow === true);
    });
  program
    .command('doctor')
    .description('whether this machine can run the sandbox, and what it needs; exit status 1 when it cannot')
    .option('--json', 'one JSON object')
    .action(async (options: { json?: true }) => {
      status = await runDoctor(caller, options.json === true);
    });
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.help') {
      throw new SbxError('bad-usage', 'a subcommand is missing', {
        help: 'write sbx daemon start, stop, status or logs',
      });
    }
    if (error.exitCode !== 0) throw toUsageError(error);
  }
  return status;
}
