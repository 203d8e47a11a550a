/**
 * Names inside the sandbox. Each gets an address of the loopback that stands for it, whether it may be reached or not: the
 * refusal comes at connect, where programs show it and do not try again for a minute. No question ever leaves the machine,
 * so data put into a name reaches nobody.
 */
import type { Socket as DatagramSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { parseHost } from '../../client/protocol/authority.ts';
import { type ClientConnection, closeWith } from './connections.ts';
import {
  type DnsQuestion,
  type DnsRecord,
  dnsClasses,
  dnsCodes,
  dnsTypes,
  encodeDnsName,
  readDnsQuery,
  writeDnsAnswer,
} from './dns-message.ts';
import type { FrontRun, RunNames } from './model.ts';
import { reset } from './splice.ts';

const ttlSeconds = 30;
/** Longer questions exist only to be long. */
const maxQueryBytes = 4096;
const maxSendQueueBytes = 1024 * 1024;

/** Undefined where silence is the answer. */
export function answerDns(message: Buffer, names: RunNames): Buffer | undefined {
  const query = readDnsQuery(message);
  if (query === undefined) return undefined;
  const answer = (code: number, records: readonly DnsRecord[] = []): Buffer =>
    writeDnsAnswer(query, code, records, ttlSeconds);
  if (query.opcode !== 0) return answer(dnsCodes.notImplemented);
  if (query.question === undefined || message.length > maxQueryBytes) return answer(dnsCodes.formatError);
  if (query.edns !== undefined && query.edns !== 0) return answer(dnsCodes.badVersion);
  const found = resolve(query.question, names);
  return typeof found === 'number' ? answer(found) : answer(dnsCodes.noError, found);
}

/**
 * Serves until the run is over; the socket is the next run's then. Its errors are its owner's: an answer that cannot be
 * delivered is asked for again.
 */
export function serveDns(socket: DatagramSocket, { names, signal }: FrontRun): void {
  const onMessage = (message: Buffer, from: { readonly address: string; readonly port: number }): void => {
    if (socket.getSendQueueSize() > maxSendQueueBytes) return;
    const answer = answerDns(message, names);
    if (answer !== undefined) socket.send(answer, from.port, from.address);
  };
  socket.on('message', onMessage);
  signal.addEventListener('abort', () => socket.off('message', onMessage));
}

/** RFC 7766: messages with their length before them, any number, answered in order. */
export function serveDnsStream({ client, context }: ClientConnection): Promise<void> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0);
    const { socket } = client;
    const timer = setTimeout(() => reset(socket), context.limits.headTimeoutMs);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.on('drain', () => client.resume());
    client.read({
      take(more) {
        bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more]);
        while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
          const end = 2 + bytes.readUInt16BE(0);
          const answer = answerDns(bytes.subarray(2, end), context.run.names);
          bytes = bytes.subarray(end);
          timer.refresh();
          if (answer === undefined) {
            reset(socket);
            return Buffer.alloc(0);
          }
          const length = Buffer.alloc(2);
          length.writeUInt16BE(answer.length);
          if (!socket.write(Buffer.concat([length, answer]))) client.pause();
        }
        return undefined;
      },
      end: () => closeWith({ client, context, signal: context.run.signal }, Buffer.alloc(0)),
    });
  });
}

/** Records, none when the name has none of this type, or a code. */
function resolve({ name, type, class: kind }: DnsQuestion, names: RunNames): readonly DnsRecord[] | number {
  if (kind !== dnsClasses.internet && kind !== dnsClasses.any) return dnsCodes.refused;
  if (name === undefined) return dnsCodes.noSuchName;
  if (name === '') return [];
  if (name.endsWith('.arpa')) return resolvePointer(name, type, names);
  // RFC 6761 §6.3, §6.4; RFC 7686 §2.
  if (isBelow(name, 'localhost')) return localhostRecords(type);
  if (isBelow(name, 'invalid') || isBelow(name, 'onion')) return dnsCodes.noSuchName;
  const host = parseHost(name);
  // Some names are an address to those who connect: `127.1`, `0x7f000001`.
  if (host === undefined || isIP(host) !== 0) return dnsCodes.noSuchName;
  if (type !== dnsTypes.a && type !== dnsTypes.any) return [];
  const address = names.addressOf(host);
  return address === undefined ? dnsCodes.refused : [addressRecord(address)];
}

function isBelow(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

const loopback6 = Buffer.concat([Buffer.alloc(15), Buffer.from([1])]);

function localhostRecords(type: number): readonly DnsRecord[] {
  if (type === dnsTypes.a || type === dnsTypes.any) return [addressRecord('127.0.0.1')];
  return type === dnsTypes.aaaa ? [{ type, data: loopback6 }] : [];
}

function addressRecord(address: string): DnsRecord {
  return { type: dnsTypes.a, data: Buffer.from(address.split('.').map(Number)) };
}

const pointer4 = /^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.in-addr\.arpa$/;
const loopbackPointer6 = `1.${'0.'.repeat(31)}ip6.arpa`;

function resolvePointer(name: string, type: number, names: RunNames): readonly DnsRecord[] | number {
  const address = pointer4.exec(name)?.slice(1).reverse().join('.');
  const isLocal = address === '127.0.0.1' || name === loopbackPointer6;
  const host = isLocal ? 'localhost' : address && names.nameOf(address);
  if (!host) return dnsCodes.noSuchName;
  return type === dnsTypes.ptr || type === dnsTypes.any ? [{ type: dnsTypes.ptr, data: encodeDnsName(host) }] : [];
}
