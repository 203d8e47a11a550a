/**
 * Has tree-sitter confirm our reading. Its grammar does not know some syntax, and it does not look into some places
 * where bash runs commands; both are evened out here, each with its reason. Nothing is hidden by that: what the grammar
 * does not see is given to it once more on its own.
 */

import type { ParsedScript, Redirection, SimpleCommand, Span, Statement } from '../model.ts';
import { Stop } from '../stop.ts';
import { childrenOf, type SubstitutionPart, walkStatements, wordsOf } from '../walk.ts';
import { requireAgreement } from './agreement.ts';
import { type Fact, outlineCommand, outlineStatement } from './outline.ts';
import { outlineTree } from './tree-outline.ts';
import type { TreeSitter } from './tree-sitter.ts';

/** @throws {Stop} when the grammar finds an error or reads other commands, words, assignments or redirections. */
export function confirmScript(script: ParsedScript, treeSitter: TreeSitter): void {
  const redirections = redirectionsOf(script.body);
  const further = furtherHeredocs(redirections, script.text);
  const hidden = new Set(further.flatMap(({ target, heredoc }) => [target.start, heredoc?.start ?? target.start]));
  const text = maskUnknownSyntax(script, redirections, further);
  confirmBody(text, { start: 0, end: script.text.length }, script.body, hidden, treeSitter);
}

function confirmBody(
  text: string,
  span: Span,
  body: readonly Statement[],
  hidden: ReadonlySet<number>,
  treeSitter: TreeSitter,
): void {
  const own = text.slice(span.start, span.end);
  try {
    const { facts, substitutions } = treeSitter.withTree(own, (tree) => outlineTree(tree, own));
    const blind: SubstitutionPart[] = [];
    const ours = outlineSeen(body, (part) => {
      const seen = substitutions.has(part.start - span.start);
      if (!seen) blind.push(part);
      return seen;
    });
    requireAgreement(
      ours
        .filter(({ kind, start }) => !hidden.has(start) || (kind !== 'redirection' && kind !== 'heredoc'))
        .map((fact) => toTreeFact(fact, span.start))
        .filter((fact) => !isLoneDash(own, fact)),
      facts.map(dropDetail).filter((fact) => !isLoneDash(own, fact)),
    );
    for (const part of blind) {
      const start = part.start + (text[part.start] === '`' ? 1 : 2);
      confirmBody(text, { start, end: part.end - 1 }, part.body, hidden, treeSitter);
    }
  } catch (error) {
    if (!(error instanceof Stop) || span.start === 0) throw error;
    throw new Stop(error.code, error.message, error.start + span.start, error.end + span.start);
  }
}

/** Our facts without those of the substitutions that the grammar does not see. */
function outlineSeen(body: readonly Statement[], isSeen: (part: SubstitutionPart) => boolean): Fact[] {
  const facts: Fact[] = [];
  const visit = (statement: Statement): void => {
    if (statement.type === 'command') facts.push(...outlineForTree(statement.command));
    else outlineStatement(statement, facts);
    for (const child of childrenOf(statement)) {
      if (child.part === undefined || isSeen(child.part)) child.body.forEach(visit);
    }
  };
  body.forEach(visit);
  return facts;
}

function outlineForTree(command: SimpleCommand): Fact[] {
  const { words, assignments, redirections } = command;
  const facts: Fact[] = [];
  const whole: Fact[] = [];
  outlineCommand(command, whole);
  const first = assignments[0] ?? words[0];
  // The grammar has no command where there are only redirections, and begins one behind those in front.
  if (first !== undefined) facts.push({ kind: 'command', start: first.start, end: 0 });
  // It reads the inside of `[ … ]` as an expression, not as words.
  const isTest = words[0]?.source === '[';
  if (isTest) facts.push({ kind: 'word', start: words[0]?.start ?? 0, end: words.at(-1)?.end ?? 0 });
  facts.push(...whole.filter(({ kind }) => kind !== 'command' && !(isTest && kind === 'word')));
  // `{name}>` is a word and a redirection to it.
  for (const { start, descriptor } of redirections) {
    if (descriptor?.startsWith('{')) facts.push({ kind: 'word', start, end: start + descriptor.length });
  }
  return facts;
}

/** The grammar gives no node to a `-` that stands before a here-document. */
function isLoneDash(text: string, { kind, start, end }: Fact): boolean {
  return kind === 'word' && end === start + 1 && text[start] === '-';
}

/** Besides extents only operators are compared with this grammar: names, values and delimiters with the other parser. */
function dropDetail({ kind, start, end, detail }: Fact): Fact {
  return { kind, start, end, detail: kind === 'redirection' ? detail : undefined };
}

function toTreeFact(fact: Fact, offset: number): Fact {
  const moved = { ...dropDetail(fact), start: fact.start - offset, end: fact.end - offset };
  switch (fact.kind) {
    case 'command':
    case 'function':
      return { ...moved, end: 0 };
    // The grammar marks the line that ends a here-document most reliably; where the body begins depends on the line before.
    case 'heredoc':
      return { ...moved, start: moved.end, end: 0 };
    case 'redirection':
      return moved.detail === '<>' ? { ...moved, detail: '<' } : moved;
    default:
      return moved;
  }
}

function redirectionsOf(body: readonly Statement[]): readonly Redirection[] {
  const found: Redirection[] = [];
  walkStatements(body, (statement) => {
    found.push(...(statement.type === 'command' ? statement.command.redirections : statement.redirections));
  });
  return found;
}

/**
 * Here-documents whose body follows the body of another one: the grammar knows one to a line. Only literal bodies, so
 * that nothing in them could run.
 */
function furtherHeredocs(redirections: readonly Redirection[], text: string): readonly Redirection[] {
  const ends = new Set<number>();
  for (const { heredoc } of redirections) if (heredoc !== undefined) ends.add(endOfDelimiter(heredoc, text) + 1);
  return redirections.filter(
    ({ heredoc }) =>
      heredoc !== undefined &&
      ends.has(heredoc.start) &&
      (heredoc.quoted || heredoc.body.parts.every((part) => part.type === 'literal')),
  );
}

/** Where the line that ends a here-document ends. */
function endOfDelimiter(heredoc: Span, text: string): number {
  const newline = text.indexOf('\n', heredoc.end);
  return newline < 0 ? text.length : newline;
}

/**
 * The text as the grammar is shown it, of the same length. `time` and `coproc`, which it would read as the names of
 * commands, are blanks; patterns such as `!(a|b)`, which it does not know, and a `$` that ends a word are letters; `$1`,
 * which it splits from a `/` before it, is `$x`; the newline after assignments, which it skips, is `;`; `<>` is `<`, and of
 * several here-documents on one line it sees the first; the descriptor `0` is `3`.
 */
function maskUnknownSyntax(
  { text, body }: ParsedScript,
  redirections: readonly Redirection[],
  further: readonly Redirection[],
): string {
  const masks: { readonly start: number; readonly end: number; readonly by: string }[] = [];
  for (const { start, target, heredoc } of further) {
    masks.push({ start, end: target.end, by: ' ' });
    if (heredoc !== undefined) masks.push({ start: heredoc.start, end: endOfDelimiter(heredoc, text), by: ' ' });
  }
  for (const { start, operator, descriptor } of redirections) {
    const sign = start + (descriptor?.length ?? 0);
    // It takes `0` for a word of its own.
    if (descriptor === '0') masks.push({ start, end: start + 1, by: '3' });
    if (operator === '<>') masks.push({ start: sign + 1, end: sign + 2, by: ' ' });
  }
  const bodies = new Set<number>();
  const statements: Statement[] = [];
  walkStatements(body, (statement) => {
    statements.push(statement);
    const redirections = statement.type === 'command' ? statement.command.redirections : statement.redirections;
    for (const { heredoc } of redirections) if (heredoc !== undefined) bodies.add(heredoc.start);
  });
  for (const statement of statements) {
    const { start } = statement;
    if (statement.type === 'coproc') masks.push({ start, end: statement.body.start, by: ' ' });
    if (statement.type === 'pipeline' && statement.timed) {
      for (const match of text.slice(start, statement.stages[0]?.start).matchAll(/time|-p|--/g)) {
        masks.push({ start: start + match.index, end: start + match.index + match[0].length, by: ' ' });
      }
    }
    if (endsInSkippedNewline(statement, text) && !bodies.has(statement.end + 1)) {
      masks.push({ start: statement.end, end: statement.end + 1, by: ';' });
    }
    for (const { word } of wordsOf(statement)) {
      for (const part of word.parts) {
        if (part.type === 'glob' && part.value.includes('(')) masks.push({ start: part.start, end: part.end, by: 'x' });
        if (part.type === 'literal' && !part.quoted && part.value.endsWith('$')) {
          masks.push({ start: part.end - 1, end: part.end, by: 'x' });
        }
        if (part.type === 'parameter' && /^\$\d$/.test(text.slice(part.start, part.end))) {
          masks.push({ start: part.start + 1, end: part.end, by: 'x' });
        }
      }
    }
  }
  const pieces: string[] = [];
  let copied = 0;
  for (const { start, end, by } of masks.sort((one, other) => one.start - other.start)) {
    // A mask inside of another is already made.
    if (start < copied) continue;
    pieces.push(text.slice(copied, start), by.repeat(end - start));
    copied = end;
  }
  return pieces.join('') + text.slice(copied);
}

/** Several assignments, or an empty one, and a newline. */
function endsInSkippedNewline(statement: Statement, text: string): boolean {
  if (statement.type !== 'command' || text[statement.end] !== '\n') return false;
  const { words, redirections, assignments } = statement.command;
  if (words.length + redirections.length > 0) return false;
  return assignments.length > 1 || assignments.at(-1)?.value?.source === '';
}
