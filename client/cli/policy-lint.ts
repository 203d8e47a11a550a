/** `sbx policy lint`: one finding a line, as compilers print them, each with what to do about it. */
import path from 'node:path';
import { showText } from '../protocol/visible.ts';
import type { Caller } from './caller.ts';
import { statuses } from './exit-status.ts';
import { loadPolicyTools } from './offline-engine.ts';
import { type PolicyPlaceOptions, readPlace } from './policy.ts';

interface Finding {
  readonly file: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly id: string;
  readonly message: string;
  readonly help: string | undefined;
}

function describeFinding({ file, line, column, id, message, help }: Finding): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return showText(`${place}: ${message}${help === undefined ? '' : `; ${help}`} [${id}]`);
}

/** @throws {SbxError} */
export async function lintPolicies(
  files: readonly string[],
  options: PolicyPlaceOptions,
  caller: Caller,
): Promise<number> {
  const { engine, config, chooseWorkspace, lintFiles, lintWorkspace } = await loadPolicyTools();
  const named = files.map((file) => path.resolve(caller.cwd(), file));
  const place = { ...chooseWorkspace(readPlace(options, caller), config.home), home: config.home };
  const linted = named.length > 0 ? lintFiles(engine, named) : lintWorkspace(engine, place);
  const { findings, unreadable } = linted;
  if (options.json) process.stdout.write(`${JSON.stringify(linted)}\n`);
  else {
    for (const finding of findings) process.stdout.write(`${describeFinding(finding)}\n`);
    for (const finding of unreadable) process.stderr.write(`sbx: ${describeFinding(finding)}\n`);
    if (findings.length === 0 && unreadable.length === 0) {
      process.stdout.write(`nothing to say about ${linted.files.length} file${linted.files.length === 1 ? '' : 's'}\n`);
    }
  }
  return unreadable.length > 0 ? statuses.failed : findings.length > 0 ? 1 : 0;
}
