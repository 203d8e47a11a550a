/**
 * One place that knows where statements and words nest in the model, so that no visitor forgets one. Attack: a
 * substitution in a subscript, a default value or a here-document runs as surely as one in an argument.
 */
import type { Arithmetic, Assignment, Position, Statement, Word, WordPart } from './model.ts';

export interface StatementChild {
  readonly body: readonly Statement[];
  readonly positions: readonly Position[];
  /** Its standard output is that of the parent statement. */
  readonly sharesOutput: boolean;
  /** The substitution whose body this is, if it is one. */
  readonly part?: SubstitutionPart;
}

export type SubstitutionPart = Extract<WordPart, { type: 'substitution' | 'process' }>;

/** The lists of statements directly inside a statement, those of its words' substitutions included. */
export function childrenOf(statement: Statement): StatementChild[] {
  const children: StatementChild[] = [];
  for (const { word, heredoc } of wordsOf(statement)) {
    if (!mayRun(word)) continue;
    for (const part of substitutionsOf(word)) children.push(makeChild(part, heredoc));
  }
  for (const { expansions } of arithmeticOf(statement)) {
    for (const part of expansions.flatMap(substitutionsOfPart)) children.push(makeChild(part, false));
  }
  return [...children, ...bodiesOf(statement)];
}

/** Quick answer for the many words that are one literal. */
function mayRun({ parts }: Word): boolean {
  return parts.length > 1 || (parts[0] !== undefined && parts[0].type !== 'literal');
}

function makeChild(part: SubstitutionPart, heredoc: boolean): StatementChild {
  const kind = part.type === 'process' ? 'process-substitution' : 'substitution';
  return { body: part.body, positions: heredoc ? [kind, 'heredoc'] : [kind], sharesOutput: false, part };
}

/** The bodies of a compound statement, without those of its words. */
function bodiesOf(statement: Statement): StatementChild[] {
  const shares = (body: readonly Statement[], ...positions: Position[]): StatementChild => ({
    body,
    positions,
    sharesOutput: true,
  });
  switch (statement.type) {
    case 'command':
    case 'conditional':
    case 'arithmetic':
      return [];
    case 'pipeline':
      return [shares(statement.stages)];
    case 'and-or':
      return [shares([statement.left]), shares([statement.right])];
    case 'group':
      return [shares(statement.body)];
    case 'subshell':
      return [shares(statement.body, 'subshell')];
    case 'if':
      return [
        ...statement.branches.flatMap(({ condition, body }) => [
          shares(condition, 'condition'),
          shares(body, 'branch'),
        ]),
        shares(statement.otherwise, 'branch'),
      ];
    case 'while':
    case 'until':
      return [shares(statement.condition, 'loop', 'condition'), shares(statement.body, 'loop')];
    case 'for':
    case 'select':
    case 'arithmetic-for':
      return [shares(statement.body, 'loop')];
    case 'case':
      return statement.items.map((item) => shares(item.body, 'branch'));
    case 'function':
      return [{ body: [statement.body], positions: ['function'], sharesOutput: false }];
    case 'coproc':
      return [{ body: [statement.body], positions: ['coproc'], sharesOutput: false }];
  }
}

export interface StatementWord {
  readonly word: Word;
  /** The word is the body of a here-document. */
  readonly heredoc: boolean;
}

/** Every word that belongs to the statement itself, not to a statement inside of it. */
export function wordsOf(statement: Statement): StatementWord[] {
  const words: StatementWord[] = [];
  for (const word of ownWords(statement)) words.push({ word, heredoc: false });
  const redirections = statement.type === 'command' ? statement.command.redirections : statement.redirections;
  for (const { target, heredoc } of redirections) {
    words.push(heredoc === undefined ? { word: target, heredoc: false } : { word: heredoc.body, heredoc: true });
  }
  return words;
}

function ownWords(statement: Statement): readonly Word[] {
  switch (statement.type) {
    case 'command': {
      const { assignments, words } = statement.command;
      return assignments.length === 0 ? words : [...assignments.flatMap(wordsOfAssignment), ...words];
    }
    case 'case':
      return [statement.subject, ...statement.items.flatMap(({ patterns }) => patterns)];
    case 'conditional':
      return statement.words;
    case 'for':
    case 'select':
      return statement.words ?? [];
    default:
      return [];
  }
}

function wordsOfAssignment({ subscript, value, elements }: Assignment): readonly Word[] {
  return [...(subscript ? [subscript] : []), ...(value ? [value] : []), ...(elements ?? [])];
}

function arithmeticOf(statement: Statement): readonly Arithmetic[] {
  if (statement.type === 'arithmetic') return [statement.expression];
  return statement.type === 'arithmetic-for' ? statement.expressions : [];
}

/** Every command and process substitution in a word, at any depth of `${…}`, braces and arithmetic. */
function substitutionsOf(word: Word): SubstitutionPart[] {
  return word.parts.flatMap(substitutionsOfPart);
}

export function substitutionsOfPart(part: WordPart): SubstitutionPart[] {
  switch (part.type) {
    case 'literal':
    case 'glob':
    case 'tilde':
      return [];
    case 'substitution':
    case 'process':
      return [part];
    case 'parameter':
      return part.operands.flatMap(substitutionsOf);
    case 'brace':
      return part.words.flatMap(substitutionsOf);
    case 'arithmetic':
      return part.expression.expansions.flatMap(substitutionsOfPart);
  }
}

/** Calls `visit` for every statement, outer before inner. */
export function walkStatements(body: readonly Statement[], visit: (statement: Statement) => void): void {
  for (const statement of body) {
    visit(statement);
    for (const child of childrenOf(statement)) walkStatements(child.body, visit);
  }
}
