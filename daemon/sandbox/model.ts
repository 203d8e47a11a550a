/** What the sandbox stage takes and gives. `launch` accepts only an `ApprovedPlan`, which only the approve stage makes. */
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { SandboxReport, Violation } from '../../client/protocol/events.ts';
import type { LimitName } from '../../client/protocol/limit-names.ts';
import type { SessionListeners } from './network/listeners.ts';
import type { Account } from './plan/account.ts';
import type { FailedCommand } from './violations/explain-failure.ts';

declare const approved: unique symbol;

/** One command, approved: plain data. Paths are absolute. */
export interface CommandPlan {
  /** Shell text for `bash -c`; not used by an interactive shell. */
  readonly command: string;
  /** An interactive shell instead of a command; it needs a pty. Its prompt is `PS1` of `env`. */
  readonly shell: boolean;
  readonly cwd: string;
  /** The complete environment inside; nothing else is added. */
  readonly env: ReadonlyMap<string, string>;
  readonly umask: number;
  readonly pty: { readonly columns: number; readonly rows: number; readonly term: string } | undefined;
  /** `none` is /dev/null, `stream` a real pipe. Ignored with a pty. */
  readonly stdin: 'none' | 'stream';
  /** Its slot of the session's network; without one names are not resolved, and nothing answers. */
  readonly network?: number;
  /** What its processes may use; a limit that is absent does not hold. */
  readonly limits: CommandLimits;
  /**
   * Absolute protected paths that it was approved to write or make: their pins, and no others, are lifted for this command
   * alone.
   */
  readonly unprotect?: readonly string[];
  /** Absolute folders in which its programs run, as far as they are known: a repository there may be written. */
  readonly folders?: readonly string[];
  /** Wanted: the folder in which the command's own shell ends. */
  readonly reportCwd: boolean;
  /**
   * `staged`: what it does to the workspace's repository goes to a private copy, and what is safe of it is merged after its
   * end. `read-only` costs nothing. Without effect where there is no repository, or no sandbox.
   */
  readonly git: 'read-only' | 'staged';
}

/** Those that the kernel has to hold. */
export type KernelLimit = Extract<
  LimitName,
  'cpuSeconds' | 'memoryBytes' | 'processes' | 'openFiles' | 'fileBytes' | 'tmpBytes'
>;
export type CommandLimits = { readonly [K in Exclude<KernelLimit, 'tmpBytes'>]?: number } & {
  /** Beside the memory; without it as much as the machine has. */
  readonly swapBytes?: number;
};

export interface LimitReport {
  readonly limits: NonNullable<SandboxReport['limits']>;
  readonly limitsAbsent: NonNullable<SandboxReport['limitsAbsent']>;
}

export type ApprovedPlan = CommandPlan & { readonly [approved]: true };

/** How the process ended. `signal` only when the daemon sent it; a program's own death by signal is code 128+n. */
export interface ProcessExit {
  readonly code: number;
  readonly signal: string | undefined;
  /** Set when bubblewrap or nsenter failed before the command began. */
  readonly failure: string | undefined;
}

/** What all its processes together used, as far as the kernel counted it. */
export interface ProcessUse {
  readonly cpuMs: number | undefined;
  readonly maxRssBytes: number | undefined;
  /** The kernel ended it at its memory limit. */
  readonly outOfMemory: boolean;
}

export interface SandboxProcess {
  /** Null device runs have no stdin; a pty run has only `pty`. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  readonly pty:
    | {
        readonly onData: (listener: (bytes: Buffer) => void) => void;
        /** Resolves when the terminal has taken the bytes, or ended: a full one takes no more. Never rejects. */
        readonly write: (bytes: Buffer) => Promise<void>;
        readonly resize: (columns: number, rows: number) => void;
        readonly pause: () => void;
        readonly resume: () => void;
        /** Resolves when every byte was given to the listener, after the command's end. Never rejects. */
        readonly ended: Promise<void>;
      }
    | undefined;
  /** Resolves when the command and everything it started is gone. Output may still be in the pipes. Never rejects. */
  readonly exit: Promise<ProcessExit>;
  /**
   * With `exit`: the absolute folder, links resolved, in which the command's shell stood at its end. Undefined when it was
   * not asked for, or not known: the shell was replaced or killed, had an EXIT trap of its own, its folder was removed.
   * The command can make it up, so it is no more than a wish of the command's. Never rejects.
   */
  readonly cwd: Promise<string | undefined>;
  /**
   * With `exit`, perhaps later: what the sandbox did or found after the end, such as work that could not be taken over.
   * May be long, and may take long. Never rejects.
   */
  readonly aftermath: Promise<readonly Violation[]>;
  /** With `exit`; undefined where nothing was counted. Never rejects. */
  readonly use: Promise<ProcessUse | undefined>;
  /** Which of its plan's limits hold, and which cannot. */
  readonly limits: LimitReport;
  /** Whether a connection that a listener of the session accepted was made by a process of this command. Never rejects. */
  readonly connected: (accepted: Socket) => Promise<boolean>;
  /** To every process of the command's session group; without effect once it ended. */
  readonly signal: (name: NodeJS.Signals) => void;
  /** TERM, then KILL of the command's init after `graceMs`. */
  readonly stop: (graceMs: number) => void;
}

export interface SandboxSession {
  readonly report: SandboxReport;
  /** Ways out of its network namespace, which the egress stage serves; undefined when it has none but loopback. */
  readonly network: SessionListeners | undefined;
  /** Whom commands run as: where HOME, USER and LOGNAME of a command's environment come from. */
  readonly account: Account;
  /** The path is, or lies in, a protected file or folder that has a pin. */
  readonly protects: (path: string) => boolean;
  /** The path was there when the session was made, and is read-only in it although its folder is writable. */
  readonly pins: (path: string) => boolean;
  /** False when mounts or protected files of the host changed since, or the template ended: open a new session. */
  readonly isCurrent: () => boolean;
  /** @throws {SbxError} `sandbox-failed` */
  readonly launch: (plan: ApprovedPlan) => Promise<SandboxProcess>;
  /** Why a failed command of it failed, as far as the sandbox was the reason. */
  readonly explainFailure: (command: FailedCommand) => readonly Violation[];
  /** Ends every process of the session and releases what it holds. */
  readonly close: () => Promise<void>;
  /** Resolves when the template is gone, whoever ended it. */
  readonly closed: Promise<void>;
}
