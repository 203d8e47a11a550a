/**
 * Every message of the wire as a zod schema: requests with their parameters and results, and the events of a run.
 * Objects are strict, so an unknown field is refused rather than ignored.
 */
import { z } from 'zod';
import { decisionSchema, suggestionSchema } from './decision.ts';
import { limits } from './limits.ts';

const idSchema = z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, 'an id is 1 to 128 letters, digits, `_`, `.` or `-`');
const pathSchema = z.string().min(1).max(4096).startsWith('/', 'a path on the wire is absolute');
export const modeSchema = z.enum(['manual', 'accept-edits', 'dont-ask']);
export type Mode = z.infer<typeof modeSchema>;

const ruleListSchema = z.array(z.string().min(1).max(4096)).max(1000);

/** Policy that comes with one request: the `flags` layer. `policyFile` is read by the daemon. */
export const flagsSchema = z.strictObject({
  allow: ruleListSchema.optional(),
  ask: ruleListSchema.optional(),
  deny: ruleListSchema.optional(),
  policyFile: pathSchema.optional(),
});
export type Flags = z.infer<typeof flagsSchema>;

const shellOrArgv = {
  /** Shell text, or a program with its arguments that the daemon quotes. Exactly one of the two. */
  command: z.string().max(limits.maxCommandBytes).optional(),
  argv: z.array(z.string()).min(1).max(100_000).optional(),
};

const terminalSizeSchema = z.strictObject({ columns: z.int().min(1).max(65535), rows: z.int().min(1).max(65535) });

export const sandboxReportSchema = z.strictObject({
  backend: z.enum(['bubblewrap']),
  /** `none`: only the session's loopback. */
  network: z.enum(['none']),
  seccomp: z.boolean(),
  /** Nested user namespaces are closed off by bubblewrap itself, or by the filter alone. */
  userns: z.enum(['disabled', 'filter-only']),
  /** Name of the account the command ran as. */
  user: z.string(),
  writable: z.array(z.string()),
  warnings: z.array(z.string()),
});
export type SandboxReport = z.infer<typeof sandboxReportSchema>;

export const exitReasonSchema = z.enum(['exited', 'signalled', 'timeout', 'denied', 'cancelled', 'sandbox-failed']);

export const exitSchema = z.strictObject({
  reason: exitReasonSchema,
  /** As a shell would report it: 128+n when a program inside ended by a signal. */
  code: z.int().optional(),
  /** Only for a signal that the daemon itself sent on request. */
  signal: z.string().optional(),
  durationMs: z.number(),
  outputBytes: z.int().min(0),
  violations: z.int().min(0),
  /** Absent when nothing was started. */
  sandbox: sandboxReportSchema.optional(),
  message: z.string().optional(),
  help: z.string().optional(),
});
export type Exit = z.infer<typeof exitSchema>;

export const approvalSchema = z.strictObject({
  approvalId: idSchema,
  /** The command as it will run, hidden characters made visible. */
  command: z.string(),
  cwd: z.string(),
  decision: decisionSchema,
  suggestions: z.array(suggestionSchema),
  /** File that an answer with scope `always` writes to. */
  saveTo: z.string(),
  /** Milliseconds until no answer counts as no. */
  timeoutMs: z.int(),
});
export type Approval = z.infer<typeof approvalSchema>;

export const violationSchema = z.strictObject({
  kind: z.enum(['network', 'file']),
  target: z.string(),
  message: z.string(),
  howToAllow: z.string().optional(),
});
export type Violation = z.infer<typeof violationSchema>;

/** Events of a run, one sequence from 0. Output travels as binary frames that carry their own number of it. */
export const runEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('decided'), decision: decisionSchema }),
  z.strictObject({ type: z.literal('approvalNeeded'), approval: approvalSchema }),
  z.strictObject({
    type: z.literal('approved'),
    approvalId: idSchema,
    answer: z.enum(['once', 'session', 'always', 'no']),
    comment: z.string().optional(),
  }),
  z.strictObject({ type: z.literal('started'), sandbox: sandboxReportSchema }),
  z.strictObject({ type: z.literal('violation'), violation: violationSchema }),
  z.strictObject({ type: z.literal('exited'), exit: exitSchema }),
]);
export type RunEvent = z.infer<typeof runEventSchema>;

export const runEventNotificationSchema = z.strictObject({
  runId: idSchema,
  seq: z.int().min(0),
  event: runEventSchema,
});
export type RunEventNotification = z.infer<typeof runEventNotificationSchema>;

/**
 * Notification `run.stdinAck`, daemon to client: bytes of stdin, counted from the start of the run, that the command has
 * taken. A client keeps at most `limits.stdinWindowBytes` unacknowledged; one that sends more is closed. The window is
 * per run, so a command that does not read never keeps signals and answers on the same connection waiting.
 */
export const stdinAckSchema = z.strictObject({ runId: idSchema, bytes: z.int().min(0) });
export type StdinAck = z.infer<typeof stdinAckSchema>;

/** Whether the sandbox works on this machine, and each mechanism that was tried for it. */
export const probeSchema = z.strictObject({
  available: z.boolean(),
  message: z.string(),
  help: z.string().optional(),
  checks: z
    .array(
      z.strictObject({
        name: z.string(),
        ok: z.boolean(),
        message: z.string(),
        help: z.string().optional(),
        /** The sandbox holds without it, with less depth. */
        optional: z.literal(true).optional(),
      }),
    )
    .readonly(),
});
export type Probe = z.infer<typeof probeSchema>;

const signalSchema = z.enum(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGKILL', 'SIGWINCH']);
export type RunSignal = z.infer<typeof signalSchema>;

const empty = z.strictObject({});

/** Methods: parameters and results. */
export const methods = {
  /** The first request of every connection. */
  hello: {
    params: z.strictObject({ protocol: z.int(), build: z.string().max(128), client: z.string().max(128) }),
    result: z.strictObject({
      protocol: z.int(),
      build: z.string(),
      pid: z.int(),
      methods: z.array(z.string()),
    }),
  },
  /** Joins the workspace's session, or makes a fresh one with `fresh`. Later `run.start`s of this connection use it. */
  'session.open': {
    params: z.strictObject({
      /** Start folder; the workspace is its git root, unless `workspace` names one. */
      cwd: pathSchema,
      workspace: pathSchema.optional(),
      fresh: z.boolean().optional(),
    }),
    result: z.strictObject({
      sessionId: idSchema,
      /** Absent where no folder may be written; the README says where. */
      workspace: z.string().optional(),
      notes: z.array(z.string()),
    }),
  },
  'run.start': {
    params: z.strictObject({
      runId: idSchema,
      /** Default: the session that this connection opened last. */
      sessionId: idSchema.optional(),
      ...shellOrArgv,
      cwd: pathSchema.optional(),
      /** The caller's environment; the daemon takes from it what its allow-list lets through. */
      env: z.record(z.string(), z.string()),
      /** Names that pass although the allow-list would withhold them: a grant by exact name. */
      grantEnv: z.array(z.string()).optional(),
      umask: z.int().min(0).max(0o777).optional(),
      pty: z.strictObject({ size: terminalSizeSchema, term: z.string().max(128) }).optional(),
      /** `none`: /dev/null. `stream`: run.stdin frames until run.closeStdin. Ignored with a pty. */
      stdin: z.enum(['none', 'stream']),
      timeoutMs: z.int().min(1).max(2_147_483_647).optional(),
      mode: modeSchema.optional(),
      autoAllow: z.boolean().optional(),
      flags: flagsSchema.optional(),
      /** The caller can answer questions; without it ask is a refusal. */
      approver: z.boolean(),
      /** Whole decision with the `decided` event even when it is allow. */
      explain: z.boolean().optional(),
    }),
    result: z.strictObject({
      /** Number of the run in binary frames of this connection. */
      run: z.int().min(1).max(0xffffffff),
    }),
  },
  'run.closeStdin': { params: z.strictObject({ runId: idSchema }), result: empty },
  'run.resize': { params: z.strictObject({ runId: idSchema, size: terminalSizeSchema }), result: empty },
  'run.signal': { params: z.strictObject({ runId: idSchema, signal: signalSchema }), result: empty },
  /** TERM, grace, KILL. The run still ends with `exited`. */
  'run.stop': {
    params: z.strictObject({ runId: idSchema, graceMs: z.int().min(0).max(60_000).optional() }),
    result: empty,
  },
  'approval.answer': {
    params: z.strictObject({
      approvalId: idSchema,
      answer: z.enum(['once', 'session', 'always', 'no']),
      /** For `session` and `always`: index into the approval's suggestions. */
      suggestion: z.int().min(0).optional(),
      /** The answer comes from a flag such as `--yes`, not from a person; a policy can forbid that. */
      byFlag: z.boolean().optional(),
      comment: z.string().max(4096).optional(),
    }),
    result: z.strictObject({ savedTo: z.string().optional() }),
  },
  check: {
    params: z.strictObject({
      ...shellOrArgv,
      cwd: pathSchema,
      workspace: pathSchema.optional(),
      mode: modeSchema.optional(),
      autoAllow: z.boolean().optional(),
      flags: flagsSchema.optional(),
    }),
    result: decisionSchema,
  },
  status: {
    params: empty,
    result: z.strictObject({
      build: z.string(),
      pid: z.int(),
      uptimeMs: z.number(),
      rssBytes: z.int(),
      socket: z.string(),
      idleMinutes: z.number(),
      sessions: z.array(
        z.strictObject({
          sessionId: idSchema,
          workspace: z.string().optional(),
          liveRuns: z.int(),
          idleMs: z.number(),
          ready: z.boolean(),
        }),
      ),
      liveRuns: z.int(),
      sandbox: probeSchema,
    }),
  },
  /** `drain` takes no new runs and ends after the live ones; `now` stops them. */
  'daemon.stop': { params: z.strictObject({ when: z.enum(['drain', 'now']) }), result: empty },
} as const;

export type MethodName = keyof typeof methods;
export type Params<M extends MethodName> = z.infer<(typeof methods)[M]['params']>;
export type Result<M extends MethodName> = z.infer<(typeof methods)[M]['result']>;

/** Methods of the protocol that a later build brings; asked for, they answer `not-available`. */
export const laterMethods = [
  'session.close',
  'session.list',
  'session.update',
  'run.attach',
  'run.detach',
  'run.list',
  'run.get',
  'run.ack',
  'approval.list',
  'grant.add',
  'grant.list',
  'grant.revoke',
  'policy.show',
  'policy.reload',
  'audit.query',
  'doctor',
] as const;

/** JSON-RPC 2.0 request as it arrives, before its parameters are looked at. */
export const requestSchema = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.int(), z.string().max(128)]),
  method: z.string().max(128),
  params: z.unknown().optional(),
});
