/**
 * Connects to the addresses of a checked target and to nothing else: no name is looked up here. The next address is tried
 * when one is slow or fails, and the first that answers is taken.
 */
import net from 'node:net';
import { showAuthority } from '../../client/protocol/authority.ts';
import type { CheckedTarget } from './checked-target.ts';
import type { Refusal } from './model.ts';
import type { UpstreamProxy } from './upstream-proxy.ts';

export interface DialOptions {
  readonly upstream?: UpstreamProxy | undefined;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

const connectTimeoutMs = 10_000;
/** Source: RFC 8305 5, "Connection Attempt Delay". */
const nextAddressMs = 250;
const keepAliveMs = 30_000;

/** Never rejects. */
export async function dialTarget(
  target: CheckedTarget,
  { signal, timeoutMs = connectTimeoutMs, upstream }: DialOptions,
): Promise<net.Socket | Refusal> {
  if (target.addresses.length > 0) return await connectFirst(target, signal, timeoutMs);
  // Only a target that was checked as proxied has none.
  if (upstream !== undefined) return await upstream.connect(target.host, target.port, signal, timeoutMs);
  return { code: 'unreachable', message: `\`${target.host}\` has no address, and there is no upstream proxy` };
}

function connectFirst(
  { addresses, host, port }: CheckedTarget,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<net.Socket | Refusal> {
  return new Promise((resolve) => {
    const waiting = [...addresses];
    const attempts = new Set<net.Socket>();
    const failures: string[] = [];
    let nextTimer: NodeJS.Timeout | undefined;
    let isOver = false;
    const finish = (answer: net.Socket | Refusal): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(nextTimer);
      clearTimeout(lastTimer);
      signal.removeEventListener('abort', onAbort);
      for (const attempt of attempts) if (attempt !== answer) attempt.destroy();
      resolve(answer);
    };
    const refuse = (why: string): void => {
      finish({ code: 'unreachable', message: `\`${showAuthority(host, port)}\` cannot be reached: ${why}` });
    };
    const onAbort = (): void => refuse('the run has ended');
    const lastTimer = setTimeout(() => refuse(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    const tryNext = (): void => {
      clearTimeout(nextTimer);
      const address = waiting.shift();
      if (address === undefined) {
        if (attempts.size === 0) refuse([...new Set(failures)].join(', '));
        return;
      }
      const socket = net.connect({
        host: address,
        port,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: keepAliveMs,
      });
      attempts.add(socket);
      const onError = (error: NodeJS.ErrnoException): void => {
        attempts.delete(socket);
        failures.push(describeFailure(error));
        if (!isOver) tryNext();
      };
      socket.once('error', onError);
      socket.once('connect', () => {
        if (isOver) return;
        // From here on its errors are for who gets it.
        socket.removeListener('error', onError);
        finish(socket);
      });
      nextTimer = setTimeout(tryNext, nextAddressMs);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else tryNext();
  });
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to its network',
  ETIMEDOUT: 'it does not answer',
  ECONNRESET: 'the connection was reset',
  EACCES: 'this machine does not let connections out to it',
  EPERM: 'this machine does not let connections out to it',
};

export function describeFailure({ code }: NodeJS.ErrnoException): string {
  return words[code ?? ''] ?? code ?? 'the connection failed';
}
