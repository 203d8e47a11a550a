/**
 * Every request of the wire as a zod schema: parameters and results by method. What the daemon tells without being asked
 * is in events.ts. Objects are strict, so an unknown field is refused rather than ignored.
 */
import { z } from 'zod';
import { decisionSchema } from './decision.ts';
import { exitSchema, idSchema, pendingApprovalSchema } from './events.ts';
import { explanationSchema } from './explanation.ts';
import { limits } from './limits.ts';
import { modeSchema } from './modes.ts';
import { policyReportSchema } from './policy-report.ts';
import { runLimitsSchema, sessionLimitsSchema } from './run-limits.ts';

const pathSchema = z.string().min(1).max(4096).startsWith('/', 'a path on the wire is absolute');

export { type Mode, modeSchema } from './modes.ts';

const ruleListSchema = z.array(z.string().min(1).max(4096)).max(1000);

/** Policy that comes with one request or one session: the `flags` layer. `policyFile` is read by the daemon. */
export const flagsSchema = z.strictObject({
  allow: ruleListSchema.optional(),
  ask: ruleListSchema.optional(),
  deny: ruleListSchema.optional(),
  policyFile: pathSchema.optional(),
  profile: z.enum(['default', 'strict', 'ci']).optional().describe('In place of the profile that policies choose.'),
  offline: z.literal(true).optional().describe('No network but the loopback of the session, whatever policies allow.'),
  import: z.literal(false).optional().describe('`.claude/settings.json` is not read.'),
});
export type Flags = z.infer<typeof flagsSchema>;

const shellOrArgv = {
  command: z
    .string()
    .max(limits.maxCommandBytes)
    .optional()
    .describe('Shell text, or a program with its arguments that the daemon quotes. Exactly one of the two.'),
  argv: z.array(z.string()).min(1).max(100_000).optional(),
};

const terminalSizeSchema = z.strictObject({ columns: z.int().min(1).max(65535), rows: z.int().min(1).max(65535) });

const signalSchema = z.enum(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGKILL', 'SIGWINCH']);
export type RunSignal = z.infer<typeof signalSchema>;

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
        optional: z.literal(true).optional().describe('The sandbox holds without it, with less depth.'),
      }),
    )
    .readonly(),
});
export type Probe = z.infer<typeof probeSchema>;

/**
 * What a connection wants to be told beyond its own runs. `approver`: it can put questions to a person, also those of
 * other connections' runs.
 */
export const clientCapabilitySchema = z.enum(['approver']);

const environmentSchema = z.record(z.string(), z.string());

/**
 * What becomes of a run when the last connection that may write to it is gone: it is stopped, or it goes on and is
 * stopped only after this time without anybody.
 */
export const onDisconnectSchema = z.union([
  z.literal('stop'),
  z.strictObject({ keepMs: z.int().min(0).max(2_147_483_647) }),
]);
export type OnDisconnect = z.infer<typeof onDisconnectSchema>;

/** The switches of a session. A field that is absent keeps what was there. */
const sessionSettings = {
  cwd: pathSchema.optional().describe('Folder in which the next command starts.'),
  sandbox: z
    .boolean()
    .optional()
    .describe('Off only where a policy of the user allows it; auto-allow has no effect meanwhile.'),
  autoAllow: z
    .boolean()
    .nullable()
    .optional()
    .describe(
      'Whether a sandboxed command that nothing restricts runs without a question. `null`: as the policy says.',
    ),
  mode: modeSchema.nullable().optional(),
  flags: flagsSchema
    .nullable()
    .optional()
    .describe('Rules for every run of the session, as flags would give them for one. Replaces those set before.'),
  limits: sessionLimitsSchema
    .nullable()
    .optional()
    .describe(
      'For every run of the session; a policy and the run itself may set lower ones. Replaces those set before.',
    ),
  env: z
    .strictObject({ set: environmentSchema.optional(), unset: z.array(z.string()).optional() })
    .optional()
    .describe('Variables for every run of the session, each a grant by its exact name; `unset` removes.'),
};

export const sessionInfoSchema = z.strictObject({
  sessionId: idSchema,
  workspace: z.string().optional().describe('Absent where no folder may be written; the README says where.'),
  cwd: z.string().describe('Folder in which the next command without a folder of its own starts.'),
  fresh: z.boolean().describe("False for the workspace's session that everybody joins."),
  sandbox: z.boolean(),
  autoAllow: z.boolean().optional().describe('Absent: as the policy says.'),
  mode: modeSchema.optional(),
  flags: flagsSchema.optional(),
  limits: sessionLimitsSchema.optional(),
  env: z.array(z.string()).describe('Names only.'),
  grants: z.int().min(0),
  clients: z.int().min(0),
  liveRuns: z.int().min(0),
  idleMs: z.number(),
  ready: z.boolean().describe('Its sandbox has been made.'),
});
export type SessionInfo = z.infer<typeof sessionInfoSchema>;

export const runInfoSchema = z.strictObject({
  runId: idSchema,
  run: z
    .int()
    .min(1)
    .max(0xffffffff)
    .describe('Number of the run in binary frames; the same on every connection to this daemon.'),
  sessionId: idSchema,
  command: z.string().describe('Hidden characters made visible; of a long one the beginning, and `…`.'),
  cwd: z.string(),
  state: z.enum(['waiting', 'running', 'ended']),
  background: z.boolean(),
  pty: z.boolean(),
  shell: z.boolean(),
  tags: z.array(z.string()),
  startedAt: z.number().describe('Milliseconds since 1970.'),
  endedAt: z.number().optional(),
  firstSeq: z.int().min(0).describe('Oldest number from which nothing is missing, and the next one.'),
  nextSeq: z.int().min(0),
  outputBytes: z.int().min(0),
  viewers: z.int().min(0),
  hasWriter: z.boolean().describe('A connection that may send input is attached.'),
  exit: exitSchema.optional(),
});
export type RunInfo = z.infer<typeof runInfoSchema>;

const attachedSchema = z.strictObject({
  run: z.int().min(1).max(0xffffffff).describe('Number of the run in binary frames.'),
  stdinBytes: z.int().min(0).describe('Bytes of stdin that the daemon has received: where a writer goes on.'),
  writer: z.boolean().describe('This connection may send input, size and end of input.'),
});

const empty = z.strictObject({});
const ofRun = { runId: idSchema };
const ofSession = {
  sessionId: idSchema.optional().describe('Default: the session that this connection opened last.'),
};

/** Methods: what each does, its parameters, its result. */
export const methods = {
  hello: {
    does: 'The first request of every connection.',
    params: z.strictObject({
      protocol: z.int(),
      build: z.string().max(128),
      client: z.string().max(128),
      capabilities: z.array(clientCapabilitySchema).max(16).optional(),
    }),
    result: z.strictObject({
      protocol: z.int(),
      build: z.string(),
      pid: z.int(),
      daemonId: z.string().describe('Another one after a restart: then every run and session of before is gone.'),
      methods: z.array(z.string()),
    }),
  },
  'session.open': {
    does: "Joins the workspace's session, makes a fresh one with `fresh`, or comes back to one by its id. Later requests of this connection that name no session mean this one.",
    params: z.strictObject({
      sessionId: idSchema
        .optional()
        .describe('Comes back to this session; the other fields but the switches are then absent.'),
      cwd: pathSchema.optional().describe('Start folder; the workspace is its git root, unless `workspace` names one.'),
      workspace: pathSchema.optional(),
      fresh: z.boolean().optional(),
      keepMs: z
        .int()
        .min(0)
        .max(86_400_000)
        .optional()
        .describe('How long a fresh session outlives its last connection and its last run; default 0.'),
    }),
    result: z.strictObject({ ...sessionInfoSchema.shape, notes: z.array(z.string()) }),
  },
  'session.close': {
    does: "Stops its runs and ends its sandbox. The workspace's session is made anew when somebody needs it.",
    params: z.strictObject(ofSession),
    result: empty,
  },
  'session.list': {
    does: 'Every session of this daemon, with its switches.',
    params: empty,
    result: z.strictObject({ sessions: z.array(sessionInfoSchema) }),
  },
  'session.update': {
    does: 'The switches: sandbox, auto-allow, mode, folder, variables, rules. For runs that start later.',
    params: z.strictObject({ ...ofSession, ...sessionSettings }),
    result: sessionInfoSchema,
  },
  'run.start': {
    does: 'Starts a command under an id that the client chose. The same request again attaches to that run from its first event, so a client that lost the answer asks again; another body under the id is refused.',
    params: z.strictObject({
      ...ofRun,
      ...ofSession,
      ...shellOrArgv,
      shell: z
        .literal(true)
        .optional()
        .describe(
          'An interactive shell instead of a command; needs `pty`. Lines typed into it are not decided one by one.',
        ),
      cwd: pathSchema
        .optional()
        .describe(
          "Default: the session's folder, which then follows where the command's `cd` led, inside the workspace.",
        ),
      env: environmentSchema
        .optional()
        .describe("The caller's environment; the daemon takes from it what its allow-list lets through."),
      grantEnv: z
        .array(z.string())
        .optional()
        .describe('Names that pass although the allow-list would withhold them: a grant by exact name.'),
      umask: z.int().min(0).max(0o777).optional(),
      pty: z.strictObject({ size: terminalSizeSchema, term: z.string().max(128) }).optional(),
      stdin: z
        .enum(['none', 'stream'])
        .describe('`none`: /dev/null. `stream`: stdin frames until run.closeStdin. Ignored with a pty.'),
      timeoutMs: z.int().min(1).max(2_147_483_647).optional(),
      limits: runLimitsSchema
        .optional()
        .describe('What it may use at most. The strictest of these, of the session and of every policy file holds.'),
      mode: modeSchema.optional(),
      autoAllow: z.boolean().optional(),
      flags: flagsSchema.optional(),
      approver: z
        .boolean()
        .describe(
          'A person can be asked, by this connection or by another that is an approver; else ask is a refusal.',
        ),
      onDisconnect: onDisconnectSchema
        .optional()
        .describe('Default `stop`. A background run is kept until it is stopped.'),
      background: z
        .boolean()
        .optional()
        .describe('Kept until stopped, its whole output held as far as room allows, its folder never carried over.'),
      tags: z.array(z.string().min(1).max(128)).max(16).optional().describe('Free words that `run.list` shows.'),
      output: z
        .strictObject({
          aheadBytes: z
            .int()
            .min(0)
            .max(limits.maxSpillBytes)
            .optional()
            .describe(
              'How far the command may be ahead of every viewer before it waits, above what is held in memory.',
            ),
          whenFull: z
            .enum(['wait', 'drop'])
            .optional()
            .describe(
              'What then happens: it waits, or the oldest output gives way. Default `wait`, in the background `drop`.',
            ),
        })
        .optional(),
    }),
    result: z.strictObject({
      ...attachedSchema.shape,
      repeated: z.boolean().describe('The id was known: this is the run of before.'),
    }),
  },
  'run.attach': {
    does: "Shows this connection the run's events and output from `fromSeq` on.",
    params: z.strictObject({
      ...ofRun,
      fromSeq: z.int().min(0).optional(),
      write: z.boolean().optional().describe('Become the one who sends input; refused while another connection is.'),
    }),
    result: z.strictObject({ ...attachedSchema.shape, info: runInfoSchema }),
  },
  'run.detach': {
    does: 'Shows this connection no more of the run. When it was the one who sends input, the run goes on as `onDisconnect` says.',
    params: z.strictObject(ofRun),
    result: empty,
  },
  'run.list': {
    does: 'Live runs, with `ended` also those that are still remembered; the newest last.',
    params: z.strictObject({ sessionId: idSchema.optional(), ended: z.boolean().optional() }),
    result: z.strictObject({ runs: z.array(runInfoSchema) }),
  },
  'run.get': { does: 'One run, live or still remembered.', params: z.strictObject(ofRun), result: runInfoSchema },
  'run.stdin': {
    does: 'Input for clients that would rather not write binary frames: bytes as base64.',
    params: z.strictObject({ ...ofRun, offset: z.int().min(0), data: z.base64() }),
    result: z.strictObject({ stdinBytes: z.int().min(0) }),
  },
  'run.closeStdin': {
    does: 'The command sees the end of its input after what was sent. Only for the one who sends input.',
    params: z.strictObject(ofRun),
    result: empty,
  },
  'run.resize': {
    does: 'The terminal has another size. Only for the one who sends input.',
    params: z.strictObject({ ...ofRun, size: terminalSizeSchema }),
    result: empty,
  },
  'run.signal': {
    does: 'A signal to every process group of the command. Before it has started, this cancels it.',
    params: z.strictObject({ ...ofRun, signal: signalSchema }),
    result: empty,
  },
  'run.stop': {
    does: 'TERM, grace, KILL. The run still ends with `exited`.',
    params: z.strictObject({ ...ofRun, graceMs: z.int().min(0).max(60_000).optional() }),
    result: empty,
  },
  'run.ack': {
    does: 'The client has dealt with everything below `seq`. Usually sent as a notification, without an id. A viewer that has more than `limits.viewerWindowBytes` unacknowledged is sent nothing more.',
    params: z.strictObject({ ...ofRun, seq: z.int().min(0) }),
    result: empty,
  },
  'approval.list': {
    does: 'The questions that this connection may answer: of the runs it watches, as an approver of all.',
    params: empty,
    result: z.strictObject({ approvals: z.array(pendingApprovalSchema) }),
  },
  'approval.answer': {
    does: 'The first answer counts; a later one is told `unknown-approval`.',
    params: z.strictObject({
      approvalId: idSchema,
      answer: z.enum(['once', 'session', 'always', 'no']),
      suggestion: z
        .int()
        .min(0)
        .optional()
        .describe("For `session` and `always`: index into the approval's suggestions."),
      byFlag: z
        .boolean()
        .optional()
        .describe('The answer comes from a flag such as `--yes`, not from a person; a policy can forbid that.'),
      comment: z.string().max(4096).optional(),
    }),
    result: z.strictObject({ savedTo: z.string().optional() }),
  },
  'grant.add': {
    does: 'An allow rule for the session.',
    params: z.strictObject({ ...ofSession, rule: z.string().min(1).max(4096) }),
    result: z.strictObject({ grantId: idSchema }),
  },
  'grant.list': {
    does: 'The allow rules that a session has been given.',
    params: z.strictObject(ofSession),
    result: z.strictObject({
      grants: z.array(
        z.strictObject({
          grantId: idSchema,
          rule: z.string(),
          from: z.enum(['client', 'answer']).describe("Given by a client's request, or by the answer to a question."),
        }),
      ),
    }),
  },
  'grant.revoke': {
    does: 'Takes one back; runs that it let start go on.',
    params: z.strictObject({ ...ofSession, grantId: idSchema }),
    result: empty,
  },
  check: {
    does: 'A decision with its reasons, from the rules alone; runs nothing.',
    params: z.strictObject({
      ...shellOrArgv,
      cwd: pathSchema,
      workspace: pathSchema.optional(),
      mode: modeSchema.optional(),
      autoAllow: z.boolean().optional(),
      flags: flagsSchema.optional(),
      explain: z.literal(true).optional().describe('Also say how it came about: every form, every rule.'),
    }),
    result: z.strictObject({ ...decisionSchema.shape, explanation: explanationSchema.optional() }),
  },
  'policy.show': {
    does: 'The policy that holds for a workspace: its layers, and every entry with the place where it was written.',
    params: z.strictObject({ cwd: pathSchema, workspace: pathSchema.optional(), flags: flagsSchema.optional() }),
    result: policyReportSchema,
  },
  'policy.reload': {
    does: 'Reads every policy file again. Changes are noticed without it; it answers with the mistakes that there are.',
    params: z.strictObject({ cwd: pathSchema, workspace: pathSchema.optional() }),
    result: z.strictObject({ problems: policyReportSchema.shape.problems }),
  },
  status: {
    does: 'The daemon, its sessions, what it holds, and whether the sandbox works.',
    params: empty,
    result: z.strictObject({
      build: z.string(),
      pid: z.int(),
      daemonId: z.string(),
      uptimeMs: z.number(),
      rssBytes: z.int(),
      socket: z.string(),
      listen: z.string().optional().describe('Address of the TCP listener, when there is one.'),
      idleMinutes: z.number(),
      clients: z.int().min(0),
      sessions: z.array(sessionInfoSchema),
      liveRuns: z.int().min(0),
      endedRuns: z.int().min(0),
      heldBytes: z
        .strictObject({ memory: z.int().min(0), disk: z.int().min(0) })
        .describe('Output held for viewers, in memory and in private files.'),
      sandbox: probeSchema,
      upstream: z
        .array(z.string())
        .describe(
          'The proxies through which connections of commands leave this machine; empty when they leave directly.',
        ),
    }),
  },
  'daemon.stop': {
    does: '`drain` takes no new runs and ends after the live ones; `now` stops them.',
    params: z.strictObject({ when: z.enum(['drain', 'now']) }),
    result: empty,
  },
} as const satisfies Record<string, { does: string; params: z.ZodType; result: z.ZodType }>;

export type MethodName = keyof typeof methods;
export type Params<M extends MethodName> = z.infer<(typeof methods)[M]['params']>;
export type Result<M extends MethodName> = z.infer<(typeof methods)[M]['result']>;

/** Methods of the protocol that a later build brings; asked for, they answer `not-available`. */
export const laterMethods = ['audit.query', 'doctor'] as const;

/** Methods that may come as a notification, without an id and without an answer. */
export const notifiable: readonly string[] = ['run.ack'] satisfies MethodName[];

/** JSON-RPC 2.0 request as it arrives, before its parameters are looked at. */
export const requestSchema = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.int(), z.string().max(128)]).optional(),
  method: z.string().max(128),
  params: z.unknown().optional(),
});
