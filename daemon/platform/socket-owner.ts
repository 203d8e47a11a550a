/**
 * Whose a connection over a loopback is. Two programs in one network namespace can connect to the same address, so the
 * address that a connection came to does not prove who made it; the kernel's table of sockets and the descriptors of
 * processes do.
 *
 * All that is asked at a time shares one look, and looks have pauses: who connects without end must not keep us busy.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import { parseAddress } from '../../client/protocol/ip-address.ts';

/** Where to look, at the moment of looking. */
export interface SocketHolders {
  /** A process in the network namespace of the connections. */
  readonly namespace: number;
  readonly processes: readonly number[];
}

interface Question {
  readonly accepted: Socket;
  readonly settle: (isOwn: boolean) => void;
}

/** A look takes milliseconds where there are thousands of sockets; what it took, this many times, is left to others. */
const pauses = 4;

export class SocketOwner {
  readonly #find: () => SocketHolders | undefined;
  #waiting: Question[] = [];
  #notBefore = 0;

  /** @param find undefined when they are gone */
  constructor(find: () => SocketHolders | undefined) {
    this.#find = find;
  }

  /** Whether one of the processes holds the other end of an accepted connection. Never rejects. */
  owns(accepted: Socket): Promise<boolean> {
    return new Promise((settle) => {
      this.#waiting.push({ accepted, settle });
      if (this.#waiting.length > 1) return;
      const pause = this.#notBefore - performance.now();
      if (pause > 0) setTimeout(() => this.#look(), pause);
      else setImmediate(() => this.#look());
    });
  }

  #look(): void {
    const questions = this.#waiting;
    this.#waiting = [];
    const started = performance.now();
    const holders = this.#find();
    const sockets = holders === undefined ? [] : findPeerSockets(holders.namespace, questions);
    const held = findHeld(holders?.processes ?? [], new Set(sockets.filter((each) => each !== undefined)));
    for (const [index, { settle }] of questions.entries()) settle(held.has(sockets[index] ?? ''));
    const ended = performance.now();
    this.#notBefore = ended + pauses * (ended - started);
  }
}

/** Their numbers at the other ends; undefined for what is gone. Source: proc_net(5), /proc/PID/net/tcp */
function findPeerSockets(pid: number, questions: readonly Question[]): (string | undefined)[] {
  const tables = new Map<string, ReadonlyMap<string, string>>();
  const search = (table: 'tcp' | 'tcp6', prefix: string, ends: readonly string[]): string | undefined => {
    const known = tables.get(table) ?? readTable(pid, table);
    tables.set(table, known);
    return known.get(ends.map((end) => `${prefix}${end}`).join(' '));
  };
  return questions.map(({ accepted: { localAddress, localPort, remoteAddress, remotePort } }) => {
    const ends = [showEnd(remoteAddress, remotePort), showEnd(localAddress, localPort)];
    if (localAddress?.includes(':') === true) return search('tcp6', '', ends);
    // a program may use an IPv6 socket for it
    return search('tcp', '', ends) ?? search('tcp6', mappedPrefix, ends);
  });
}

/** Those of the sockets that one of the processes has open. */
function findHeld(pids: readonly number[], wanted: ReadonlySet<string>): ReadonlySet<string> {
  const held = new Set<string>();
  for (const pid of pids) {
    for (const descriptor of listDescriptors(pid)) {
      if (held.size === wanted.size) return held;
      const socket = readSocket(pid, descriptor);
      if (socket !== undefined && wanted.has(socket)) held.add(socket);
    }
  }
  return held;
}

/** `::ffff:0:0/96`, as the kernel prints its four words in the order of the machine. */
const mappedPrefix = '0000000000000000FFFF0000';

/** As the kernel prints it: words of 32 bits in the order of the machine's bytes. */
function showEnd(text = '', port = 0): string {
  const address = parseAddress(text);
  if (address === undefined) return '';
  const digits = address.bits.toString(16).padStart(address.family === 4 ? 8 : 32, '0');
  const words = digits.toUpperCase().match(/.{8}/g) ?? [];
  const swapped = words.map((word) => word.match(/../g)?.reverse().join('') ?? '');
  return `${swapped.join('')}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Number of each socket by its own end and the other. */
function readTable(pid: number, table: 'tcp' | 'tcp6'): ReadonlyMap<string, string> {
  const sockets = new Map<string, string>();
  try {
    for (const line of readFileSync(`/proc/${pid}/net/${table}`, 'latin1').split('\n')) {
      const [, from, to, , , , , , , socket] = line.trim().split(/ +/);
      if (socket !== undefined) sockets.set(`${from} ${to}`, socket);
    }
  } catch {
    // it ended
  }
  return sockets;
}

/** The newest first, which are those that are looked for. */
function listDescriptors(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
      .map(Number)
      .sort((one, other) => other - one);
  } catch {
    return []; // it ended
  }
}

function readSocket(pid: number, descriptor: number): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
  } catch {
    return undefined;
  }
}
