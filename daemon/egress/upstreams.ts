/**
 * Connections to hosts that are kept between two requests of plain HTTP, of one run. One serves only the host, port and
 * addresses it was dialled for, and only a request that was admitted by itself; one that says anything unasked is closed.
 */

import type { CheckedTarget } from './checked-target.ts';
import type { Intake } from './intake.ts';
import type { FrontLimits } from './limits.ts';

interface Idle {
  readonly host: Intake;
  readonly target: CheckedTarget;
  readonly timer: NodeJS.Timeout;
}

export class Upstreams {
  readonly #limits: FrontLimits;
  /** Oldest first. */
  readonly #idle = new Map<Intake, Idle>();
  #isClosed = false;

  constructor(limits: FrontLimits) {
    this.#limits = limits;
  }

  take(target: CheckedTarget): Intake | undefined {
    for (const idle of this.#idle.values()) {
      if (!isSameTarget(idle, target)) continue;
      this.#forget(idle);
      idle.host.stop();
      return idle.host;
    }
    return undefined;
  }

  keep(host: Intake, target: CheckedTarget): void {
    if (this.#isClosed || host.isOver || host.held.length > 0) {
      host.socket.destroy();
      return;
    }
    if (this.#idle.size >= this.#limits.maxIdleUpstreams) this.#drop([...this.#idle.values()][0]);
    const timer = setTimeout(() => this.#drop(idle), this.#limits.upstreamIdleMs);
    const idle: Idle = { host, target, timer };
    this.#idle.set(host, idle);
    host.read({
      take: () => {
        this.#drop(idle);
        return undefined;
      },
      end: () => this.#drop(idle),
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const idle of [...this.#idle.values()]) this.#drop(idle);
  }

  #drop(idle: Idle | undefined): void {
    if (idle === undefined) return;
    this.#forget(idle);
    idle.host.socket.destroy();
  }

  #forget(idle: Idle): void {
    clearTimeout(idle.timer);
    this.#idle.delete(idle.host);
  }
}

/** The address must be one that is admitted now; without addresses the upstream proxy resolved the name. */
function isSameTarget({ target, host }: Idle, wanted: CheckedTarget): boolean {
  if (target.host !== wanted.host || target.port !== wanted.port) return false;
  if (wanted.addresses.length === 0) return target.addresses.length === 0;
  return target.addresses.length > 0 && wanted.addresses.includes(host.socket.remoteAddress ?? '');
}
