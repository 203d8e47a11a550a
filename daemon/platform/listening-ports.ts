/** Which TCP ports somebody listens on in the daemon's own network namespace. Source: proc_net(5), state 0A is TCP_LISTEN. */
import { readFileSync } from 'node:fs';

const listening = '0A';

export function isPortListening(port: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['/proc/net/tcp', '/proc/net/tcp6'].some((table) =>
    readLines(table).some((line) => {
      const [, local = '', , state] = line.trim().split(/\s+/);
      return state === listening && local.endsWith(wanted);
    }),
  );
}

function readLines(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return []; // a system without that table
  }
}
