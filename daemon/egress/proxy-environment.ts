/**
 * Variables that make programs use the run's proxy. None is needed to get out, because names lead to the daemon anyway;
 * with them refusals are readable, and what connects by address alone asks for the name's sake.
 *
 * There is no `ALL_PROXY`: with a SOCKS address in it common HTTP clients fail at their start. Programs that are told of
 * the SOCKS proxy by their own option find it at `SBX_SOCKS_PROXY`.
 */

/** Loopback of the session, which its own servers listen on. */
const withoutProxy = 'localhost,.localhost,127.0.0.1,::1,[::1]';

export interface ProxyPlace {
  readonly address: string;
  readonly httpPort: number;
  readonly socksPort: number;
}

/** Whatever the caller's environment says of proxies is about another network, so all of these are set. */
export function proxyVariables({ address, httpPort, socksPort }: ProxyPlace, hostName: string): [string, string][] {
  const http = `http://${address}:${httpPort}`;
  const none = `${withoutProxy},${hostName}`;
  return [
    ...['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].map((name): [string, string] => [name, http]),
    ...['NO_PROXY', 'no_proxy'].map((name): [string, string] => [name, none]),
    // Node's own fetch and http use a proxy of the environment only when they are told to (Node 22.21, 24)
    ['NODE_USE_ENV_PROXY', '1'],
    ['SBX_SOCKS_PROXY', `socks5h://${address}:${socksPort}`],
  ];
}

/** Of a caller whose proxy is none of the sandbox's. */
export const foreignProxyVariables = ['ALL_PROXY', 'all_proxy', 'FTP_PROXY', 'ftp_proxy'] as const;
