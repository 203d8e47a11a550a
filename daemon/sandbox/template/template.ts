/**
 * Makes a session's template: the process that holds its user, network, pid and mount namespaces, with every mount made
 * once. Whatever ends the daemon ends this process, and with the first process of its pid namespace the kernel ends
 * every command of the session.
 */
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { SbxError } from '../../../client/protocol/errors.ts';
import { findMountAt, type Mount, readMountTable } from '../../platform/mount-table.ts';
import { readChildren, readNamespacePids, readPidNamespace, readStat } from '../../platform/process-tree.ts';
import { type RunningProcess, startProcess } from '../../platform/spawn.ts';
import { receiveListeners, type SessionListeners } from '../network/listeners.ts';
import { type Account, asAccount } from '../plan/account.ts';
import type { SessionPlan } from '../plan/plan.ts';
import { requireTool } from '../tools.ts';
import { type CompiledHolder, compileHolder } from './holder.ts';
import { sessionDevices } from './places.ts';
import { holderMark, setupScript } from './setup-script.ts';
import { connectStarter, type Starter, starterScript } from './starter.ts';

export interface Template {
  /** Host pid of the first process in the session's pid namespace; undefined once the template ended. */
  readonly init: () => number | undefined;
  readonly starter: Starter;
  /**
   * To be waited for before any command starts, those without a network too: none may have a port before it. Rejects with
   * `sandbox-failed`.
   */
  readonly network: Promise<SessionListeners | undefined>;
  readonly closed: Promise<void>;
  readonly close: () => Promise<void>;
}

function collectText(stream: Duplex | undefined, limit = 8192): () => string {
  let text = '';
  stream?.on('data', (chunk: Buffer) => {
    if (text.length < limit) text += chunk.toString();
  });
  stream?.on('error', () => {});
  return () => text;
}

/** The template's script is the first process that the session's init started. */
export const scriptNumber = 2;

/**
 * @param filter descriptor of the system call filter, which the account may open again.
 * @throws {SbxError} `sandbox-failed`, `sandbox-unavailable`
 */
export async function openTemplate(plan: SessionPlan, filter: number): Promise<Template> {
  const compiled = compileHolder(plan);
  const mark = [
    holderMark,
    String(process.pid),
    readStat(process.pid)?.startTime ?? '',
    readPidNamespace('self') ?? '-',
  ];
  const bash = [requireTool('bash'), '--norc', '--noprofile', '-c'];
  const holder = startProcess(
    [
      ...asAccount(plan.account, requireTool),
      ...[requireTool('bwrap'), '--args', '4', '--info-fd', '3', '--'],
      ...[...bash, setupScript, ...mark, ...compiled.steps],
      ...['start', ...withoutCapabilities(plan.account), ...bash, starterScript, ...mark],
    ],
    {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe', filter, ...(plan.network === undefined ? [] : ['ipc' as const])],
      detached: true,
    },
  );
  const network =
    plan.network === undefined
      ? Promise.resolve(undefined)
      : receiveListeners(plan.network, holder.channel, holder.exit);
  const [input, output, errors, info, args] = holder.streams;
  input?.on('error', () => {});
  args?.on('error', () => {});
  args?.end(`${compiled.options.join('\0')}\0`);
  const readErrors = collectText(errors);
  const readInfo = collectText(info);
  if (input === undefined || output === undefined) throw new Error('no pipes');
  const connection = connectStarter([input, output], holder.exit);
  if (!(await connection.isReady)) {
    throw new SbxError('sandbox-failed', `the sandbox could not be set up: ${firstLine(readErrors())}`, {
      help: 'run `sbx doctor`',
    });
  }
  const init = (JSON.parse(readInfo()) as { 'child-pid': number })['child-pid'];
  let alive = true;
  const started = readStat(init)?.startTime;
  const closed = holder.exit.then(async () => {
    alive = false;
    for (const stream of holder.streams) stream?.destroy();
    await waitForEmptySession(init, started);
  });
  const close = (): Promise<void> => {
    if (alive) endTemplate(holder, init);
    return closed;
  };
  let starter: Starter;
  try {
    verifyMounts(readMountTable(init), compiled);
    const script = readChildren(init).find((pid) => readNamespacePids(pid).at(-1) === scriptNumber);
    if (script === undefined) throw new SbxError('sandbox-failed', 'the session ended while it was made');
    starter = connection.open(script);
  } catch (error) {
    await close();
    throw error;
  }
  network.then(
    (listeners) => closed.then(listeners?.close),
    () => {},
  );
  return { init: () => (alive ? init : undefined), starter, network, closed, close };
}

/**
 * The starter has no use for the rights that the mounts needed, and bubblewrap refuses to run with them. Root inside has
 * every right by being root; there bubblewrap gives them up.
 */
export function withoutCapabilities(account: Account): string[] {
  return account.uid === 0 ? [] : [requireTool('setpriv'), '--inh-caps=-all', '--ambient-caps=-all'];
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] || 'it ended without a message';
}

/**
 * bubblewrap outside ends when its init says so, a moment before that one has ended: only when it is a zombie has the
 * kernel ended everything else in its namespace. Source: pid_namespaces(7), `zap_pid_ns_processes`.
 */
async function waitForEmptySession(init: number, started: string | undefined): Promise<void> {
  for (;;) {
    const stat = readStat(init);
    if (stat === undefined || stat.state === 'Z' || stat.startTime !== started) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The kernel ends all of the session with its first process; bubblewrap outside then ends by itself. */
function endTemplate(holder: RunningProcess, init: number): void {
  try {
    process.kill(init, 'SIGKILL');
  } catch {
    holder.kill('SIGKILL');
  }
}

/**
 * INVARIANT(template-as-planned): a command that already runs in the workspace may swap a folder for a link while the
 * template is made, so that a mount lands elsewhere or shows what the link leads to: while the template is made, the home
 * still lies unhidden beside it. The kernel's own table tells.
 * @throws {SbxError} `sandbox-failed`
 */
export function verifyMounts(mounts: readonly Mount[], compiled: CompiledHolder): void {
  for (const [place, expected] of new Map(compiled.expected)) {
    const mount = findMountAt(mounts, place);
    const access = mount?.options.includes('ro') ? 'ro' : 'rw';
    if (mount?.path !== place || access !== expected) {
      throw new SbxError('sandbox-failed', `the sandbox is not as planned: \`${place}\` is not mounted ${expected}`);
    }
    if (!mount.options.includes('nosuid') || (place !== sessionDevices && !mount.options.includes('nodev'))) {
      throw new SbxError('sandbox-failed', `the sandbox is not as planned: \`${place}\` may have devices`);
    }
  }
  for (const place of compiled.same) {
    const mount = findMountAt(mounts, place);
    const above = findMountAt(mounts, path.dirname(place));
    const root = above && path.join(above.root, path.relative(above.path, place));
    if (mount === undefined || mount.device !== above?.device || mount.root !== root) {
      throw new SbxError('sandbox-failed', `the sandbox is not as planned: \`${place}\` shows another file`);
    }
  }
}
