/**
 * `run.json` beside a run's staged copy: what the merge back needs to know when the daemon that began it is gone. It also
 * names that daemon, so that another one never takes the copy of a run that is still going on.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type DaemonMark, markDaemon } from '../daemon-mark.ts';

export interface RunRecord {
  readonly gitFolder: string;
  readonly workspace: string;
  readonly daemon: DaemonMark;
}

export function makeRecord(gitFolder: string, workspace: string): RunRecord {
  return { gitFolder, workspace, daemon: markDaemon() };
}

/** Undefined when there is none, or none of ours: then nothing is known about what lies beside it. */
export function readRecord(folder: string): RunRecord | undefined {
  try {
    const data = JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8')) as Partial<RunRecord>;
    const { gitFolder, workspace, daemon } = data;
    if (typeof gitFolder !== 'string' || typeof workspace !== 'string') return undefined;
    if (typeof daemon?.pid !== 'number') return undefined;
    return { gitFolder, workspace, daemon };
  } catch {
    return undefined;
  }
}
