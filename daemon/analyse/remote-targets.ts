/** Hosts named on command lines: URLs, `user@host:path`, bare hosts. Text only; nothing is resolved. */

export interface Connection {
  readonly host: string | undefined;
  readonly url: string | undefined;
}

/** `host:path` as scp, rsync and git read it: a colon before the first slash, and no drive or `./`. */
export function isRemotePath(text: string): boolean {
  return /^(?:[^\s/:@]+@)?(?:\[[0-9A-Fa-f:.]+\]|[^\s/:[\]]+):/.test(text) || /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

export function connectionOf(text: string | undefined, bareHost: boolean): Connection {
  if (text === undefined) return { host: undefined, url: undefined };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    try {
      const url = new URL(text);
      return { host: url.hostname === '' ? undefined : url.hostname, url: text };
    } catch {
      return { host: undefined, url: text };
    }
  }
  // `ext::COMMAND` names a transport, not a host.
  if (/^\w+::/.test(text)) return { host: undefined, url: undefined };
  const remote = /^(?:[^\s/:@]+@)?(\[[0-9A-Fa-f:.]+\]|[^\s/:[\]@]+)(?::|$)/.exec(text)?.[1];
  if (remote !== undefined && (bareHost || text.includes(':'))) return { host: remote, url: undefined };
  if (bareHost) return { host: text.replace(/^.*@/, '').replace(/\/.*$/, ''), url: undefined };
  // A fetcher takes `example.com/x` for a URL without its scheme.
  const host = /^[^/\s]+/.exec(text)?.[0];
  return { host, url: host === undefined ? undefined : `http://${text}` };
}

/**
 * The machine that a package, image or module comes from, where its name says one: an address (`git+https://host/x`,
 * `name@https://host/x`), or `host/path` and `host:port/path` as registries and Go modules are written. A name without a
 * dot before its first slash is one of the tool's own registry.
 */
export function originOf(text: string | undefined): Connection | undefined {
  if (text === undefined) return undefined;
  const url = /(?:^|@|\s)(?:[a-z]+\+)?([a-z][a-z0-9.-]*:\/\/\S*)$/i.exec(text)?.[1];
  if (url !== undefined) return connectionOf(url, false);
  const host = /^((?:[a-z0-9-]+\.)+[a-z0-9-]+)(?::\d+)?\//i.exec(text)?.[1];
  return host === undefined ? undefined : { host, url: undefined };
}
