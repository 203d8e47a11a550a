/** Everything the daemon takes from its environment and account, read once. The only file that reads `process.env`. */
import os from 'node:os';
import path from 'node:path';
import { limits } from '../client/protocol/limits.ts';
import { findRunDirectory } from '../client/protocol/run-directory.ts';
import type { EngineOptions } from './offline.ts';

export interface Config {
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly home: string;
  /** Directory of the socket; the user's runtime directory, else one under the temporary directory. */
  readonly runDirectory: string;
  readonly stateDirectory: string;
  readonly cacheDirectory: string;
  readonly configDirectory: string;
  readonly userPolicyFile: string;
  /** Of the machine's administrator. */
  readonly managedPolicyFile: string;
  readonly managedPolicyFolder: string;
  /** Saved answers, one file per workspace. */
  readonly answersFolder: string;
  readonly trustFile: string;
  readonly noticesFile: string;
  /** Minutes without a run or a client after which daemon and sessions end. */
  readonly idleMinutes: number;
  /** Where the daemon's own proxy variables are looked for. */
  readonly proxyEnvironment: Readonly<Record<string, string | undefined>>;
}

function absoluteOr(value: string | undefined, fallback: string): string {
  return value !== undefined && path.isAbsolute(value) ? value : fallback;
}

/** Containers run under uids that the account database does not know; `os.userInfo` throws there. */
function readUser(): { uid: number; gid: number; username: string; homedir: string } {
  try {
    return os.userInfo();
  } catch {
    const uid = process.getuid?.() ?? -1;
    return { uid, gid: process.getgid?.() ?? -1, username: String(uid), homedir: '/nonexistent' };
  }
}

export function readConfig(): Config {
  const { env } = process;
  const user = readUser();
  const home = absoluteOr(env['HOME'], user.homedir);
  const configDirectory = path.join(absoluteOr(env['XDG_CONFIG_HOME'], path.join(home, '.config')), 'sbx');
  const stateDirectory = path.join(absoluteOr(env['XDG_STATE_HOME'], path.join(home, '.local/state')), 'sbx');
  return {
    uid: user.uid,
    gid: user.gid,
    userName: user.username,
    home,
    runDirectory: findRunDirectory({
      runtimeDirectory: env['XDG_RUNTIME_DIR'],
      temporaryDirectory: os.tmpdir(),
      uid: user.uid,
    }),
    stateDirectory,
    cacheDirectory: path.join(absoluteOr(env['XDG_CACHE_HOME'], path.join(home, '.cache')), 'sbx'),
    configDirectory,
    userPolicyFile: path.join(configDirectory, 'policy.json'),
    // Constants: a variable of the environment is in the hands of whoever starts sbx.
    managedPolicyFile: '/etc/sbx/policy.json',
    managedPolicyFolder: '/etc/sbx/policy.d',
    answersFolder: path.join(configDirectory, 'projects'),
    trustFile: path.join(stateDirectory, 'trust.json'),
    noticesFile: path.join(stateDirectory, 'notices.json'),
    idleMinutes: limits.idleMinutes,
    proxyEnvironment: env,
  };
}

/** Every place that the decision engine looks at. */
export function engineOptions(config: Config): EngineOptions {
  return {
    home: config.home,
    uid: config.uid,
    userPolicyFile: config.userPolicyFile,
    managedPolicyFile: config.managedPolicyFile,
    managedPolicyFolder: config.managedPolicyFolder,
    answersFolder: config.answersFolder,
    trustFile: config.trustFile,
    noticesFile: config.noticesFile,
  };
}
