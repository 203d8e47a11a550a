/**
 * One place that knows where statements and words nest in the model, so that no visitor forgets one. Attack: a
 * substitution in a subscript, a default value or a here-document runs as surely as one in an argument.
 */
import type { Arithmetic, Position, Redirection, Statement, Word, WordPart } from './model.ts';

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
  const inWords: StatementChild[] = wordsOf(statement).flatMap(({ word, heredoc }) =>
    substitutionsOf(word).map((part): StatementChild => {
      const kind = part.type === 'process' ? 'process-substitution' : 'substitution';
      return { body: part.body, positions: heredoc ? [kind, 'heredoc'] : [kind], sharesOutput: false, part };
    }),
  );
  const inArithmetic: StatementChild[] = arithmeticOf(statement)
    .flatMap((expression) => expression.expansions)
    .flatMap(substitutionsOfPart)
    .map((part) => ({ body: part.body, positions: ['substitution'], sharesOutput: false, part }));
  return [...inWords, ...inArithmetic, ...bodiesOf(statement)];
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
  const words = [...ownWords(statement)].map((word) => ({ word, heredoc: false }));
  const redirections = statement.type === 'command' ? statement.command.redirections : statement.redirections;
  return [...words, ...redirections.flatMap(wordsOfRedirection)];
}

function wordsOfRedirection({ target, heredoc }: Redirection): StatementWord[] {
  return heredoc === undefined ? [{ word: target, heredoc: false }] : [{ word: heredoc.body, heredoc: true }];
}

function* ownWords(statement: Statement): Generator<Word> {
  if (statement.type === 'command') {
    for (const { subscript, value, elements } of statement.command.assignments) {
      if (subscript !== undefined) yield subscript;
      if (value !== undefined) yield value;
      yield* elements ?? [];
    }
    yield* statement.command.words;
  } else if (statement.type === 'case') {
    yield statement.subject;
    for (const { patterns } of statement.items) yield* patterns;
  } else if (statement.type === 'conditional') yield* statement.words;
  else if (statement.type === 'for' || statement.type === 'select') yield* statement.words ?? [];
}

function arithmeticOf(statement: Statement): readonly Arithmetic[] {
  if (statement.type === 'arithmetic') return [statement.expression];
  return statement.type === 'arithmetic-for' ? statement.expressions : [];
}

/** Every command and process substitution in a word, at any depth of `${…}`, braces and arithmetic. */
export function substitutionsOf(word: Word): SubstitutionPart[] {
  return word.parts.flatMap(substitutionsOfPart);
}

function substitutionsOfPart(part: WordPart): SubstitutionPart[] {
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
