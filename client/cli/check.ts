/** `sbx check`: what would be decided about a command, and why. Nothing runs and no daemon is needed. */
import type { Params } from '../protocol/messages.ts';
import { readCheckArguments } from './check-arguments.ts';
import { checkLines } from './check-lines.ts';
import { choosePaint } from './colour.ts';
import { statusOfCheck } from './exit-status.ts';
import { explainDecision } from './explain.ts';
import { checkHelp } from './help.ts';
import { type Check, loadCheck } from './offline-engine.ts';
import type { Caller } from './run-arguments.ts';

const outcomes = {
  allow: 'sbx run would run it in the sandbox without asking',
  ask: 'sbx run would ask first',
  deny: 'sbx run would refuse it',
} as const;

/** `sbx run` has auto-allow on, so its answer may differ from the rules' own. */
function describeRun(check: Check, params: Params<'check'>): string {
  return outcomes[check({ ...params, autoAllow: true }).effect];
}

/** The exit status. @throws {SbxError} */
export async function checkCommand(args: readonly string[], caller: Caller): Promise<number> {
  const wish = readCheckArguments(args, caller);
  if (wish.kind === 'help') {
    process.stdout.write(checkHelp);
    return 0;
  }
  const check = await loadCheck();
  if (wish.kind === 'lines') return checkLines(check, wish.base, process.stdin, process.stdout);
  const decision = check(wish.params);
  if (wish.json) process.stdout.write(`${JSON.stringify(decision)}\n`);
  else {
    const lines = explainDecision(decision, choosePaint(1, caller.env));
    process.stdout.write(`${[...lines, describeRun(check, wish.params)].join('\n')}\n`);
  }
  return statusOfCheck(decision.effect);
}
