/** Takes `host:port` apart as the fronts meet it; what the host means is decided where it is made canonical. */

export interface AuthorityText {
  readonly text: string;
  /** Without brackets. */
  readonly host: string;
  readonly port: number | undefined;
}

/** Undefined for anything that readers could understand differently: user names, more than one port, half a bracket. */
export function splitAuthority(text: string): AuthorityText | undefined {
  const parts = /^(?:\[([0-9a-f:.]{2,45})\]|([^\s:@/?#[\]\\%]{1,255}))(?::([0-9]{1,5}))?$/i.exec(text);
  if (parts === null) return undefined;
  const port = parts[3] === undefined ? undefined : Number(parts[3]);
  if (port !== undefined && (port === 0 || port > 65535)) return undefined;
  return { text, host: (parts[1] ?? parts[2]) as string, port };
}

/** Equal but for case and one final dot. */
export function isSameHost(one: string, other: string): boolean {
  return one === other || plain(one) === plain(other);
}

function plain(host: string): string {
  return (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase();
}
