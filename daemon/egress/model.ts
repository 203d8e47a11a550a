/**
 * What the parts of a connection hand to each other: a front reads what a command wants, the run's gate answers, and only
 * what the gate has admitted can be dialled.
 */
import type { Socket as DatagramSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import type { CheckedTarget } from './checked-target.ts';

/** How a command came to the daemon. `direct`: it connected as if to the host itself, by the address its name was given. */
export type Front = 'http' | 'connect' | 'socks' | 'direct';

export interface Attempt {
  readonly front: Front;
  /** The accepted connection, by which its maker can be found. */
  readonly client: Socket;
  /** Canonical, as `parseHost` gives it. */
  readonly host: string;
  readonly port: number;
  /**
   * Of plain HTTP, of which every request is an attempt of its own. Without it the question is only whether anything of
   * that host may be reached; where the answer `speaks` http, each request is asked about before it leaves.
   */
  readonly request?: {
    readonly method: string;
    /** With its query. */
    readonly path: string;
  };
}

export const refusalCodes = [
  /** A rule, or the policy where no rule names the host. */
  'denied',
  /** Nobody answered in time, or the answer was no. */
  'not-approved',
  /** No host name or address that could be meant. */
  'bad-host',
  /** The name leads to an address that no name may lead to, such as the machine's own. */
  'forbidden-address',
  'unresolved',
  'unreachable',
  /** What was said first, SNI or `Host`, names another host than the one that was admitted. */
  'mismatch',
  /** More connections or names at once than a run may have. */
  'too-many',
] as const;

export interface Refusal {
  readonly code: (typeof refusalCodes)[number];
  /** One clear phrase, for a person: lower case, no final period. */
  readonly message: string;
  /** The rule that decided, as written, with its place. */
  readonly rule?: string;
  /** The command or the entry that would allow just this. */
  readonly howToAllow?: string;
}

/** What was seen of one connection, or of one request of plain HTTP, when it is over. */
export interface Traffic {
  /** From the command's side: `sentBytes` left the sandbox. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly sni?: string;
  /** Why it was cut although it had been admitted. */
  readonly refusal?: Refusal;
}

export interface Admitted {
  readonly target: CheckedTarget;
  /** What the first bytes have to be: `tls`: a ClientHello whose SNI is the host; `http`: requests to the host. */
  readonly speaks: 'tls' | 'http' | 'any';
  /** A new connection to the very address that was checked, or through the upstream proxy. Never rejects. */
  readonly dial: (signal: AbortSignal) => Promise<Socket | Refusal>;
  /** To be called exactly once, at the end. Without traffic nothing is told: what follows is asked about by itself. */
  readonly finish: (traffic?: Traffic) => void;
}

/** Of one run. */
export interface RunGate {
  /** Decides, asks when it has to (bounded), resolves and checks. Never rejects. */
  readonly admit: (attempt: Attempt, signal: AbortSignal) => Promise<Admitted | Refusal>;
}

/** The names that a run has asked for, and the addresses of the sandbox's loopback that stand for them. */
export interface RunNames {
  /** Dotted IPv4 for a canonical name; undefined when the run has too many names. */
  readonly addressOf: (name: string) => string | undefined;
  /** Of the loopback itself `localhost`. */
  readonly nameOf: (address: string) => string | undefined;
}

/** A run as the fronts see it. */
export interface FrontRun {
  readonly gate: RunGate;
  readonly names: RunNames;
  /** Aborted when the run is over; every connection that is left is reset then. */
  readonly signal: AbortSignal;
}

/**
 * What serves the sockets of one run, made by `openFronts(run)` of fronts.ts, once per run: the bound on its connections
 * and the connections kept alive to its hosts are the run's own. Each takes a socket over and never throws.
 */
export interface RunFronts {
  /** Accepted at the HTTP proxy's address. */
  readonly serveHttp: (socket: Socket) => void;
  /** Accepted at the SOCKS proxy's address. */
  readonly serveSocks: (socket: Socket) => void;
  /** Accepted at an address that stands for a name; its local address and port say what was wanted. */
  readonly serveDirect: (socket: Socket) => void;
  /** Accepted at the DNS server's address. */
  readonly serveDnsStream: (socket: Socket) => void;
  /** Bound to the DNS server's address of this run alone. */
  readonly serveDns: (socket: DatagramSocket) => void;
}

export function isRefusal(answer: object): answer is Refusal {
  return 'code' in answer;
}
