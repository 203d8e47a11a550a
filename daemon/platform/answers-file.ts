/**
 * Where an answer of "always" is saved: one file per workspace among the user's own settings, never in the tree, where the
 * next checkout or the next command could write it.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { saveRules } from './policy-files.ts';

/** @param workspace undefined for runs that have none. */
export function findAnswersFile(folder: string, workspace: string | undefined): string {
  if (workspace === undefined) return path.join(folder, 'no-workspace.json');
  const name = path
    .basename(workspace)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, 40);
  const key = createHash('sha256').update(workspace).digest('hex').slice(0, 16);
  return path.join(folder, `${name}-${key}.json`);
}

/** @throws {SbxError} `bad-policy` when the file has errors or cannot be written; it is then unchanged. */
export function saveAnswer(file: string, workspace: string | undefined, rules: readonly string[]): void {
  const initial = workspace === undefined ? '' : `${JSON.stringify({ workspace }, null, 2)}\n`;
  saveRules(file, rules, 'allow', initial);
}

export function listAnswersFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .sort()
      .map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}
