/**
 * Carries `cd` from one command of a session to the next, inside the workspace. What the command reports is a wish: it is
 * looked at on the host, and a place outside the workspace, such as the session's own `/tmp`, is not taken over.
 */
import { realpathSync, statSync } from 'node:fs';
import { showText } from '../client/protocol/visible.ts';
import type { Session } from './sessions.ts';

export interface CarriedFolder {
  /** Where the session's next command starts. */
  readonly cwd: string;
  /** Where the command ended, if the session cannot go on there. */
  readonly cwdRefused?: string;
}

function isDirectory(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
}

function resolveInside(folder: string, workspace: string | undefined): string | undefined {
  if (workspace === undefined) return undefined;
  try {
    const real = realpathSync.native(folder);
    return (real === workspace || real.startsWith(`${workspace}/`)) && isDirectory(real) ? real : undefined;
  } catch {
    return undefined;
  }
}

/** @param ended folder of the command's shell at its end, when it is known. */
export function carryFolder(session: Session, started: string, ended: string | undefined): CarriedFolder {
  if (ended === undefined || ended === started) return { cwd: session.cwd };
  const folder = resolveInside(ended, session.workspace);
  if (folder === undefined) return { cwd: session.cwd, cwdRefused: showText(ended) };
  session.cwd = folder;
  return { cwd: folder };
}

/** The folder for a command that names none; the session goes back to its start when its folder is gone. */
export function findSessionFolder(session: Session): { readonly cwd: string; readonly note: string | undefined } {
  const { cwd } = session;
  try {
    if (isDirectory(cwd)) return { cwd, note: undefined };
  } catch {
    // it cannot be looked at any more
  }
  session.resetFolder();
  const note = `\`${showText(cwd)}\`, where the session was, is gone: this command starts in \`${session.cwd}\``;
  return { cwd: session.cwd, note };
}
