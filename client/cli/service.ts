/** `sbx status`, `sbx daemon …` and `sbx doctor`: the commands around the daemon, defined with commander. */
import { Option } from 'commander';
import type { Caller } from './caller.ts';
import { type ListenOptions, startedDaemon, stopDaemon } from './daemon-control.ts';
import { showLogs } from './daemon-logs.ts';
import { runDoctor } from './doctor.ts';
import { createProgram } from './program.ts';
import { showStatus } from './status.ts';
import { parseWith } from './usage-error.ts';

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** The exit status. @throws {SbxError} */
export async function serviceCommand(args: readonly string[], caller: Caller): Promise<number> {
  let status = 0;
  const program = createProgram();
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
    .option('--listen <host:port>', 'also listen on TCP, for example 127.0.0.1:7474; port 0 is any free one')
    .option('--token-file <file>', 'what clients must show (default: token in the state directory, made when absent)')
    .option('--tls-cert <file>', 'speak TLS, needed wherever other machines can reach the port')
    .option('--tls-key <file>', 'the key of the certificate')
    .option('--allow-host <name>', 'a host name under which clients reach it (repeatable)', collect)
    .option('--insecure-listen', 'let other machines in without TLS, and without a token unless --token-file is given')
    .action(async (options: ListenOptions) => {
      status = await startedDaemon(caller, options);
    });
  daemon
    .command('stop')
    .description('stop the daemon and what it runs')
    .addOption(new Option('--drain', 'take no new runs and end after the live ones').conflicts('now'))
    .option('--now', 'stop what runs, too (the default)')
    .action(async (options: { drain?: true; now?: true }) => {
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
    .option('--fix', 'first install the system packages that are missing')
    .action(async (options: { json?: true; fix?: true }) => {
      status = await runDoctor(caller, { json: options.json === true, fix: options.fix === true });
    });
  await parseWith(program, args, 'write sbx daemon start, stop, status or logs');
  return status;
}
