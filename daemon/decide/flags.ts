/** Rules given on a command line or with one request. A bad one is refused at once: the person is there to correct it. */
import { SbxError } from '../../client/protocol/errors.ts';
import { emptyLayer, type ParsedPolicy, type PolicyNote } from './policy.ts';
import { quoteText } from './quote-text.ts';
import type { Rule, RuleList } from './rule.ts';
import { parseRule } from './rule-text.ts';

/**
 * @param anchor folder that `/x` of a path rule is relative to: where the command starts (RULES P3).
 * @throws {SbxError} `bad-rule` with `details.rule`, `details.list` and `details.column` (from 1) of the mistake.
 */
export function parseFlags(
  flags: { readonly [list in RuleList]?: readonly string[] | undefined },
  anchor: string,
  layer: 'flags' | 'session' = 'flags',
): ParsedPolicy {
  const rules: Rule[] = [];
  const notes: PolicyNote[] = [];
  for (const list of ['allow', 'ask', 'deny'] as const) {
    for (const text of flags[list] ?? []) {
      const parsed = parseRule(text, { list, origin: { layer }, anchor });
      if (parsed.kind === 'rules') rules.push(...parsed.rules);
      else if (parsed.kind === 'ignored') notes.push({ message: `--${list}: ${parsed.note}`, origin: { layer } });
      else {
        throw new SbxError('bad-rule', `--${list} ${quoteText(text)}: ${parsed.message}`, {
          help: parsed.help,
          details: { rule: text, list, column: parsed.offset + 1 },
        });
      }
    }
  }
  return { ...emptyLayer(layer), rules, notes };
}
