/**
 * Has tree-sitter confirm our reading. Its grammar does not look into some places where bash runs commands, and reads a
 * here-document only where nothing else stands on its line. Nothing is hidden by that: what the grammar does not see in
 * the text as a whole is given to it once more on its own.
 */

import type { ParsedScript, Redirection, SimpleCommand, Span, Statement } from '../model.ts';
import { Stop } from '../stop.ts';
import { childrenOf, type SubstitutionPart, substitutionsOfPart } from '../walk.ts';
import { requireAgreement } from './agreement.ts';
import { type Fact, outlineCommand, outlineStatement } from './outline.ts';
import { findHeredocs, findLastLineEnd, isShownAsWords, type ShownText, showToGrammar } from './shown-text.ts';
import { outlineTree } from './tree-outline.ts';
import type { TreeSitter } from './tree-sitter.ts';

/** @throws {Stop} when the grammar finds an error or reads other commands, words, assignments or redirections. */
export function confirmScript(script: ParsedScript, treeSitter: TreeSitter): void {
  const heredocs = findHeredocs(script.body);
  const shown = showToGrammar(script, heredocs);
  const confirm = new Confirmation(shown, treeSitter);
  confirm.statements({ start: 0, end: script.text.length }, script.body);
  for (const heredoc of heredocs) confirm.heredoc(heredoc);
}

/** A stretch of the text that is read by itself: what comes before it is `header`, the stretch begins at `start`. */
interface Excerpt extends Span {
  readonly header: string;
  readonly text: string;
}

class Confirmation {
  private readonly shown: ShownText;
  private readonly treeSitter: TreeSitter;

  constructor(shown: ShownText, treeSitter: TreeSitter) {
    this.shown = shown;
    this.treeSitter = treeSitter;
  }

  statements(span: Span, body: readonly Statement[], text = this.shown.withoutBodies): void {
    this.compare({ ...span, header: '', text }, [], (isSeen) => this.outlineSeen(body, isSeen));
  }

  /** The here-document behind a command of its own, and behind a line of its own: an escape that begins a body confuses the grammar. */
  heredoc({ operator, descriptor, start, target, heredoc }: Redirection): void {
    if (heredoc === undefined) return;
    const text = this.shown.withBodies;
    const opening = start + (descriptor?.length ?? 0);
    const header = `c ${text.slice(opening, target.end)}\nx\n`;
    const span = { start: heredoc.start, end: findLastLineEnd({ operator, target, heredoc }, text) };
    const local = target.start - opening + 2;
    const own: Fact[] = [
      { kind: 'command', start: 0, end: 0 },
      { kind: 'word', start: 0, end: 1 },
      { kind: 'redirection', start: local, end: local + target.end - target.start, detail: operator },
      { kind: 'heredoc', start: header.length + heredoc.end - heredoc.start, end: 0 },
    ];
    this.compare({ ...span, header, text }, own, (isSeen) =>
      heredoc.body.parts
        .flatMap(substitutionsOfPart)
        .filter(isSeen)
        .flatMap((part) => this.outlineSeen(part.body, isSeen)),
    );
  }

  /** @param own facts that are in place already */
  private compare(
    { header, text, start, end }: Excerpt,
    own: readonly Fact[],
    outline: (isSeen: (part: SubstitutionPart) => boolean) => Fact[],
  ): void {
    const excerpt = header + text.slice(start, end);
    const offset = start - header.length;
    try {
      const { facts, substitutions } = this.treeSitter.withTree(excerpt, (tree) => outlineTree(tree, excerpt));
      const blind: SubstitutionPart[] = [];
      const ours = outline((part) => {
        const seen = substitutions.has(part.start - offset);
        if (!seen) blind.push(part);
        return seen;
      });
      requireAgreement([...own, ...ours.map((fact) => toTreeFact(fact, offset))], facts.map(dropDetail));
      for (const part of blind) {
        const inside = part.start + (text[part.start] === '`' ? 1 : 2);
        this.statements({ start: inside, end: part.end - 1 }, part.body, text);
      }
    } catch (error) {
      if (!(error instanceof Stop) || offset === 0) throw error;
      const place = Math.max(0, error.start + offset);
      throw new Stop(error.code, error.message, place, Math.max(place, error.end + offset));
    }
  }

  /** Our facts without those of the substitutions that the grammar does not see, or that belong to a here-document. */
  private outlineSeen(body: readonly Statement[], isSeen: (part: SubstitutionPart) => boolean): Fact[] {
    const facts: Fact[] = [];
    const visit = (statement: Statement): void => {
      const whole: Fact[] = [];
      if (statement.type === 'command') outlineForTree(statement.command, whole);
      else outlineStatement(statement, whole);
      facts.push(...whole.filter(({ kind }) => kind !== 'heredoc'));
      for (const child of childrenOf(statement)) {
        if (child.positions.includes('heredoc')) continue;
        if (child.part === undefined || isSeen(child.part)) child.body.forEach(visit);
      }
    };
    body.forEach(visit);
    return facts;
  }
}

function outlineForTree(command: SimpleCommand, facts: Fact[]): void {
  const { words, assignments, redirections } = command;
  const whole: Fact[] = [];
  outlineCommand(command, whole);
  const first = assignments[0] ?? words[0];
  // The grammar has no command where there are only redirections, and begins one behind those in front.
  if (first !== undefined) facts.push({ kind: 'command', start: first.start, end: 0 });
  const asWords = isShownAsWords(command);
  for (const fact of whole) {
    if (fact.kind === 'assignment' && asWords) facts.push({ ...fact, kind: 'word' });
    else if (fact.kind !== 'command') facts.push(fact);
  }
  // `{name}>` is a word and a redirection to it.
  for (const { start, descriptor } of redirections) {
    if (descriptor?.startsWith('{')) facts.push({ kind: 'word', start, end: start + descriptor.length });
  }
}

/** Besides extents only operators are compared with this grammar: names, values and delimiters with the other parser. */
function dropDetail({ kind, start, end, detail }: Fact): Fact {
  return { kind, start, end, detail: kind === 'redirection' ? detail : undefined };
}

/** The operators of files that are shown as another one. */
const shownOperators: Readonly<Record<string, string>> = { '<>': '<', '<<': '<', '<<-': '<' };

function toTreeFact(fact: Fact, offset: number): Fact {
  const { kind, start, end, detail } = dropDetail(fact);
  const hasEnd = kind !== 'command' && kind !== 'function';
  return {
    kind,
    start: start - offset,
    end: hasEnd ? end - offset : 0,
    detail: shownOperators[detail ?? ''] ?? detail,
  };
}
