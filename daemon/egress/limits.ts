/** What one run may hold of the daemon while it talks to the network; all of it is there for hostile commands. */

export interface FrontLimits {
  /** Connections that a run may have open at once, of all fronts together. */
  readonly maxConnections: number;
  /** A request's or a response's head. */
  readonly maxHeadBytes: number;
  /** The fields behind a body in chunks. */
  readonly maxTrailerBytes: number;
  /** TLS allows 16 MiB; the largest in use, with a key of post-quantum cryptography, have 2 KiB. */
  readonly maxHelloBytes: number;
  /** What is kept of a peer's bytes while nobody reads them; then it is no longer read. */
  readonly maxHeldBytes: number;
  /** From the first byte of a head, or of a handshake, to its last. */
  readonly headTimeoutMs: number;
  /** Between two requests of one connection. */
  readonly idleTimeoutMs: number;
  /** How long a refused connection may say which protocol its refusal should be written in. */
  readonly sniffTimeoutMs: number;
  /** How long what a refused peer still sends is thrown away, so that it gets to read why. */
  readonly lingerMs: number;
  readonly maxLingerBytes: number;
  /** Connections to hosts kept for the next request; servers rarely close before five seconds. */
  readonly maxIdleUpstreams: number;
  readonly upstreamIdleMs: number;
}

export const frontLimits: FrontLimits = {
  maxConnections: 1024,
  maxHeadBytes: 64 * 1024,
  maxTrailerBytes: 8 * 1024,
  maxHelloBytes: 64 * 1024,
  maxHeldBytes: 64 * 1024,
  headTimeoutMs: 30_000,
  idleTimeoutMs: 300_000,
  sniffTimeoutMs: 1000,
  lingerMs: 2000,
  maxLingerBytes: 8 * 1024 * 1024,
  maxIdleUpstreams: 32,
  upstreamIdleMs: 4000,
};
