/** What holds in the place of an imported restriction that cannot be read: a question about its whole tool (RULES O36). */
import { getNodeValue, type Node } from 'jsonc-parser';
import type { PolicyDocument } from './policy-document.ts';
import { quoteText } from './quote-text.ts';
import type { Rule, Tool } from './rule.ts';
import { parseRule } from './rule-text.ts';

/** Not as a bare rule: under auto-allow a bare ask is the default prompt under another name and would restrict nothing (O11). */
const wholes: Readonly<Record<Tool, string>> = {
  Bash: 'Bash(**)',
  Read: 'Read(//**)',
  Edit: 'Edit(//**)',
  WebFetch: 'WebFetch',
};

/** @param text the restriction as written, where it is text. */
export function askForTool(
  document: PolicyDocument,
  node: Node,
  tool: Tool,
  text?: string,
  help?: string,
): readonly Rule[] {
  const shown = quoteText(text ?? JSON.stringify(getNodeValue(node)) ?? 'nothing', 60);
  const reason = `${shown} cannot be read, so everything of its tool is asked about`;
  document.note(node.offset, reason, help ?? 'correct it, or remove it');
  const parsed = parseRule(wholes[tool], { list: 'ask', origin: document.origin(node.offset), anchor: '/' });
  if (parsed.kind !== 'rules') return [];
  return parsed.rules.map((rule) => ({ ...rule, text: text ?? tool, reason, unread: true as const }));
}
