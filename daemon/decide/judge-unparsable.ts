/**
 * A text without a model is asked about, and denied when a deny rule would meet some part of it read naively: cut at
 * every character that could end a command, quotes taken away (RULES O5). The cut is never used to allow.
 */
import type { Reason } from '../../client/protocol/decision.ts';
import type { Unparsable } from '../parse/model.ts';
import { collapseBlanks, matchesPattern } from './command-pattern.ts';
import type { Policy } from './policy.ts';
import { quoteText } from './quote-text.ts';
import { ruleReason } from './reasons.ts';

export function judgeUnparsable(script: Unparsable, policy: Policy): readonly Reason[] {
  const patterns = policy.deny.filter((rule) => rule.tool === 'Bash' && rule.pattern !== undefined);
  const readings = patterns.length === 0 ? [] : naiveReadings(script.text.slice(0, maxReadLength));
  const span = { start: script.span.start, end: script.span.end };
  const at = { subject: quoteText(script.text, 60), command: 0, span };
  const reasons: Reason[] = [];
  for (const rule of policy.deny) {
    if (rule.tool !== 'Bash') continue;
    const { pattern } = rule;
    if (pattern === undefined || readings.some((text) => matchesPattern(pattern, text))) {
      const { command: _, ...reason } = ruleReason(rule, at, 'deny', `is denied by \`${rule.text}\``);
      reasons.push(reason);
    }
  }
  reasons.push({
    kind: 'unparsable',
    effect: 'ask',
    message: `${describePlace(script)}${script.message}`,
    span,
    help: 'write it more simply, or put it into a script file and run that',
  });
  return reasons;
}

/** Sizes and hidden characters speak for themselves; what could not be read needs its place. */
function describePlace({ code, span, text }: Unparsable): string {
  if (code !== 'syntax-error' && code !== 'unsupported-syntax' && code !== 'parsers-disagree') return '';
  const rest = text.slice(span.start, span.start + 30);
  const near = rest.trim() === '' ? 'at its end' : `at ${quoteText(rest, 30)} (character ${span.start + 1})`;
  return `it cannot be parsed with certainty ${near}: `;
}

/** Characters of the text that are read; what comes later in so long a text stays an ask. */
const maxReadLength = 200_000;
/** Beyond this many pieces a text is only compared as a whole; it stays an ask. */
const maxPieces = 4_000;

function naiveReadings(text: string): readonly string[] {
  const pieces = text.split(/[;&|()`{}\n\r]+|\$\(/, maxPieces);
  const readings = new Set<string>();
  for (const piece of [text, ...pieces]) {
    const plain = collapseBlanks(piece.replace(/['"\\]/g, '').replace(/[\t ]+/g, ' ')).trim();
    if (plain === '') continue;
    readings.add(plain);
    const bare = plain.replace(/^(?:\w+=\S* )+/, '');
    readings.add(bare);
    readings.add(bare.replace(/^\S*\//, ''));
  }
  return [...readings];
}
