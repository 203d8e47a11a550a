/**
 * Offers rules that would make this very command run without a question. Each offer is proven by deciding again with the
 * rules added, holds at most five rules, and none is broader than program and subcommand (RULES O13, C5).
 */
import type { Suggestion } from '../../client/protocol/decision.ts';
import type { CommandView } from './command-view.ts';
import { literalPathPattern } from './path-pattern.ts';
import type { Rule } from './rule.ts';
import { parseRule } from './rule-text.ts';

/** What one command lacks. */
export interface Need {
  readonly view: CommandView;
  readonly command: boolean;
  /** Absolute paths that it writes. */
  readonly paths: readonly string[];
}

const maxRules = 5;
/** A longer rule cannot be read in a question, so it is not offered (RULES C5). */
const maxRuleLength = 300;

export function suggestRules(
  needs: readonly Need[],
  proves: (rules: readonly Rule[]) => boolean,
  anchor: string,
): Suggestion[] {
  const paths = needs.flatMap((need) => need.paths.map((path) => `Edit(${literalPathPattern(path)})`));
  const commands = needs.filter((need) => need.command);
  const offers = [
    commands.map((need) => exactRule(need.view, false)),
    commands.map((need) => exactRule(need.view, true)),
    commands.map((need) => subcommandRule(need.view) ?? exactRule(need.view, false)),
  ];
  const suggestions: Suggestion[] = [];
  for (const offer of offers) {
    const known = offer.filter((rule) => rule !== undefined);
    if (known.length < offer.length) continue;
    const rules = [...new Set([...known, ...paths])];
    if (rules.length === 0 || rules.length > maxRules || rules.some((rule) => rule.length > maxRuleLength)) continue;
    if (suggestions.some((each) => each.rules.join('\n') === rules.join('\n'))) continue;
    const parsed = rules.map((text) => parseRule(text, { list: 'allow', origin: { layer: 'session' }, anchor }));
    const compiled = parsed.flatMap((each) => (each.kind === 'rules' ? each.rules : []));
    if (compiled.length === rules.length && proves(compiled)) suggestions.push({ rules });
  }
  return suggestions;
}

/** @param whole with its assignments and wrappers, which lifts findings; otherwise the innermost form a grant sees. */
function exactRule(view: CommandView, whole: boolean): string | undefined {
  const form = whole ? view.grants[0] : view.grants[view.grants.length - 1];
  // A `*` in a rule is a wildcard: the rule would be broader than the command.
  if (form === undefined || /[*\n]/.test(form.text) || form.text === '') return undefined;
  return `Bash(${form.text})`;
}

/** `git commit *`: only for a known program with a subcommand, which does not exist to run other programs. */
function subcommandRule(view: CommandView): string | undefined {
  const { command } = view;
  const layer = command.layers.filter((each) => each.grants).at(-1);
  if (layer === undefined || !command.known || command.inner.length > 0 || command.unnamed.length > 0) return undefined;
  if (command.effects.some((effect) => effect.kind === 'execute' || effect.kind === 'remove')) return undefined;
  const [program, subcommand] = layer.words;
  if (program === undefined || subcommand === undefined) return undefined;
  const isPlain = (source: string): boolean => /^[a-z][a-z0-9_-]*$/.test(source);
  const isOperand = command.effects.some(
    (effect) => 'target' in effect && effect.target.span.start === subcommand.start,
  );
  if (!isPlain(program.source) || !isPlain(subcommand.source) || isOperand) return undefined;
  return `Bash(${program.source} ${subcommand.source} *)`;
}
