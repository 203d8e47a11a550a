/**
 * Leads what arrives at a session's listeners to the run that it belongs to. A connection names its run by the address it
 * came to; one that came to no run's address, or to that of a run that is over, is reset. The ports of the host's own
 * loopback have the same address for all runs: there it is the run whose process connected.
 */
import type { Socket as DatagramSocket } from 'node:dgram';
import type { Server, Socket } from 'node:net';
import { openFronts } from './fronts.ts';
import type { FrontRun, RunFronts, RunGate } from './model.ts';
import { openNames } from './run-names.ts';

/** What the sandbox made for a session; see its `SessionListeners`. */
export interface EgressListeners {
  readonly streams: readonly {
    readonly kind: 'http' | 'socks' | 'dns' | 'direct' | 'host';
    readonly port: number;
    readonly server: Server;
  }[];
  readonly datagrams: readonly DatagramSocket[];
}

export interface EgressSlot {
  readonly index: number;
  readonly address: string;
  readonly share: string;
}

/** How local addresses name slots. */
export interface EgressSlots {
  readonly count: number;
  readonly at: (index: number) => EgressSlot;
  readonly find: (localAddress: string) => { readonly index: number; readonly kind: 'own' | 'name' } | undefined;
}

export interface RunEgress {
  readonly slot: EgressSlot;
  /** Resets every connection of the run; its slot is another run's from then on. */
  readonly close: () => void;
}

interface OpenRun {
  readonly fronts: RunFronts;
  readonly isOwn: (client: Socket) => Promise<boolean>;
}

export class SessionEgress {
  readonly #slots: EgressSlots;
  readonly #listeners: EgressListeners;
  readonly #runs: (OpenRun | undefined)[];
  /** The next free slot is the one that was free longest: what a run left on its way meets nobody else. */
  #next = 0;

  constructor(listeners: EgressListeners, slots: EgressSlots) {
    this.#listeners = listeners;
    this.#slots = slots;
    this.#runs = Array.from({ length: slots.count }, () => undefined);
    // between two runs nobody else listens for what goes wrong
    for (const datagram of listeners.datagrams) datagram.on('error', () => {});
    for (const { kind, server } of listeners.streams) {
      server.on('connection', (socket: Socket) => {
        // who has gone again before it was looked at is no error
        socket.on('error', () => {});
        this.#route(kind, socket);
      });
    }
  }

  /**
   * Undefined when as many runs as there are slots have a network already.
   *
   * @param isOwn whether a process of this very run made the connection
   */
  open(gate: RunGate, isOwn: OpenRun['isOwn']): RunEgress | undefined {
    const index = this.#takeSlot();
    if (index === undefined) return undefined;
    const slot = this.#slots.at(index);
    const ended = new AbortController();
    const run: FrontRun = { gate, names: openNames(slot.share), signal: ended.signal };
    const fronts = openFronts(run);
    this.#runs[index] = { fronts, isOwn };
    const datagram = this.#listeners.datagrams[index];
    if (datagram !== undefined) fronts.serveDns(datagram);
    return {
      slot,
      close: () => {
        if (ended.signal.aborted) return;
        this.#runs[index] = undefined;
        ended.abort();
      },
    };
  }

  #takeSlot(): number | undefined {
    for (let tried = 0; tried < this.#runs.length; tried++) {
      const index = (this.#next + tried) % this.#runs.length;
      if (this.#runs[index] !== undefined) continue;
      this.#next = index + 1;
      return index;
    }
    return undefined;
  }

  #route(kind: EgressListeners['streams'][number]['kind'], socket: Socket): void {
    const found = this.#slots.find(socket.localAddress ?? '');
    if (kind === 'host' && found === undefined) {
      void this.#serveOwner(socket);
      return;
    }
    const fronts = found && this.#runs[found.index]?.fronts;
    const isDirect = kind === 'direct' || kind === 'host';
    if (found === undefined || fronts === undefined || (found.kind === 'name') !== isDirect) socket.resetAndDestroy();
    else if (kind === 'http') fronts.serveHttp(socket);
    else if (kind === 'socks') fronts.serveSocks(socket);
    else if (kind === 'dns') fronts.serveDnsStream(socket);
    else fronts.serveDirect(socket);
  }

  async #serveOwner(socket: Socket): Promise<void> {
    for (const run of this.#runs) {
      if (run === undefined || !(await run.isOwn(socket))) continue;
      run.fronts.serveDirect(socket);
      return;
    }
    socket.resetAndDestroy();
  }
}
