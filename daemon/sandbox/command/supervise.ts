/** Follows one command from its start to its end: signals, the kill that holds, and the moment when all of it is gone. */
import type { Violation } from '../../../client/protocol/events.ts';
import { findInit, listDescendants, readChildren, readGroupsBelow, sendSignal } from '../../platform/process-tree.ts';
import { SocketOwner } from '../../platform/socket-owner.ts';
import type { StagedRun } from '../git/staging.ts';
import type { RunGroup } from '../groups/run-groups.ts';
import type { CommandLimits, ProcessExit, ProcessUse, SandboxProcess } from '../model.ts';
import type { Carrier } from './carrier.ts';
import { separateErrorOutput } from './error-output.ts';
import { describeExit } from './exit.ts';
import type { LaunchSetting } from './launch.ts';
import { endOrphans, endStrays } from './orphans.ts';
import { endAfterCommand } from './output-end.ts';
import type { SessionStdio } from './session-stdio.ts';
import { deliverTerminal } from './terminal.ts';

interface Status {
  /** bubblewrap made the command's init; its mounts may not be there yet. */
  readonly begun: Promise<void>;
  /** The command's code as bubblewrap says it, absent when the command never began. */
  readonly end: Promise<number | undefined>;
}

/** Reads what `--json-status-fd` tells. Source: bwrap(1); `exit-code` is written only when the command was executed. */
function readStatus({ status: stream, ended }: Carrier): Status {
  let text = '';
  const begun = new Promise<void>((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      resolve();
    });
    void ended.then(() => resolve());
  });
  const end = new Promise<void>((resolve) => {
    stream.on('close', () => resolve());
    stream.on('error', () => {});
  }).then(() => {
    const code = /"exit-code":\s*(\d+)/.exec(text)?.[1];
    return code === undefined ? undefined : Number(code);
  });
  return { begun, end };
}

export function superviseCommand(
  setting: LaunchSetting,
  stdio: SessionStdio,
  carrier: Carrier,
  limits: CommandLimits,
  group: RunGroup | undefined,
  staged: StagedRun | undefined,
): SandboxProcess {
  const status = readStatus(carrier);
  const sent = new Set<NodeJS.Signals>();
  let ended = false;
  let killTimer: NodeJS.Timeout | undefined;

  const findCommandInit = (): number | undefined => {
    const found = carrier.find();
    return found === undefined ? undefined : findInit(found, 3);
  };
  /** The init is there before the command: a signal sent in between would reach nobody. */
  const findStartedInit = async (): Promise<number | undefined> => {
    for (;;) {
      const init = findCommandInit();
      if (init === undefined || readChildren(init).length > 0) return init;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const signal = (name: NodeJS.Signals): void => {
    if (name === 'SIGKILL') return void kill();
    void status.begun.then(findStartedInit).then((init) => {
      if (init === undefined) return;
      sent.add(name);
      signalGroups(init, name);
    });
  };
  const kill = async (): Promise<void> => {
    sent.add('SIGKILL');
    while (!ended) {
      // Never the carrier itself: until its child has arranged to die with it, the child would go on without a parent.
      const init = findCommandInit();
      const found = init === undefined ? carrier.find() : undefined;
      for (const target of found === undefined ? [init] : readChildren(found)) {
        if (target !== undefined) sendSignal(target, 'SIGKILL');
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };

  let settleUse: (use: ProcessUse | undefined) => void = () => {};
  const use = new Promise<ProcessUse | undefined>((resolve) => {
    settleUse = resolve;
  });
  const errorOutput = stdio.stderr && separateErrorOutput(stdio.stderr);
  const exit = (async (): Promise<ProcessExit> => {
    const end = await carrier.ended;
    ended = true;
    clearTimeout(killTimer);
    // first this: an orphan also holds the status pipe open
    await endOrphans(setting.template);
    if (end.signal !== undefined) await endStrays(setting.template, setting.carriers);
    const code = await status.end;
    settleUse(await group?.end());
    const { outOfMemory = false } = (await use) ?? {};
    const message = errorOutput?.settle(code !== undefined) ?? '';
    endAfterCommand(stdio.stdout, stdio.stdout);
    endAfterCommand(stdio.stderr, errorOutput?.stream);
    const sessionEnded = setting.template.init() === undefined;
    // all of it was killed, also who would have told how it ended
    if (outOfMemory) return { code: 137, signal: undefined, failure: undefined };
    return describeExit(code, end.code, sent, sessionEnded, message);
  })();

  const settle = async (): Promise<readonly Violation[]> => {
    // the run's last processes end with its carrier, or with the session
    if (setting.template.init() === undefined) await setting.template.closed;
    return staged?.settle() ?? [];
  };

  const owner = new SocketOwner(() => {
    const [namespace, own] = [setting.template.init(), carrier.find()];
    return namespace === undefined || own === undefined ? undefined : { namespace, processes: listDescendants(own) };
  });

  return {
    stdin: stdio.stdin,
    stdout: stdio.stdout,
    stderr: errorOutput?.stream,
    pty: stdio.terminal && deliverTerminal(stdio.terminal, carrier.report),
    exit,
    cwd: exit.then(stdio.takeEndFolder),
    use,
    limits: setting.reportLimits(limits),
    aftermath: staged === undefined ? Promise.resolve([]) : exit.then(settle),
    connected: (accepted) => owner.owns(accepted),
    signal,
    stop: (graceMs) => {
      signal('SIGTERM');
      killTimer ??= setTimeout(() => void kill(), graceMs);
    },
  };
}

/**
 * A process may move to a group of its own while the groups are read (`timeout` does at its start), so what the first
 * look missed is looked for again. Not for ever: a command that keeps founding groups and ignores the signal would hold
 * the daemon in this loop, and the kill that follows would never come.
 */
function signalGroups(init: number, name: NodeJS.Signals): void {
  const reached = new Set<number>();
  for (let look = 0; look < 4; look++) {
    const fresh = [...readGroupsBelow(init)].filter((group) => !reached.has(group));
    if (fresh.length === 0) return;
    for (const group of fresh) {
      reached.add(group);
      sendSignal(-group, name);
    }
  }
}
