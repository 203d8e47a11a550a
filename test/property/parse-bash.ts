/**
 * Real bash for comparison: a process with an empty environment, no programs on its PATH and an empty folder of its own,
 * so that even a text that we misread can do nothing.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const bash = '/bin/bash';

export interface BashAnswer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function runBash(args: readonly string[], input = ''): BashAnswer {
  const cwd = mkdtempSync(path.join(tmpdir(), 'sbx-parse-'));
  try {
    const { status, stdout, stderr } = spawnSync(bash, ['--noprofile', '--norc', ...args], {
      cwd,
      env: { PATH: '/nonexistent', LC_ALL: 'C.UTF-8' },
      input,
      timeout: 20_000,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    return { status, stdout, stderr };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** What is printed between the results of two texts; random parts of the texts cannot be it. */
const separator = '=next-text-9f2c=';

/** Evaluates each text in one bash, in order; gives what each wrote to standard output. */
export function evaluateAll(texts: readonly string[], prelude = ''): string[] {
  const script = `${prelude}\nfor text in "$@"; do eval "$text"; builtin printf '%s' '${separator}'; done`;
  return runBash(['-c', script, 'bash', ...texts])
    .stdout.split(separator)
    .slice(0, -1);
}

/** Whether bash's own parser accepts the text without an error or warning. */
export function isAcceptedByBash(text: string): boolean {
  const { status, stderr } = runBash(['-O', 'extglob', '-n', '-c', '--', text]);
  return status === 0 && stderr === '';
}
