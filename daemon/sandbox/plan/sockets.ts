/** The unix sockets of the host that have a path: a command that reaches one talks to a service outside of its sandbox. */
import { lstatSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { tryRealpath } from './places.ts';

/** Paths of /proc/net/unix. A relative one counts as a socket of the workspace when it is one there. */
export function findSockets(
  workspace: string | undefined,
  isOfInterest: (address: string) => boolean = () => true,
): string[] {
  const found = new Set<string>();
  for (const line of readFileSync('/proc/net/unix', 'utf8').split('\n').slice(1)) {
    const address = line.split(' ').slice(7).join(' ').trimStart();
    if (address === '' || address.startsWith('@') || !isOfInterest(address)) continue;
    const absolute = address.startsWith('/') ? address : workspace && path.join(workspace, address);
    const real = absolute === undefined ? undefined : tryRealpath(absolute);
    if (real !== undefined && lstatSync(real, { throwIfNoEntry: false })?.isSocket()) found.add(real);
  }
  return [...found];
}
