/**
 * Tries every mechanism of the sandbox for real and names the remedy of each that fails. Nothing is concluded from
 * version numbers or settings alone where trying is possible; settings only choose the words of the remedy.
 */
import type { SbxError } from '../../../client/protocol/errors.ts';
import { neededTools, requireTool } from '../tools.ts';
import { type CheckName, failed, type Outcome, type ProbeCheck, passed } from './check.ts';
import { isInsideSandbox } from './inside.ts';
import { checkFilter, checkMounts, checkNestedNamespaces, checkUserNamespaces } from './kernel-checks.ts';
import { checkLimits } from './limit-check.ts';
import { checkSession } from './session-checks.ts';

export interface ProbeResult {
  readonly available: boolean;
  readonly message: string;
  readonly help?: string;
  readonly checks: readonly ProbeCheck[];
}

function checkPlatform(): Outcome {
  return process.platform === 'linux' ? passed : failed(`the sandbox needs Linux, this is ${process.platform}`);
}

function checkNesting(): Outcome {
  return isInsideSandbox() ? failed('already inside sbx', 'run sbx outside of its own sandbox') : passed;
}

function checkTools(): Outcome {
  try {
    neededTools.forEach(requireTool);
    return passed;
  } catch (error) {
    const { message, help } = error as SbxError;
    return failed(message, help);
  }
}

type Step = () => Promise<readonly (readonly [CheckName, Outcome])[]>;

function step(name: CheckName, check: () => Outcome | Promise<Outcome>): Step {
  return async () => [[name, await check()]];
}

/** Checks in the order in which they build on each other; after the first failure the later ones would only repeat it. */
export async function probeSandbox(): Promise<ProbeResult> {
  const steps: readonly Step[] = [
    step('platform', checkPlatform),
    step('nesting', checkNesting),
    step('tools', checkTools),
    step('user namespaces', checkUserNamespaces),
    step('mounts', checkMounts),
    step('system call filter', checkFilter),
    step('nested namespaces', checkNestedNamespaces),
    step('limits', checkLimits),
    checkSession,
  ];
  const checks: ProbeCheck[] = [];
  for (const run of steps) {
    for (const [name, outcome] of await run()) checks.push({ name, ...outcome });
    const broken = checks.find((check) => !check.ok && check.optional === undefined);
    if (broken !== undefined) {
      const { message, help } = broken;
      return { available: false, message, ...(help === undefined ? {} : { help }), checks };
    }
  }
  return { available: true, message: 'the sandbox works', checks };
}
