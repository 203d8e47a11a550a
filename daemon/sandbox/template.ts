/**
 * Makes a session's template: the process that holds its user, network, pid and mount namespaces, with every mount made
 * once. Whatever ends the daemon ends this process, and with the first process of its pid namespace the kernel ends
 * every command of the session.
 */
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { SbxError } from '../../client/protocol/errors.ts';
import { findMountAt, type Mount, readMountTable } from '../platform/mount-table.ts';
import { readPidNamespace, readStat } from '../platform/process-tree.ts';
import { type RunningProcess, startProcess } from '../platform/spawn.ts';
import { asAccount } from './account.ts';
import { type CompiledHolder, compileHolder, holderMark, setupScript } from './holder.ts';
import type { SessionPlan } from './plan.ts';
import { requireTool } from './tools.ts';

export interface Template {
  /** Host pid of the first process in the session's pid namespace; undefined once the template ended. */
  readonly init: () => number | undefined;
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

/** @throws {SbxError} `sandbox-failed`, `sandbox-unavailable` */
export async function openTemplate(plan: SessionPlan): Promise<Template> {
  const compiled = compileHolder(plan);
  const daemonStart = readStat(process.pid)?.startTime ?? '';
  const holder = startProcess(
    [
      ...asAccount(plan.account, requireTool),
      ...[requireTool('bwrap'), '--args', '4', '--info-fd', '3', '--'],
      ...[requireTool('bash'), '--norc', '--noprofile', '-c', setupScript, holderMark],
      ...[String(process.pid), daemonStart, readPidNamespace('self') ?? '-', ...compiled.steps],
    ],
    { stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'], detached: true },
  );
  const [input, output, errors, info, args] = holder.streams;
  input?.on('error', () => {});
  args?.on('error', () => {});
  args?.end(`${compiled.options.join('\0')}\0`);
  const readErrors = collectText(errors);
  const readInfo = collectText(info);
  const readOutput = collectText(output);
  const isReady = new Promise<boolean>((resolve) => {
    output?.on('data', () => {
      if (readOutput().includes('ready\n')) resolve(true);
    });
    void holder.exit.then(() => resolve(false));
  });
  if (!(await isReady)) {
    throw new SbxError('sandbox-failed', `the sandbox could not be set up: ${firstLine(readErrors())}`, {
      help: 'run `sbx doctor`',
    });
  }
  const init = (JSON.parse(readInfo()) as { 'child-pid': number })['child-pid'];
  let alive = true;
  const closed = holder.exit.then(() => {
    alive = false;
    for (const stream of holder.streams) stream?.destroy();
  });
  const close = (): Promise<void> => {
    if (alive) endTemplate(holder, init);
    return closed;
  };
  try {
    verifyMounts(readMountTable(init), compiled);
  } catch (error) {
    await close();
    throw error;
  }
  return { init: () => (alive ? init : undefined), closed, close };
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] || 'it ended without a message';
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
