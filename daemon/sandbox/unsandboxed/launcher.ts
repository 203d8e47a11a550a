/**
 * The text with which a shell, already running as the account, becomes a command without a sandbox: in its folder, with
 * exactly its environment. The text comes through a pipe, because arguments are readable by everyone on the machine, and
 * the environment is not set any earlier, because `LD_PRELOAD` would make a program of the daemon's account load it.
 */
import { SbxError } from '../../../client/protocol/errors.ts';
import { reportDescriptor, reportScript } from '../command/end-folder.ts';
import type { CommandPlan } from '../model.ts';

/** What the shell that reads the text finds at its descriptors. */
export const launcherDescriptors = { text: 3, status: 4, report: 5, endFolder: reportDescriptor, command: 7 } as const;

/** `-c` argument of the shell that reads the text. */
export const readLauncher = `eval -- "$(</proc/self/fd/${launcherDescriptors.text})"`;

/** What the text says at `status`: the command is about to begin, or its folder cannot be entered. */
export const begunMark = 'begun';
export const folderMark = 'folder';

/** Longer texts do not fit one argument (MAX_ARG_STRLEN, 128 KiB). */
const maxArgumentBytes = 100 * 1024;

/** With these bash runs code of its environment before the command, or reads the command differently. */
const shellVariables = /^(?:BASH_ENV|SHELLOPTS|BASHOPTS|PS4|BASH_FUNC_.*|BASH_COMPAT|POSIXLY_CORRECT)$/s;

export interface Launcher {
  readonly text: string;
  /** For `launcherDescriptors.command`, when the command is too long for an argument. */
  readonly longCommand: string | undefined;
  /** For `launcherDescriptors.report`, when the plan asks where the shell ends. */
  readonly report: string | undefined;
}

/** @throws {SbxError} `bad-environment`, `bad-command` */
export function compileLauncher(plan: CommandPlan, { bash, env }: { bash: string; env: string }): Launcher {
  if (plan.shell && plan.pty === undefined) throw new SbxError('bad-command', 'an interactive shell needs a terminal');
  if (plan.command.includes('\0')) throw new SbxError('bad-command', 'the command has a NUL byte');
  for (const [name, value] of plan.env) checkVariable(name, value);
  const { text, status, report, command } = launcherDescriptors;
  // an interactive shell does not read BASH_ENV, and would hand it on to the first one that does
  const isReporting = plan.reportCwd && !plan.shell;
  const isLong = !plan.shell && Buffer.byteLength(plan.command) > maxArgumentBytes;
  const variables = new Map([...plan.env, ['PWD', plan.cwd]]);
  if (isReporting) variables.set('BASH_ENV', `/proc/self/fd/${report}`);
  // an interactive shell would otherwise write its lines to a file of the home
  if (plan.shell) variables.set('HISTFILE', '');
  const prelude = `eval -- "exec ${command}<&-; $(</proc/self/fd/${command})"`;
  const shell = plan.shell ? ['-i'] : ['-c', isLong ? prelude : plan.command, 'bash'];
  const unused = [...(isReporting ? [] : [report, reportDescriptor]), ...(isLong ? [] : [command])];
  return {
    text: [
      // an empty CDPATH and no HOME: the shell started without an environment
      `cd -- ${quoteWord(plan.cwd)} 2>&- >&- || { echo ${folderMark} >&${status}; exit 1; }`,
      'set --; unset OLDPWD',
      // a locale that is not installed makes bash complain
      '{',
      ...[...variables].map(([name, value]) => setVariable(name, value)),
      '} 2>/dev/null',
      `echo ${begunMark} >&${status}`,
      `exec ${[text, status, ...unused].map((descriptor) => `${descriptor}<&-`).join(' ')}`,
      // bash itself puts these two into every environment
      `exec ${quoteWord(env)} -u _ -u SHLVL "$@" ${[bash, '--norc', '--noprofile', ...shell].map(quoteWord).join(' ')}`,
    ].join('\n'),
    longCommand: isLong ? plan.command : undefined,
    report: isReporting ? `exec ${report}<&-\n${reportScript}` : undefined,
  };
}

/** Sets it in the shell; what the shell cannot hold, or changes, is given to `env` as an argument. */
function setVariable(name: string, value: string): string {
  const asArgument = `set -- "$@" ${quoteWord(`${name}=${value}`)}`;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name === '_' || name === 'SHLVL') return asArgument;
  const quoted = quoteWord(value);
  return `export ${name}=${quoted} && [[ $${name} == ${quoted} ]] || ${asArgument}`;
}

export function quoteWord(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function checkVariable(name: string, value: string): void {
  if (name === '' || /[=\0]/.test(name) || value.includes('\0')) {
    throw new SbxError('bad-environment', `\`${name}\` cannot be an environment variable`);
  }
  if (shellVariables.test(name)) {
    throw new SbxError(
      'bad-environment',
      `\`${name}\` would make the shell run or read something else than the command`,
      { help: `leave \`${name}\` out of the environment` },
    );
  }
}
