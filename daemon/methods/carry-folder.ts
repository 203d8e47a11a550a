/**
 * Carries `cd` from one command of a session to the next, inside the workspace. What the command reports is a wish: it is
 * looked at on the host, and a place outside the workspace, such as the session's own `/tmp`, is not taken over.
 */
import { realpathSync, statSync } from 'node:fs';
import { showText } from '../../client/protocol/visible.ts';
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

/** It was a real path when it was noted; a command may since have put a symbolic link in place of one of its parts. */
function isSamePlace(folder: string): boolean {
  try {
    return realpathSync.native(folder) === folder && isDirectory(folder);
  } catch {
    return false;
  }
}

/** The folder for a command that names none; the session goes back to its start when its folder is gone. */
export function findSessionFolder(session: Session): { readonly cwd: string; readonly note: string | undefined } {
  const { cwd, workspace } = session;
  if (isSamePlace(cwd)) return { cwd, note: undefined };
  session.resetFolder();
  if (workspace !== undefined && !isSamePlace(session.cwd)) session.cwd = workspace;
  const start = showText(session.cwd);
  const note = `\`${showText(cwd)}\`, where the session was, is gone or leads elsewhere: this command starts in \`${start}\``;
  return { cwd: session.cwd, note };
}
