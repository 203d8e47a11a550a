/**
 * Commands that change files which they do not name: what git tracks, at `git reset --hard`, `git stash`, `git pull`. Nothing shows that
 * they spare a file that an Edit restriction covers, so they are asked about where one covers something in their tree. A rule that
 * names the subcommand has answered that: whoever writes `Bash(git stash *)` knows what it does (RULES P13).
 */
import type { Reason } from '../../client/protocol/decision.ts';
import type { Facts } from '../analyse/model.ts';
import type { CommandView } from './command-view.ts';
import { matches } from './matches.ts';
import { couldHold } from './path-match.ts';
import type { Policy } from './policy.ts';
import { quoteText } from './quote-text.ts';
import { type At, ruleReason } from './reasons.ts';
import type { CommandRule } from './rule.ts';

export function judgeRewrites(view: CommandView, at: At, policy: Policy, facts: Facts): Reason | undefined {
  const { rewrites = [] } = view.command;
  if (rewrites.length === 0) return undefined;
  for (const rule of [...policy.deny, ...policy.ask]) {
    if (rule.tool !== 'Edit' || !rewrites.some((tree) => couldHold(rule.pattern, tree, facts))) continue;
    if (policy.allow.some((grant) => namesCommand(grant) && matches(grant, view, facts, 'grant') !== 'no'))
      return undefined;
    const meets = `changes files that it does not name, and \`${rule.text}\` may cover one of them`;
    const program = quoteText(view.command.program ?? 'the command');
    return {
      ...ruleReason(rule, at, 'ask', meets),
      help: `name the files, or allow ${program} with its subcommand by a rule`,
    };
  }
  return undefined;
}

/** The rule says more than the name of a program. */
function namesCommand(rule: Policy['allow'][number]): rule is CommandRule {
  return rule.tool === 'Bash' && rule.pattern !== undefined && /^\S+ +[^\s*]/.test(rule.pattern.text);
}
