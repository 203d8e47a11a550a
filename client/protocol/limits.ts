/** Limits of the wire, shared by both sides. Sizes in bytes, times in milliseconds. */

export const protocolVersion = 1;

/**
 * Header of the WebSocket handshake's answer that names the daemon's build, so that a client knows before its first
 * request whether it may send `run.start` without waiting for `hello`.
 */
export const buildHeader = 'sbx-build';

export const limits = {
  /** One WebSocket message, text or binary. A command text of 1 MiB fits with its environment. */
  maxFrameBytes: 8 * 1024 * 1024,
  /** Payload of one output or stdin frame. */
  maxPayloadBytes: 64 * 1024,
  /** RULES O35: longer commands are not analysed; this is the outer bound of what is accepted at all. */
  maxCommandBytes: 4 * 1024 * 1024,
  /** Environment of one run, names and values together. */
  maxEnvironmentBytes: 1024 * 1024,
  /** Unsent bytes of one connection above which no viewer on it is served, and below which they are again. */
  highWaterBytes: 1024 * 1024,
  lowWaterBytes: 256 * 1024,
  /** What a viewer may have been sent and not yet acknowledged, per run. */
  viewerWindowBytes: 4 * 1024 * 1024,
  /** The same as a number of events and frames, for a command that prints byte by byte. */
  viewerWindowMessages: 16 * 1024,
  /** A client acknowledges at the latest after this much, and after so many events and frames. */
  ackEveryBytes: 512 * 1024,
  ackEveryMessages: 2 * 1024,
  /** Newest output of one run that is held in memory, and of all runs together; older output goes to a private file. */
  ringBytes: 8 * 1024 * 1024,
  ringBudgetBytes: 48 * 1024 * 1024,
  /** Private files of one run, and of all runs together. */
  maxSpillBytes: 1024 * 1024 * 1024,
  spillBudgetBytes: 4 * 1024 * 1024 * 1024,
  /** Runs that have ended are remembered this long, and at most so many. */
  endedRunMs: 15 * 60 * 1000,
  maxEndedRuns: 200,
  /** Those that a client has not seen to the end come on top, at most so many. */
  maxUnseenRuns: 512,
  /** stdin that a client may have sent and the command not yet taken, per run. */
  stdinWindowBytes: 1024 * 1024,
  /** A question that is larger, because its command is, is not asked: nobody could read it. */
  maxApprovalBytes: 2 * 1024 * 1024,
  approvalTimeoutMs: 10 * 60 * 1000,
  idleMinutes: 15,
  /** A connection over TCP is asked for a sign of life this often, and given up after so long without one. */
  heartbeatMs: 15_000,
  silenceMs: 45_000,
  /** A connection must say `hello` within this time. */
  helloTimeoutMs: 10_000,
  /** How long the SDK asks for its runs and its session to be kept while it reconnects. */
  reconnectMs: 30_000,
  /** Between TERM and KILL when a run is stopped. */
  stopGraceMs: 2_000,
} as const;
