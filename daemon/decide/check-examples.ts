/**
 * Checks the `match` and `notMatch` commands of a policy's rules. A rule that does not do what its author wrote beside it
 * is an error of the file, found when the file loads and not when the command runs (RULES O4).
 */
import type { Analysis, Facts } from '../analyse/model.ts';
import { viewCommand } from './command-view.ts';
import { matches } from './matches.ts';
import type { ParsedPolicy, PolicyProblem, RuleExample } from './policy.ts';
import { quoteText } from './quote-text.ts';

/** @param analyse the stages before this one, for a command in the folder that the facts name. */
export function checkExamples(
  parsed: ParsedPolicy,
  analyse: (command: string) => Analysis,
  facts: Facts,
): ParsedPolicy {
  const failed = parsed.examples.flatMap((example): PolicyProblem[] => {
    const matched = matchesExample(example, analyse(example.command), facts);
    if (matched === example.expected) return [];
    const message = `${quoteText(example.rule.text)} ${matched ? 'matches' : 'does not match'} ${quoteText(example.command)}`;
    const help = example.expected
      ? 'widen the rule, or correct the example'
      : 'narrow the rule, or correct the example';
    return [{ message, help, origin: example.origin }];
  });
  return failed.length === 0 ? parsed : { ...parsed, problems: [...parsed.problems, ...failed] };
}

/** An allow covers every simple command of its example, a restriction meets one of them. */
function matchesExample({ rule }: RuleExample, analysis: Analysis, facts: Facts): boolean {
  const views = analysis.commands.map((command) => viewCommand(command, facts, analysis));
  if (rule.list === 'allow' && rule.tool === 'Bash') {
    return views.length > 0 && views.every((view) => matches(rule, view, facts, 'grant') !== 'no');
  }
  return views.some((view) => matches(rule, view, facts, 'restrict') === 'yes');
}
