/**
 * Compiles one command to the options of the bubblewrap that runs it inside a session. It copies the template's mounts,
 * which keep their flags and are locked, and adds what belongs to a command alone: /dev/shm, /proc and its masks.
 */
import { SbxError } from '../../../client/protocol/errors.ts';
import type { CommandPlan } from '../model.ts';
import { emptyFile, hostName, resolverFile, sessionDevices } from '../template/places.ts';
import { reportDescriptor, reportFile } from './end-folder.ts';

/** Longer texts do not fit one argument (MAX_ARG_STRLEN, 128 KiB). */
const maxArgumentBytes = 100 * 1024;

const shm = ['--size', String(512 * 1024 ** 2), '--perms', '1777', '--tmpfs', '/dev/shm'];
const folderBytes = 65_536;

/**
 * Files of a fresh /proc that tell about the machine or the account rather than the sandbox. Each mask is a mount, and
 * each mount costs a command about half a millisecond, so only what the kernel does not refuse by itself is listed: all
 * but the first are readable for root alone, and kmsg and kcore need a capability that nobody has inside.
 */
export const hiddenProcFiles: readonly (readonly [name: string, reader: 'anyone' | 'root'])[] = [
  ['keys', 'anyone'],
  ['timer_list', 'root'],
  ['slabinfo', 'root'],
  ['kcore', 'root'],
];

/** With these bash runs code of its environment before the command, or reads the command differently. */
const shellVariables = /^(?:BASH_ENV|SHELLOPTS|BASHOPTS|PS4|BASH_FUNC_.*|BASH_COMPAT|POSIXLY_CORRECT)$/s;

export interface CompiledCommand {
  /** For `--args`: they may hold secrets and be longer than an argument list may be. */
  readonly options: readonly string[];
  /** What bubblewrap runs. */
  readonly argv: readonly string[];
  /** Set when the text has to be given as a file at this descriptor, because it is too long for an argument. */
  readonly longCommand: { readonly text: string; readonly descriptor: number } | undefined;
}

export interface CommandSetting {
  readonly bash: string;
  /** Starts the next program with limits that hold for this command alone. */
  readonly limit: readonly string[];
  /** GNU env, when signals that the launcher ignores must be put back (terminal runs). */
  readonly resetSignals: readonly string[];
  /** Names of /proc that exist on this kernel. */
  readonly procFiles: ReadonlySet<string>;
  readonly disableUserns: boolean;
  readonly seccompDescriptor: number;
  readonly statusDescriptor: number;
  /** File of the host's that says how names are resolved; undefined when there is none, or no network. */
  readonly resolver: string | undefined;
}

/** @throws {SbxError} `bad-environment`, `bad-command` */
export function compileCommand(plan: CommandPlan, setting: CommandSetting): CompiledCommand {
  if (plan.shell && plan.pty === undefined) throw new SbxError('bad-command', 'an interactive shell needs a terminal');
  if (plan.command.includes('\0')) throw new SbxError('bad-command', 'the command has a NUL byte');
  const isLong = Buffer.byteLength(plan.command) > maxArgumentBytes;
  const options = [
    '--unshare-user',
    ...(setting.disableUserns ? ['--disable-userns'] : []),
    '--unshare-pid',
    '--unshare-ipc',
    '--unshare-uts',
    ...['--hostname', hostName],
    ...(plan.pty === undefined ? ['--new-session'] : []),
    '--die-with-parent',
    ...['--cap-drop', 'ALL'],
    // the session's mounts have no devices but its own, which lie where they are bound from (no-devices-elsewhere)
    ...['--dev-bind', '/', '/'],
    // a terminal needs a /dev that knows it; to make one takes longer
    ...(plan.pty === undefined
      ? ['--dev-bind', sessionDevices, '/dev', ...shm]
      : ['--dev', '/dev', ...shm, '--remount-ro', '/dev']),
    ...['--proc', '/proc'],
    ...(setting.resolver === undefined || plan.network === undefined
      ? []
      : ['--ro-bind', resolverFile(plan.network), setting.resolver]),
    ...['--ro-bind', '/proc/sys', '/proc/sys'],
    ...hiddenProcFiles
      .filter(([name]) => setting.procFiles.has(name))
      .flatMap(([name]) => ['--ro-bind', emptyFile, `/proc/${name}`]),
    // pid 1 is bubblewrap's own: its memory, environment and descriptors are nobody's business
    ...['--size', String(folderBytes), '--perms', '0555', '--tmpfs', '/proc/1'],
    ...['--seccomp', String(setting.seccompDescriptor)],
    ...['--json-status-fd', String(setting.statusDescriptor)],
    '--clearenv',
    ...[...plan.env].flatMap(([name, value]) => compileVariable(name, value)),
    ...(plan.reportCwd ? ['--setenv', 'BASH_ENV', reportFile] : []),
    // an interactive shell would otherwise write its lines to a file of the home
    ...(plan.shell ? ['--setenv', 'HISTFILE', ''] : []),
    ...['--chdir', plan.cwd],
  ];
  const shell = [...setting.limit, ...setting.resetSignals, setting.bash, '--norc', '--noprofile'];
  if (plan.shell) return { options, argv: [...shell, '-i'], longCommand: undefined };
  if (!isLong) return { options, argv: [...shell, '-c', plan.command, 'bash'], longCommand: undefined };
  // on one line, so that line numbers of messages stay those of the text; no variable is left behind
  const descriptor = plan.reportCwd ? reportDescriptor + 1 : reportDescriptor;
  const prelude = `eval -- "exec ${descriptor}<&-; $(</proc/self/fd/${descriptor})"`;
  return { options, argv: [...shell, '-c', prelude, 'bash'], longCommand: { text: plan.command, descriptor } };
}

function compileVariable(name: string, value: string): string[] {
  if (name === '' || /[=\0]/.test(name) || value.includes('\0')) {
    throw new SbxError('bad-environment', `\`${name}\` cannot be an environment variable`);
  }
  if (shellVariables.test(name)) {
    throw new SbxError(
      'bad-environment',
      `\`${name}\` would make the shell run or read something else than the command`,
      {
        help: `leave \`${name}\` out of the environment`,
      },
    );
  }
  return ['--setenv', name, value];
}
