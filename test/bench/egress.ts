/**
 * The proxy beside a direct connection, all on loopback: host and proxy are threads of their own, the load is made here. With
 * fewer cores than three they share them, and the proxy's numbers are those of such a machine.
 */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { parentPort, Worker } from 'node:worker_threads';
import type { CheckedTarget } from '../../daemon/egress/checked-target.ts';
import { openFronts } from '../../daemon/egress/fronts.ts';
import type { RunGate } from '../../daemon/egress/model.ts';
import { quantile, type Row } from './measure.ts';

export type EgressPart = 'host' | 'proxy';

const downloadBytes = 200 * 1024 ** 2;
const clients = 10;
const turnMs = 1500;
const rounds = 5;

export async function benchEgress(): Promise<Row[]> {
  const host = await startPart('host');
  const proxy = await startPart('proxy');
  const authority = `127.0.0.1:${host.port}`;
  const head = `HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n`;
  const small = { direct: `GET /small ${head}`, proxied: `GET http://${authority}/small ${head}` };
  const turns = {
    'download through CONNECT': {
      direct: () => download(host.port, undefined),
      proxied: () => download(proxy.port, authority),
    },
    [`small requests, keep-alive, ${clients} clients`]: {
      direct: () => ask(host.port, small.direct, true),
      proxied: () => ask(proxy.port, small.proxied, true),
    },
    [`small requests, new connections, ${clients} clients`]: {
      direct: () => ask(host.port, small.direct, false),
      proxied: () => ask(proxy.port, small.proxied, false),
    },
    [`CONNECT and one small request, ${clients} clients`]: {
      direct: () => ask(host.port, small.direct, false),
      proxied: () => ask(proxy.port, small.direct, false, authority),
    },
  };
  const targets = ['>= 0.3x', '>= 10,000/s', '>= 5,000/s', '-'];
  const rows: Row[] = [];
  for (const [index, [what, { direct, proxied }]] of Object.entries(turns).entries()) {
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = -1; round < rounds; round++) {
      const [a, b] = [await proxied(), await direct()];
      if (round < 0) continue;
      ours.push(a);
      theirs.push(b);
    }
    const [a, b] = [quantile(ours, 0.5), quantile(theirs, 0.5)];
    const unit = index === 0 ? ' MB/s' : '/s';
    const measured = `${(a / b).toFixed(2)}x  (${a.toFixed(0)} / ${b.toFixed(0)}${unit})`;
    rows.push({ what, measured, target: targets[index] ?? '-' });
  }
  await Promise.all([host.stop(), proxy.stop()]);
  return rows;
}

async function startPart(part: EgressPart): Promise<{ port: number; stop: () => Promise<unknown> }> {
  const worker = new Worker(new URL(import.meta.url), { workerData: part });
  const [port] = (await once(worker, 'message')) as [number];
  return { port, stop: () => worker.terminate() };
}

/** In a thread of its own. */
export async function serveEgressPart(part: EgressPart): Promise<void> {
  const server = net.createServer({ noDelay: true }, part === 'host' ? serveHost : openProxy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  parentPort?.postMessage((server.address() as AddressInfo).port);
}

/** As lean as a host can be, so that its own cost hides little of the proxy's. */
function serveHost(socket: net.Socket): void {
  const answer =
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nhi';
  const block = Buffer.alloc(256 * 1024);
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    if (!bytes.includes('/download')) {
      socket.write(answer, 'latin1');
      return;
    }
    let left = downloadBytes;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${left}\r\n\r\n`, 'latin1');
    const pump = (): void => {
      while (left > 0) {
        left -= block.length;
        if (!socket.write(block)) return;
      }
    };
    socket.on('drain', pump);
    pump();
  });
}

function openProxy(): (socket: net.Socket) => void {
  const gate: RunGate = {
    admit: ({ host, port }) =>
      Promise.resolve({
        target: { host, port, addresses: [host] } as unknown as CheckedTarget,
        speaks: 'any',
        dial: async () => {
          const socket = net.connect({ host, port, noDelay: true, allowHalfOpen: true });
          await once(socket, 'connect');
          return socket;
        },
        finish: () => {},
      }),
  };
  const names = { addressOf: () => undefined, nameOf: () => undefined };
  return openFronts({ gate, names, signal: new AbortController().signal }).serveHttp;
}

function connectTo(port: number): net.Socket {
  return net.connect({ port, host: '127.0.0.1', noDelay: true });
}

/** MB/s. */
async function download(port: number, authority: string | undefined): Promise<number> {
  const socket = connectTo(port);
  await once(socket, 'connect');
  if (authority !== undefined) {
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    await once(socket, 'data');
  }
  const started = performance.now();
  socket.write('GET /download HTTP/1.1\r\nHost: h\r\n\r\n');
  let received = 0;
  await new Promise<void>((resolve) => {
    socket.on('data', (bytes) => {
      received += bytes.length;
      if (received >= downloadBytes) resolve();
    });
  });
  socket.destroy();
  return downloadBytes / 1024 ** 2 / ((performance.now() - started) / 1000);
}

/** Answers a second. */
async function ask(port: number, request: string, keepAlive: boolean, authority?: string): Promise<number> {
  const started = performance.now();
  let answers = 0;
  const isOver = (): boolean => performance.now() - started > turnMs;
  const opening = authority === undefined ? undefined : `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connectTo(port);
      let isOpen = opening === undefined;
      socket.on('error', reject);
      socket.on('close', () => resolve());
      socket.write(opening ?? request, 'latin1');
      socket.on('data', (bytes) => {
        if (!isOpen) {
          isOpen = true;
          socket.write(request, 'latin1');
        } else if (bytes.at(-1) === 0x69) {
          answers += 1;
          if (keepAlive && !isOver()) socket.write(request, 'latin1');
          else socket.end();
        }
      });
    });
  const client = async (): Promise<void> => {
    do await one();
    while (!isOver());
  };
  await Promise.all(Array.from({ length: clients }, client));
  return answers / ((performance.now() - started) / 1000);
}
