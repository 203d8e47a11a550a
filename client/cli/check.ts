/** `sbx check`: what would be decided about a command, and why. Nothing runs and no daemon is needed. */
import type { Params } from '../protocol/messages.ts';
import type { Caller } from './caller.ts';
import { readCheckArguments } from './check-arguments.ts';
import { checkLines } from './check-lines.ts';
import { choosePaint } from './colour.ts';
import { statusOfCheck } from './exit-status.ts';
import { explainDecision } from './explain.ts';
import { checkHelp } from './help.ts';
import { loadChecks, type OfflineChecks } from './offline-engine.ts';

const outcomes = {
  allow: 'sbx run would run it in the sandbox without asking',
  ask: 'sbx run would ask first',
  deny: 'sbx run would refuse it',
} as const;

/** `sbx run` has auto-allow on unless the policy says otherwise, so its answer may differ from the rules' own. */
function describeRun({ checkRun }: OfflineChecks, params: Params<'check'>): string {
  return outcomes[checkRun(params).effect];
}

/** The exit status. @throws {SbxError} */
export async function checkCommand(args: readonly string[], caller: Caller): Promise<number> {
  const wish = readCheckArguments(args, caller);
  if (wish.kind === 'help') {
    process.stdout.write(checkHelp);
    return 0;
  }
  const checks = await loadChecks();
  if (wish.kind === 'lines') return checkLines(checks.check, wish.base, process.stdin, process.stdout);
  const { decision, explanation } = checks.explain(wish.params);
  if (wish.json) process.stdout.write(`${JSON.stringify({ ...decision, explanation })}\n`);
  else {
    const paint = choosePaint(1, caller.env);
    const notices = checks.notices(wish.params);
    const notes = [...new Set([...notices, ...decision.notes])];
    const lines = explainDecision({ ...decision, notes }, explanation, wish.full, paint);
    const more = wish.full ? [] : [paint.dim('sbx check --explain shows every form and every rule')];
    process.stdout.write(`${[...lines, ...more, describeRun(checks, wish.params)].join('\n')}\n`);
  }
  return statusOfCheck(decision.effect);
}
