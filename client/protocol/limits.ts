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
  /** Bytes a socket may have waiting before the run that feeds it is paused. */
  highWaterBytes: 4 * 1024 * 1024,
  lowWaterBytes: 1024 * 1024,
  /** stdin that a client may have sent and the command not yet taken, per run. */
  stdinWindowBytes: 1024 * 1024,
  approvalTimeoutMs: 10 * 60 * 1000,
  idleMinutes: 15,
  /** Between TERM and KILL when a run is stopped. */
  stopGraceMs: 2_000,
} as const;
