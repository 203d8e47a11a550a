/**
 * The text as tree-sitter's grammar is shown it, of the same length. Its grammar does not know some syntax; a stretch that
 * it cannot read is replaced by one that it reads and that has the same commands, words and redirections at the same
 * places. Attack: a replacement that hides what runs. So only text in which nothing can run is replaced, blanks and
 * operators are put only where bash has one too, and the other parser reads the text as it is.
 */
import type { ParsedScript, Redirection, SimpleCommand, Statement, Word, WordPart } from '../model.ts';
import { walkStatements, wordsOf } from '../walk.ts';

export interface ShownText {
  /** Here-documents are `<` and their bodies blanks. */
  readonly withoutBodies: string;
  readonly withBodies: string;
}

interface Mask {
  readonly start: number;
  readonly end: number;
  /** One character, repeated. */
  readonly by: string;
}

/** Every redirection that is a here-document, those inside of substitutions included. */
export function findHeredocs(body: readonly Statement[]): readonly Redirection[] {
  const found: Redirection[] = [];
  walkStatements(body, (statement) => {
    for (const redirection of redirectionsOf(statement)) if (redirection.heredoc !== undefined) found.push(redirection);
  });
  return found;
}

function redirectionsOf(statement: Statement): readonly Redirection[] {
  return statement.type === 'command' ? statement.command.redirections : statement.redirections;
}

/** Where the line that ends a here-document ends. */
export function findLastLineEnd(
  { operator, target, heredoc }: Pick<Redirection, 'operator' | 'target' | 'heredoc'>,
  text: string,
): number {
  let end = heredoc?.end ?? target.end;
  while (operator === '<<-' && text[end] === '\t') end++;
  const delimiter = target.quoted ? (target.values?.[0] ?? '') : target.source;
  return end + delimiter.length;
}

/**
 * Assignments without a command but with redirections, which the grammar does not know. They are shown as words: `=` is a
 * letter.
 */
export function isShownAsWords({ words, redirections, assignments }: SimpleCommand): boolean {
  if (words.length > 0 || redirections.length === 0) return false;
  return assignments.every(({ subscript, value }) => subscript === undefined && value !== undefined);
}

export function showToGrammar({ text, body }: ParsedScript, heredocs: readonly Redirection[]): ShownText {
  const masks: Mask[] = [];
  const lineEnds = new Set<number>();
  for (const { heredoc } of heredocs) if (heredoc !== undefined) lineEnds.add(heredoc.start - 1);
  walkStatements(body, (statement) => {
    maskStatement(statement, text, masks);
    maskMissingSeparator(statement, text, masks);
    if (endsInSkippedNewline(statement, text) && !lineEnds.has(statement.end)) {
      masks.push({ start: statement.end, end: statement.end + 1, by: ';' });
    }
    for (const redirection of redirectionsOf(statement)) maskRedirection(redirection, masks);
    for (const { word, heredoc } of wordsOf(statement)) {
      for (const part of word.parts) {
        if (heredoc) maskArithmetic(part, masks);
        maskPart(part, word, text, masks);
      }
    }
  });
  const bodies = heredocs.flatMap((redirection): Mask[] => {
    const { start, operator, descriptor, target, heredoc } = redirection;
    const sign = start + (descriptor?.length ?? 0);
    return [
      { start: target.start, end: target.end, by: 'x' },
      { start: sign + 1, end: sign + operator.length, by: ' ' },
      { start: heredoc?.start ?? sign, end: findLastLineEnd(redirection, text), by: ' ' },
    ];
  });
  return { withBodies: applyMasks(text, masks), withoutBodies: applyMasks(text, [...masks, ...bodies]) };
}

function applyMasks(text: string, masks: readonly Mask[]): string {
  const pieces: string[] = [];
  let copied = 0;
  for (const { start, end, by } of [...masks].sort((one, other) => one.start - other.start || other.end - one.end)) {
    // A mask inside of another is already made.
    if (start < copied) continue;
    pieces.push(text.slice(copied, start), by.repeat(end - start));
    copied = end;
  }
  return pieces.join('') + text.slice(copied);
}

function maskRedirection({ start, operator, descriptor }: Redirection, masks: Mask[]): void {
  // It takes `0` for a word of its own, and any number before a here-document.
  const number = descriptor !== undefined && !descriptor.startsWith('{') ? descriptor : '';
  if (number !== '') masks.push({ start, end: start + number.length, by: number === '0' ? '3' : number.charAt(0) });
  const sign = start + (descriptor?.length ?? 0);
  if (operator === '<>') masks.push({ start: sign + 1, end: sign + 2, by: ' ' });
}

/** What the grammar does not know about a statement itself: its reserved words, and forms that it has no rule for. */
function maskStatement(statement: Statement, text: string, masks: Mask[]): void {
  const { start } = statement;
  switch (statement.type) {
    case 'command':
      maskCommand(statement.command, masks);
      break;
    case 'coproc':
      // It would read the reserved word as the name of a command.
      masks.push({ start, end: statement.body.start, by: ' ' });
      break;
    case 'pipeline':
      if (!statement.timed) break;
      for (const match of text.slice(start, statement.stages[0]?.start).matchAll(/time|-p|--/g)) {
        masks.push({ start: start + match.index, end: start + match.index + match[0].length, by: ' ' });
      }
      break;
    case 'for':
    case 'select':
      maskLoop(statement, text, masks);
      break;
    case 'arithmetic-for':
      for (const { expansions } of statement.expressions) for (const part of expansions) maskArithmetic(part, masks);
      break;
    case 'case':
      for (const { patterns } of statement.items) for (const pattern of patterns) maskInert(pattern, masks);
      break;
    case 'conditional':
      for (const [index, word] of statement.words.entries()) {
        if (statement.words[index - 1]?.source === '=~') maskInert(word, masks);
      }
      break;
  }
}

/** `{ (a) }` is `{ (a);}`: a reserved word behind the one that ends a compound command needs no separator. */
function maskMissingSeparator({ type, end, redirections }: Statement, text: string, masks: Mask[]): void {
  if (type === 'command' || redirections.length > 0) return;
  const isFollowed = /^[ \t]+(?:\}|then|do|done|fi|elif|else|esac)(?![^\s;&|<>()])/.test(text.slice(end, end + 64));
  if (isFollowed) masks.push({ start: end, end: end + 1, by: ';' });
}

/** Words that it reads as operators wherever they stand, and `-`, which it loses before a redirection. */
const operatorWords = new Set(['[', ']', '==', '=~', '-']);

/** `[ … ]` is a command like any other. */
function maskCommand(command: SimpleCommand, masks: Mask[]): void {
  for (const { source, start, end } of command.words)
    if (operatorWords.has(source)) masks.push({ start, end, by: 'x' });
  if (!isShownAsWords(command)) return;
  for (const { start, name, append } of command.assignments) {
    const sign = start + name.length;
    masks.push({ start: sign, end: sign + (append ? 2 : 1), by: 'x' });
  }
}

/** `for name do` is `for name;do`, and the loop over no words, `for name in;`, is `for name  ;`. */
function maskLoop({ start, words }: Statement & { type: 'for' | 'select' }, text: string, masks: Mask[]): void {
  const opening = /^(?:for|select)[ \t]+\w+/.exec(text.slice(start, start + 256))?.[0];
  if (opening === undefined) return;
  const end = start + opening.length;
  const rest = text.slice(end, end + 256);
  if (words === undefined && /^[ \t]+do\s/.test(rest)) masks.push({ start: end, end: end + 1, by: ';' });
  const list = /^[ \t]+in(?=[ \t]*[;\n])/.exec(rest)?.[0];
  if (words?.length === 0 && list !== undefined) masks.push({ start: end, end: end + list.length, by: ' ' });
}

/** Text that could begin an expansion, were it read in another way than we do. */
const mayExpand = /`|\$[\w({"'@*#?!-]|[<>]\(/;

/** A word of only text becomes letters: patterns and operands, whose characters the grammar reads as syntax. */
function maskInert({ parts, source, start, end }: Word, masks: Mask[]): void {
  const inert = parts.every(({ type }) => type === 'literal' || type === 'glob');
  if (inert && !mayExpand.test(source)) masks.push({ start, end, by: 'x' });
}

/** In a here-document and in `for ((` it takes `$((…))` for a subshell in a substitution. */
function maskArithmetic(part: WordPart, masks: Mask[]): void {
  if (part.type !== 'arithmetic' || /`|\$\(|[<>]\(/.test(part.expression.text)) return;
  masks.push({ start: part.start, end: part.end, by: 'x' });
}

function maskPart(part: WordPart, word: Word, text: string, masks: Mask[]): void {
  const { start, end } = part;
  if (part.type === 'glob' && part.value.includes('(')) masks.push({ start, end, by: 'x' });
  // A `$` that ends a word.
  if (part.type === 'literal' && !part.quoted && part.value.endsWith('$')) masks.push({ start: end - 1, end, by: 'x' });
  if (part.type !== 'parameter') return;
  if (isBareName(part, text)) {
    // It splits `$a/$b.c` and `/$1`.
    if (!part.quoted && start > word.start) masks.push({ start, end: start + 1, by: 'x' });
    else if (/\d/.test(part.name)) masks.push({ start: start + 1, end, by: 'x' });
  }
  for (const operand of part.operands) {
    if (operand.source !== '@' && operand.source !== '*') maskInert(operand, masks);
    for (const inner of operand.parts) {
      // It does not know `${a:$b}`.
      if (isBareName(inner, text)) masks.push({ start: inner.start, end: inner.start + 1, by: 'x' });
      else maskPart(inner, operand, text, masks);
    }
  }
}

/** `$name`: it runs nothing, whatever stands around it. */
function isBareName(part: WordPart, text: string): boolean {
  return part.type === 'parameter' && /^\$\w+$/.test(text.slice(part.start, part.end));
}

/** Several assignments, or an empty one, and a newline, which the grammar would skip. */
function endsInSkippedNewline(statement: Statement, text: string): boolean {
  if (statement.type !== 'command' || text[statement.end] !== '\n') return false;
  const { words, redirections, assignments } = statement.command;
  if (words.length + redirections.length > 0) return false;
  return assignments.length > 1 || assignments.at(-1)?.value?.source === '';
}
