/** What this build is, put in by the bundler, and where its parts are. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

declare const __SBX_BUILD__: string;
declare const __SBX_VERSION__: string;

export const build = __SBX_BUILD__;
export const version = __SBX_VERSION__;

/** The bundled daemon lies beside the bundled CLI, whose chunks are one folder deeper. */
export function findDaemonScript(): string {
  const folder = path.dirname(fileURLToPath(import.meta.url));
  const beside = path.join(folder, 'sbxd.js');
  return existsSync(beside) ? beside : path.join(folder, '..', 'sbxd.js');
}
