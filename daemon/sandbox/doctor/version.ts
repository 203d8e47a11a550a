/** What the installed bubblewrap can do. */
import { runTool } from '../../platform/spawn.ts';

export type Version = readonly [major: number, minor: number, patch: number];

export function parseVersion(text: string): Version | undefined {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

export async function readBubblewrapVersion(bwrap: string): Promise<Version | undefined> {
  const { ok, stdout } = await runTool([bwrap, '--version']);
  return ok ? parseVersion(stdout) : undefined;
}

/** `--disable-userns` came with 0.8. Below it the system call filter stands alone. */
export function supportsDisableUserns(version: Version | undefined): boolean {
  return version !== undefined && (version[0] > 0 || version[1] >= 8);
}
