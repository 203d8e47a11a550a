/** Whether an address stays on this machine: what may be spoken to in plain text is decided by it on both sides. */
import net from 'node:net';

const loopback = new net.BlockList();
// Source: RFC 1122 3.2.1.3 (127/8), RFC 4291 2.5.3 (::1). A BlockList sees through IPv4-mapped IPv6 addresses.
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** False for whatever is no IP address: a name is not known to stay here before it is resolved. */
export function isLoopbackAddress(address: string): boolean {
  const family = net.isIP(address);
  return family !== 0 && loopback.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** A name or an address, canonical, that means this machine itself. Source: RFC 6761 6.3. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isLoopbackAddress(host);
}
