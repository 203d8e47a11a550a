/**
 * Addresses of the session's loopback by which a connection is known. Each run has a slot: one address for the proxies and
 * for name resolution, and a range whose addresses stand for the names that it asked for. So the local address of an
 * accepted connection tells the run, and the name as well.
 */

/** Runs with a network in one session at once. */
export const slotCount = 32;

/** Below 1024, where commands cannot listen. */
export const httpPort = 800;
export const socksPort = 801;
export const dnsPort = 53;
/** Always there, whatever the policy names: web and git over ssh. */
export const usualPorts = [80, 443, 22] as const;

const firstShare = 64;

export interface RunSlot {
  /** From 0. */
  readonly index: number;
  /** Of its proxies and its name server. */
  readonly address: string;
  /** The first two numbers of all addresses that stand for its names. */
  readonly share: string;
}

export function slotAt(index: number): RunSlot {
  return { index, address: `127.1.0.${index + 1}`, share: `127.${firstShare + index}` };
}

/** The slot whose proxies or names this local address belongs to. */
export function findSlot(localAddress: string): { readonly index: number; readonly kind: 'own' | 'name' } | undefined {
  const [first, second, third, fourth] = localAddress.split('.').map(Number);
  if (first !== 127 || second === undefined || fourth === undefined) return undefined;
  if (second === 1 && third === 0 && fourth >= 1 && fourth <= slotCount) return { index: fourth - 1, kind: 'own' };
  const index = second - firstShare;
  return index >= 0 && index < slotCount ? { index, kind: 'name' } : undefined;
}
