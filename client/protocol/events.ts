/**
 * What a daemon tells without being asked: the events of a run, how its end is described, questions, and the few
 * notifications beside them. Objects are strict, so an unknown field is refused rather than ignored.
 */
import { z } from 'zod';
import { decisionSchema, originSchema, suggestionSchema } from './decision.ts';
import { limitNames } from './limit-names.ts';

export const idSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'an id is 1 to 128 letters, digits, `_`, `.` or `-`');

export const sandboxReportSchema = z.strictObject({
  backend: z
    .enum(['bubblewrap', 'none'])
    .describe('`none`: the sandbox of this session was switched off; nothing held the command.'),
  network: z
    .enum(['none', 'filtered', 'host'])
    .describe(
      "`none`: only the session's loopback. `filtered`: that, and the hosts that the policy or a person allows. `host`: the machine's own network.",
    ),
  seccomp: z.boolean(),
  userns: z
    .enum(['disabled', 'filter-only', 'open', 'none'])
    .describe(
      'Nested user namespaces are closed off by bubblewrap itself, by the filter alone, or open because the policy says so. `none`: no sandbox.',
    ),
  user: z.string().describe('Name of the account the command ran as.'),
  writable: z.array(z.string()),
  warnings: z.array(z.string()),
  limits: z
    .array(z.strictObject({ name: z.enum(limitNames), value: z.number(), per: z.enum(['run', 'session', 'process']) }))
    .optional()
    .describe('What the run may use: all its processes together, all of its session, or each process.'),
  limitsAbsent: z
    .array(z.strictObject({ name: z.enum(limitNames), value: z.number(), because: z.string() }))
    .optional()
    .describe('Limits that should hold and that nothing on this machine can.'),
});
export type SandboxReport = z.infer<typeof sandboxReportSchema>;

/**
 * `idle-timeout`, `output-limit`: stopped at that limit, as `timeout` is at the other. `memory`: the kernel ended it at its
 * memory limit. `cancelled`: stopped on request, or because its client was gone for longer than it had asked for. `daemon-stopped`: the
 * daemon ended first.
 */
export const exitReasonSchema = z.enum([
  'exited',
  'signalled',
  'timeout',
  'idle-timeout',
  'output-limit',
  'memory',
  'denied',
  'cancelled',
  'daemon-stopped',
  'sandbox-failed',
]);

export const exitSchema = z.strictObject({
  reason: exitReasonSchema,
  code: z.int().optional().describe('As a shell would report it: 128+n when a program inside ended by a signal.'),
  signal: z.string().optional().describe('Only for a signal that the daemon itself sent on request.'),
  durationMs: z.number(),
  outputBytes: z.int().min(0),
  violations: z.int().min(0),
  cpuMs: z.number().optional().describe('Processor time of all its processes, where the kernel counts it per run.'),
  maxRssBytes: z
    .int()
    .optional()
    .describe('The most memory that it had at one time, where the kernel counts it per run.'),
  sandbox: sandboxReportSchema.optional().describe('Absent when nothing was started.'),
  cwd: z
    .string()
    .optional()
    .describe("Folder in which the session's next command starts; only for a run that was given none of its own."),
  cwdRefused: z
    .string()
    .optional()
    .describe(
      'The command ended in this folder, where the session cannot go on: it is outside the workspace, or gone.',
    ),
  message: z.string().optional(),
  help: z.string().optional(),
});
export type Exit = z.infer<typeof exitSchema>;

export const approvalSchema = z.strictObject({
  approvalId: idSchema,
  command: z.string().describe('The command as it will run, hidden characters made visible.'),
  cwd: z.string(),
  decision: decisionSchema,
  suggestions: z.array(suggestionSchema),
  saveTo: z.string().describe('File that an answer with scope `always` writes to.'),
  timeoutMs: z.int().describe('Milliseconds until no answer counts as no.'),
  network: z
    .strictObject({ host: z.string(), port: z.int().min(0).max(65535) })
    .optional()
    .describe(
      'Set when the command runs already and waits for an answer to a connection: `decision` is about that connection, `command` says whose it is, and `once` holds for the rest of the run.',
    ),
});
export type Approval = z.infer<typeof approvalSchema>;

export const violationSchema = z.strictObject({
  kind: z
    .enum(['network', 'file', 'environment', 'git', 'protected', 'limit', 'unsupported'])
    .describe(
      '`network`, `file`: something was out of reach, told when the command failed. `environment`: a variable that the command missed was withheld. `git`: a change of a git folder was not taken over. `protected`: a file that would run by itself was put aside. `limit`: a limit ended or cut something. `unsupported`: it cannot work in a sandbox at all.',
    ),
  target: z.string().describe('The path, host or thing that it was about.'),
  access: z.enum(['read', 'write', 'connect', 'run']).optional().describe('What the command wanted of it.'),
  message: z.string().describe('What was blocked, and why.'),
  howToAllow: z.string().optional().describe('The narrowest grant, or what to do outside.'),
});
export type Violation = z.infer<typeof violationSchema>;

/** One connection that a command wanted, or one request of plain HTTP, when it is over. */
export const networkUseSchema = z.strictObject({
  host: z.string().describe('As it was decided on; what could not be a host as the command wrote it.'),
  port: z.int().min(0).max(65535),
  front: z
    .enum(['http', 'connect', 'socks', 'direct'])
    .describe('The way it came: the HTTP proxy, its CONNECT, the SOCKS proxy, or as if to the host itself.'),
  allowed: z.boolean(),
  because: z.string().describe('Who or what decided, in one phrase.'),
  rule: z.string().optional().describe('The entry as written, when one decided.'),
  origin: originSchema.optional(),
  refusal: z.string().optional().describe('Stable code of a refusal, also of one that came after it was allowed.'),
  method: z.string().optional(),
  path: z.string().optional().describe('Without its query.'),
  sni: z.string().optional().describe('The name that TLS was opened for.'),
  sentBytes: z.int().min(0).describe('That left the sandbox.'),
  receivedBytes: z.int().min(0),
  durationMs: z.number(),
  times: z
    .int()
    .min(2)
    .optional()
    .describe('A run that opens very many connections: so many alike are told as one, with their sums.'),
});
export type NetworkUse = z.infer<typeof networkUseSchema>;

/** Events of a run, one sequence from 0. Output travels as binary frames that carry their own number of it. */
export const runEventSchema = z.discriminatedUnion('type', [
  z
    .strictObject({ type: z.literal('decided'), decision: decisionSchema })
    .describe('Always the first: what was decided, and why.'),
  z
    .strictObject({ type: z.literal('approvalNeeded'), approval: approvalSchema })
    .describe('A person is asked. Nothing has been started, unless it is about a connection of the command.'),
  z
    .strictObject({
      type: z.literal('approved'),
      approvalId: idSchema,
      answer: z.enum(['once', 'session', 'always', 'no']),
      comment: z.string().optional(),
    })
    .describe('The question is settled, also when nobody answered: then the answer is `no`.'),
  z
    .strictObject({ type: z.literal('started'), sandbox: sandboxReportSchema })
    .describe('The command runs; which walls are up.'),
  z
    .strictObject({ type: z.literal('violation'), violation: violationSchema })
    .describe('The sandbox refused something that the command wanted.'),
  z
    .strictObject({ type: z.literal('network'), use: networkUseSchema })
    .describe('A connection is over, or was refused.'),
  z
    .strictObject({ type: z.literal('truncated'), bytes: z.int().min(1) })
    .describe(
      'Output was thrown away because nobody took it and the run had asked not to wait: bytes so far. Comes when it begins and each time the amount has doubled.',
    ),
  z
    .strictObject({ type: z.literal('exited'), exit: exitSchema })
    .describe('Always the last, exactly once; nothing that the run started is left.'),
]);
export type RunEvent = z.infer<typeof runEventSchema>;

export const runEventNotificationSchema = z.strictObject({
  runId: idSchema,
  seq: z.int().min(0),
  event: runEventSchema,
});
export type RunEventNotification = z.infer<typeof runEventNotificationSchema>;

/**
 * Notification `run.gap`, to one viewer: output from `fromSeq` up to, not including, `toSeq` is no longer held. Events are
 * never lost, so between two of them there may be a gap each.
 */
export const gapSchema = z.strictObject({
  runId: idSchema,
  fromSeq: z.int().min(0),
  toSeq: z.int().min(1),
  bytes: z
    .int()
    .min(0)
    .optional()
    .describe(
      'Output bytes that this viewer misses; absent when it came back with a number from the middle of what is gone.',
    ),
  offsets: z
    .strictObject({ stdout: z.int().min(0), stderr: z.int().min(0), pty: z.int().min(0) })
    .describe('Where each stream goes on.'),
});
export type Gap = z.infer<typeof gapSchema>;

/** A question as `approval.list` and the notification `approval.pending` show it. */
export const pendingApprovalSchema = z.strictObject({
  runId: idSchema,
  sessionId: idSchema,
  approval: approvalSchema,
  remainingMs: z.int().min(0),
});
export type PendingApproval = z.infer<typeof pendingApprovalSchema>;

/** Notification `approval.settled`, to every approver: this question was answered, has run out, or is void. */
export const settledApprovalSchema = z.strictObject({
  approvalId: idSchema,
  runId: idSchema,
  answer: z.enum(['once', 'session', 'always', 'no', 'none']),
});
export type SettledApproval = z.infer<typeof settledApprovalSchema>;

/**
 * Notification `run.stdinAck`, daemon to client: bytes of stdin, counted from the start of the run, that the command has
 * taken. A client keeps at most `limits.stdinWindowBytes` unacknowledged; one that sends more is closed. The window is
 * per run, so a command that does not read never keeps signals and answers on the same connection waiting.
 */
export const stdinAckSchema = z.strictObject({ runId: idSchema, bytes: z.int().min(0) });
export type StdinAck = z.infer<typeof stdinAckSchema>;

/** Notifications from the daemon: what each tells, and its parameters. */
export const notifications = {
  'run.event': { does: 'One event of a run. Its output comes as binary frames.', params: runEventNotificationSchema },
  'run.gap': {
    does: 'To one viewer: output from `fromSeq` up to, not including, `toSeq` is no longer held. Events are never lost.',
    params: gapSchema,
  },
  'run.stdinAck': {
    does: 'To the one who sends input: bytes that the command has taken, counted from the start of the run.',
    params: stdinAckSchema,
  },
  'approval.pending': {
    does: 'To connections that said `approver` in `hello`: a question waits, of whichever run.',
    params: pendingApprovalSchema,
  },
  'approval.settled': {
    does: 'To approvers: this question was answered (`none`: by nobody), and an answer comes too late.',
    params: settledApprovalSchema,
  },
} as const satisfies Record<string, { does: string; params: z.ZodType }>;
