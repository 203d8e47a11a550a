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
  const offer = (choose: (view: CommandView) => string | undefined): Suggestion | undefined => {
    const chosen = commands.map((need) => choose(need.view));
    const rules = [...new Set([...chosen, ...paths])].filter((rule) => rule !== undefined);
    if (chosen.includes(undefined) || rules.length === 0 || rules.length > maxRules) return undefined;
    if (rules.some((rule) => rule.length > maxRuleLength)) return undefined;
    const parsed = rules.map((text) => parseRule(text, { list: 'allow', origin: { layer: 'session' }, anchor }));
    const compiled = parsed.flatMap((each) => (each.kind === 'rules' ? each.rules : []));
    return compiled.length === rules.length && proves(compiled) ? { rules } : undefined;
  };
  const exact = offer(innermostRule) ?? offer(wholeRule);
  const wider = offer((view) => subcommandRule(view) ?? innermostRule(view));
  const suggestions = [exact, wider].filter((each) => each !== undefined);
  return suggestions.length === 2 && exact?.rules.join('\n') === wider?.rules.join('\n')
    ? suggestions.slice(1)
    : suggestions;
}

/** The text as written, with its assignments and wrappers: such a rule lifts findings (RULES O23). */
function wholeRule(view: CommandView): string | undefined {
  return exactRule(view, 0);
}

/** The text without harmless assignments and wrappers, which a grant does not need to name. */
function innermostRule(view: CommandView): string | undefined {
  return exactRule(view, view.grants.length - 1);
}

function exactRule(view: CommandView, index: number): string | undefined {
  const text = view.grants[index]?.text ?? '';
  if (actsOnInput(view)) return undefined;
  // A `*` in a rule is a wildcard: the rule would be broader than the command. An unknown program has no exact text.
  return text === '' || /[*\n]/.test(text) || view.unknownProgram ? undefined : `Bash(${text})`;
}

/**
 * A known program that is not told what to do, such as a bare `python3` or `sh -s`, takes its orders from standard input:
 * a rule for its text would allow any program at all.
 */
function actsOnInput({ command }: CommandView): boolean {
  const operands = command.layers.at(-1)?.words.slice(1) ?? [];
  const acts = command.effects.some((effect) => !('target' in effect) || effect.target.redirection === undefined);
  const told = operands.some((word) => !word.source.startsWith('-')) || (acts && command.inner.length === 0);
  return command.known && !told && !command.readOnly;
}

/** `git commit *`: only for a known program with a subcommand, which does not exist to run other programs. */
function subcommandRule(view: CommandView): string | undefined {
  const { effects, inner, known, layers, unnamed } = view.command;
  const layer = layers.filter((each) => each.grants).at(-1);
  if (layer === undefined || !known || inner.length > 0 || unnamed.length > 0) return undefined;
  // A wrapper that grants do not see through (`sudo`, `env`) runs whatever follows.
  if (layers.some((each) => each.removed === 'wrapper' && !each.grants)) return undefined;
  if (effects.some((effect) => effect.kind === 'execute' || effect.kind === 'remove')) return undefined;
  const [program, subcommand] = layer.words;
  if (program === undefined || subcommand === undefined) return undefined;
  const isPlain = (source: string): boolean => /^[a-z][a-z0-9_-]*$/.test(source);
  const isOperand = effects.some(
    (effect) => ('target' in effect ? effect.target.span : effect.span).start === subcommand.start,
  );
  if (!isPlain(program.source) || !isPlain(subcommand.source) || isOperand) return undefined;
  return `Bash(${program.source} ${subcommand.source} *)`;
}
