/**
 * Whose a connection over a loopback is. Two programs in one network namespace can connect to the same address, so the
 * address that a connection came to does not prove who made it; the kernel's table of sockets and the descriptors of
 * processes do.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import { parseAddress } from '../../client/protocol/ip-address.ts';

/**
 * Number of the socket at the other end of an accepted connection; undefined when it is gone.
 *
 * @param pid a process in the network namespace of the connection. Source: proc_net(5), /proc/PID/net/tcp
 */
export function findPeerSocket(pid: number, accepted: Socket): string | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = accepted;
  const ends = [showEnd(remoteAddress, remotePort), showEnd(localAddress, localPort)];
  const isIPv6 = localAddress?.includes(':') === true;
  // a program may use an IPv6 socket for IPv4
  for (const [table, prefix] of isIPv6 ? ipv6Tables : ipv4Tables) {
    const [from, to] = ends.map((end) => `${prefix}${end}`);
    const text = readTable(pid, table);
    // not line by line: a command may have thousands of them
    const at = text.indexOf(`: ${from} ${to} `);
    if (at >= 0) return text.slice(at, text.indexOf('\n', at)).split(/\s+/)[9];
  }
  return undefined;
}

/** Whether one of these processes has the socket open. */
export function holdsSocket(pids: readonly number[], socket: string): boolean {
  return pids.some((pid) => listDescriptors(pid).some((each) => isSocket(pid, each, socket)));
}

type Table = readonly [name: 'tcp' | 'tcp6', prefix: string];

/** `::ffff:0:0/96`, as the kernel prints its four words in the order of the machine. */
const mappedPrefix = '0000000000000000FFFF0000';
const ipv4Tables: readonly Table[] = [
  ['tcp', ''],
  ['tcp6', mappedPrefix],
];
const ipv6Tables: readonly Table[] = [['tcp6', '']];

/** As the kernel prints it: words of 32 bits in the order of the machine's bytes. */
function showEnd(text = '', port = 0): string {
  const address = parseAddress(text);
  if (address === undefined) return '';
  const digits = address.bits.toString(16).padStart(address.family === 4 ? 8 : 32, '0');
  const words = digits.toUpperCase().match(/.{8}/g) ?? [];
  const swapped = words.map((word) => word.match(/../g)?.reverse().join('') ?? '');
  return `${swapped.join('')}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
}

function readTable(pid: number, table: 'tcp' | 'tcp6'): string {
  try {
    return readFileSync(`/proc/${pid}/net/${table}`, 'latin1');
  } catch {
    return '';
  }
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

function isSocket(pid: number, descriptor: number, socket: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`) === `socket:[${socket}]`;
  } catch {
    return false;
  }
}
