/** Why a rule does not meet a command, in one phrase: the first place where the two differ. */
import type { Facts } from '../analyse/model.ts';
import { type CommandPattern, matchesPattern } from './command-pattern.ts';
import type { CommandView } from './command-view.ts';
import type { GrantForm } from './grant-forms.ts';
import { matches } from './matches.ts';
import { quoteText } from './quote-text.ts';
import type { Rule } from './rule.ts';

export function explainMismatch(rule: Rule, view: CommandView, facts: Facts): string {
  const exemption = rule.unless.find((each) => matches(each, view, facts, 'restrict') !== 'no');
  if (exemption !== undefined) return `its \`unless\` ${quoteText(exemption.text)} applies`;
  switch (rule.tool) {
    case 'Bash':
      if (rule.pattern === undefined) return 'it covers no variables that reach the environment of a program';
      return rule.list === 'allow' ? explainGrant(rule.pattern, view) : explainRestriction(rule.pattern, view);
    case 'WebFetch': {
      const [connection] = view.connections;
      if (connection === undefined) return 'the command names no host';
      return connection.host === undefined
        ? 'the host is not in the text'
        : `the host is ${quoteText(connection.host)}`;
    }
    case 'Read':
    case 'Edit': {
      const [target] = view.targets.filter(({ kind }) => rule.tool === 'Read' || kind !== 'read');
      if (target !== undefined) return `${quoteText(target.target.path ?? target.target.source)} is another path`;
      return view.targets.length > 0 && rule.tool === 'Edit'
        ? 'the command writes no file that it names'
        : 'the command names no file';
    }
  }
}

function explainGrant(pattern: CommandPattern, view: CommandView): string {
  const matched = view.grants.find((form) => pattern.exact === false && matchesPattern(pattern, form.text));
  if (matched !== undefined) return explainPinned(pattern, matched, view);
  return closest(
    pattern,
    view.grants.map((form) => form.text),
  );
}

/** The characters fit, and still a wildcard must not stand for what it would stand for. */
function explainPinned(pattern: CommandPattern, form: GrantForm, view: CommandView): string {
  if (!matchesPattern(pattern, form.straight)) return 'a `*` behind a folder does not lead out of it again';
  const [danger] = view.command.unnamed;
  if (danger !== undefined) return `it does not name ${quoteText(danger.name)} (${danger.because})`;
  if (form.assigned) return 'a `*` never stands for variables before a command';
  return 'a `*` never stands for a wrapper or for the folder of a program';
}

function explainRestriction(pattern: CommandPattern, view: CommandView): string {
  return closest(
    pattern.plain ?? pattern,
    view.wide.flatMap((form) => form.texts),
  );
}

/** Of several forms the one that agrees furthest says most, and of those the one with the most taken away. */
function closest(pattern: CommandPattern, texts: readonly string[]): string {
  let best = { agreed: -1, phrase: 'there is no such form of the command' };
  for (const text of texts) {
    const found = findDifference(pattern, text);
    if (found.agreed >= best.agreed) best = found;
  }
  return best.phrase;
}

function findDifference(pattern: CommandPattern, text: string): { agreed: number; phrase: string } {
  const pieces = pattern.forms[0] ?? [''];
  const [first = ''] = pieces;
  const agreed = commonStart(first, text);
  if (agreed < first.length || pieces.length === 1) {
    const between =
      (agreed === first.length && text[agreed] === ' ') || (agreed === text.length && first[agreed] === ' ');
    const start = between ? agreed + 1 : agreed === 0 ? 0 : text.lastIndexOf(' ', agreed - 1) + 1;
    const wanted = wordAt(first, start);
    const found = wordAt(text, start);
    if (found === '') return { agreed, phrase: `it goes on with ${quoteText(wanted)}, the command ends` };
    if (wanted === '') return { agreed, phrase: `the command goes on with ${quoteText(found)}` };
    return { agreed, phrase: `it has ${quoteText(wanted)}, the command ${quoteText(found)}` };
  }
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const place = text.indexOf(piece, at);
    if (place < 0) return { agreed: at, phrase: `${quoteText(piece.trim())} does not follow in the command` };
    at = place + piece.length;
  }
  return { agreed: at, phrase: `the command does not end in ${quoteText((pieces.at(-1) ?? '').trim())}` };
}

function commonStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a.charAt(length) === b.charAt(length)) length++;
  return length;
}

function wordAt(text: string, start: number): string {
  return text.slice(start).split(' ')[0] ?? '';
}
