/** `sbx`: finds the command and hands it the rest. Every command but `run` is loaded when it is asked for. */
import { SbxError } from '../protocol/errors.ts';
import { showText } from '../protocol/visible.ts';
import type { Caller } from './caller.ts';
import { statuses } from './exit-status.ts';
import { findNearest } from './nearest.ts';
import { formatError } from './report.ts';
import { runCommand } from './run.ts';

const runsCommands = ['ps', 'logs', 'attach', 'kill', 'shell'];
const serviceCommands = ['status', 'daemon', 'doctor'];
const policyCommands = ['policy', 'trust', 'rules'];
const commands = ['run', 'check', 'plan', 'help', ...runsCommands, ...policyCommands, ...serviceCommands];

/** Their sockets and terminal may still be open when they are done, and all of their output is out. */
const endAtOnce = ['run', 'logs', 'attach', 'shell'];

function writeHelp(text: string): number {
  process.stdout.write(text);
  return 0;
}

async function dispatch([name, ...rest]: readonly string[], caller: Caller): Promise<number> {
  switch (name) {
    case 'run':
      return runCommand(rest, caller);
    case 'check':
      return (await import('./check.ts')).checkCommand(rest, caller);
    case 'plan':
      return (await import('./plan.ts')).planCommand(rest, caller);
    case 'ps':
    case 'logs':
    case 'attach':
    case 'kill':
    case 'shell':
      return (await import('./run-commands.ts')).runsCommand([name, ...rest], caller);
    case 'policy':
      return (await import('./policy.ts')).policyCommand([name, ...rest], caller);
    case 'trust':
      return (await import('./trust.ts')).trustCommand(rest, caller);
    case 'rules':
      return (await import('./rules.ts')).rulesCommand([name, ...rest], caller);
    case 'status':
    case 'daemon':
    case 'doctor':
      return (await import('./service.ts')).serviceCommand([name, ...rest], caller);
    case '--version':
    case '-V': {
      const { build } = await import('./build.ts');
      return writeHelp(`sbx ${build}\n`);
    }
    case 'help':
    case '--help':
    case '-h': {
      const help = await import('./help.ts');
      if (rest[0] === 'run') return writeHelp(help.runHelp);
      if (rest[0] === 'check') return writeHelp(help.checkHelp);
      if (rest[0] === 'plan') return writeHelp(help.planHelp);
      const [topic] = rest;
      if (topic !== undefined && [...runsCommands, ...policyCommands, ...serviceCommands].includes(topic))
        return dispatch([topic, ...rest.slice(1), '--help'], caller);
      return writeHelp(help.mainHelp);
    }
    case undefined:
      throw new SbxError('bad-usage', 'a command is missing', { help: "write sbx run 'COMMAND', or see sbx help" });
    default: {
      const nearest = findNearest(name, [...commands, '--version', '--help']);
      const kind = name.startsWith('-') ? 'option' : 'command';
      throw new SbxError('bad-usage', `unknown ${kind} \`${showText(name)}\``, {
        help: nearest === undefined ? 'see sbx help' : `did you mean \`${nearest}\`?`,
      });
    }
  }
}

async function main(): Promise<void> {
  const caller: Caller = { env: process.env, cwd: () => process.cwd() };
  let status: number = statuses.failed;
  try {
    if (Number.parseInt(process.versions.node, 10) < 20) {
      throw new SbxError('unsupported-platform', `Node ${process.versions.node} is too old`, {
        help: 'install Node 20 or later',
      });
    }
    status = await dispatch(process.argv.slice(2), caller);
  } catch (error) {
    process.stderr.write(`${formatError(error)}\n`);
    if (process.env['SBX_DEBUG'] !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  }
  if (endAtOnce.includes(process.argv[2] ?? '')) process.exit(status);
  process.exitCode = status;
}

void main();
