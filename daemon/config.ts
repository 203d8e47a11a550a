/** Everything the daemon takes from its environment and account, read once. The only file that reads `process.env`. */
import os from 'node:os';
import path from 'node:path';
import { limits } from '../client/protocol/limits.ts';
import { findRunDirectory } from '../client/protocol/run-directory.ts';

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
  /** Minutes without a run or a client after which daemon and sessions end. */
  readonly idleMinutes: number;
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
    stateDirectory: path.join(absoluteOr(env['XDG_STATE_HOME'], path.join(home, '.local/state')), 'sbx'),
    cacheDirectory: path.join(absoluteOr(env['XDG_CACHE_HOME'], path.join(home, '.cache')), 'sbx'),
    configDirectory,
    userPolicyFile: path.join(configDirectory, 'policy.json'),
    idleMinutes: limits.idleMinutes,
  };
}
