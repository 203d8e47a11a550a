/** The environment of a command: what of the caller's may pass, and what the sandbox sets in it. */
import type { Config } from '../config.ts';
import { loadSessionData } from '../platform/session-data.ts';
import { type CallerEnvironment, selectEnvironment } from '../request/environment.ts';
import type { Account } from '../sandbox/plan/account.ts';
import { cacheEnvironment } from '../sandbox/plan/tool-caches.ts';

/** Where a caller names none, as a service manager or another machine's client: the usual system folders. */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface EnvironmentPlace {
  readonly account: Account;
  /** Undefined outside the sandbox, where tools keep their files where they always do. */
  readonly cacheFolder: string | undefined;
  readonly term: string | undefined;
  readonly shell: boolean;
}

/** Of the names that a policy grants those that the caller has: another's grant makes no variable. */
export function findGranted(names: readonly string[], env: Readonly<Record<string, string>>): string[] {
  return names.filter((name) => Object.hasOwn(env, name));
}

/** @throws {SbxError} `bad-environment` */
export function buildEnvironment(
  caller: CallerEnvironment,
  { account, cacheFolder, shell, term }: EnvironmentPlace,
  config: Config,
): Map<string, string> {
  const { environment, toolCaches } = loadSessionData();
  const env = selectEnvironment(caller, environment);
  if (!env.has('PATH')) env.set('PATH', defaultPath);
  if (account.uid !== config.uid || !env.has('HOME')) {
    env.set('HOME', account.home).set('USER', account.name).set('LOGNAME', account.name);
  }
  // The parser decodes `\\u` escapes as a UTF-8 locale does; without any locale bash would not.
  if (![...env.keys()].some((name) => name === 'LANG' || name === 'LC_ALL' || name === 'LC_CTYPE'))
    env.set('LANG', 'C.UTF-8');
  if (term !== undefined) env.set('TERM', term);
  if (shell) env.set('PS1', 'sbx:\\w\\$ ');
  if (cacheFolder === undefined) return env;
  const own = new Map([['TMPDIR', '/tmp'], ...cacheEnvironment(toolCaches, cacheFolder)]);
  for (const [name, value] of own) if (!caller.grants.includes(name)) env.set(name, value);
  return env;
}
