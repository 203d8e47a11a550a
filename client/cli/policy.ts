/** `sbx policy show` and `sbx policy lint`: what holds here, where each entry was written, and what is wrong with it. */
import path from 'node:path';
import { Option } from 'commander';
import type { Caller } from './caller.ts';
import { lintPolicies } from './policy-lint.ts';
import { showPolicy } from './policy-show.ts';
import { createProgram } from './program.ts';
import { parseWith } from './usage-error.ts';

export interface PolicyPlaceOptions {
  readonly cwd?: string;
  readonly workspace?: string;
  readonly json?: true;
}

export interface PolicyShowOptions extends PolicyPlaceOptions {
  readonly profile?: 'default' | 'strict' | 'ci';
  readonly import: boolean;
}

/** The folder that a policy is looked at from, as the daemon wants it. */
export function readPlace(
  { cwd, workspace }: PolicyPlaceOptions,
  caller: Caller,
): { cwd: string; workspace: string | undefined } {
  const start = path.resolve(caller.cwd(), cwd ?? '');
  return { cwd: start, workspace: workspace === undefined ? undefined : path.resolve(caller.cwd(), workspace) };
}

/** The exit status. @throws {SbxError} */
export async function policyCommand(args: readonly string[], caller: Caller): Promise<number> {
  let status = 0;
  const program = createProgram();
  const policy = program.command('policy').description('the rules that hold here, and what is wrong with them');
  policy
    .command('show')
    .description('the layers and the merged policy, every entry with file, line and column')
    .option('--cwd <dir>', 'as if started there')
    .option('--workspace <dir>', 'as if this were the workspace')
    .addOption(
      new Option('--profile <name>', 'in place of the profile that policies choose').choices([
        'default',
        'strict',
        'ci',
      ]),
    )
    .option('--no-import', 'without .claude/settings.json')
    .option('--json', 'one JSON object')
    .action(async (options: PolicyShowOptions) => {
      status = await showPolicy(options, caller);
    });
  policy
    .command('lint')
    .description('mistakes, entries without an effect and rules that mislead; exit status 0 clean, 1 findings')
    .argument('[file...]', 'default: every policy file that holds here')
    .option('--cwd <dir>', 'as if started there')
    .option('--workspace <dir>', 'as if this were the workspace')
    .option('--json', 'one JSON object')
    .action(async (files: readonly string[], options: PolicyPlaceOptions) => {
      status = await lintPolicies(files, options, caller);
    });
  await parseWith(program, args, 'write sbx policy show or sbx policy lint');
  return status;
}
