/**
 * Which variables and whether the directory a piece of text can change in its own shell. Loops run their body after
 * itself and functions run at another place, so both must forget these beforehand.
 */
import type { Arithmetic, Assignment, SimpleCommand, Statement, Word, WordPart } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';

export interface Changes {
  directory: boolean;
  /** Code that is not in the text can run. */
  everything: boolean;
  readonly unknown: Set<string>;
  /** Only ever assigned plain numbers here. */
  readonly numeric: Set<string>;
  /** Values that assignments give, for those that are literal words. */
  readonly literal: Map<string, Word[]>;
  /** The positional parameters. */
  positional: boolean;
  /** What the variables of the loops around hold, where that is written out: names of programs among them are known. */
  readonly loops: Map<string, readonly string[]>;
}

const directoryBuiltins = new Set(['cd', 'pushd', 'popd']);
const nameBuiltins = new Set([
  'read',
  'mapfile',
  'readarray',
  'getopts',
  'printf',
  'let',
  'unset',
  'wait',
  'declare',
  'typeset',
  'local',
  'export',
  'readonly',
]);
const codeBuiltins = new Set(['eval', 'source', '.', 'alias', 'unalias', 'enable', 'shopt', 'trap']);

/** @param loops values of loop variables around the statements */
export function collectChanges(
  statements: readonly Statement[],
  loops: ReadonlyMap<string, readonly string[]> = new Map(),
): Changes {
  const changes: Changes = {
    directory: false,
    everything: false,
    unknown: new Set(),
    numeric: new Set(),
    literal: new Map(),
    positional: false,
    loops: new Map(loops),
  };
  for (const statement of statements) visitStatement(statement, changes);
  for (const name of changes.unknown) changes.numeric.delete(name);
  return changes;
}

function visitAll(statements: readonly Statement[], into: Changes): void {
  for (const statement of statements) visitStatement(statement, into);
}

function visitStatement(statement: Statement, into: Changes): void {
  for (const redirection of statement.redirections) {
    visitWord(redirection.target, into);
    if (redirection.heredoc !== undefined) visitWord(redirection.heredoc.body, into);
  }
  switch (statement.type) {
    case 'command':
      visitCommand(statement.command, into);
      return;
    case 'pipeline':
      visitAll(statement.stages, into);
      return;
    case 'and-or':
      visitStatement(statement.left, into);
      visitStatement(statement.right, into);
      return;
    case 'group':
      visitAll(statement.body, into);
      return;
    case 'subshell':
      return;
    case 'if':
      for (const branch of statement.branches) {
        visitAll(branch.condition, into);
        visitAll(branch.body, into);
      }
      visitAll(statement.otherwise, into);
      return;
    case 'while':
    case 'until':
      visitAll(statement.condition, into);
      visitAll(statement.body, into);
      return;
    case 'for':
    case 'select':
      into.unknown.add(statement.variable);
      for (const word of statement.words ?? []) visitWord(word, into);
      visitLoop(statement, into);
      return;
    case 'arithmetic-for':
      for (const expression of statement.expressions) visitArithmetic(expression, into);
      visitAll(statement.body, into);
      return;
    case 'case':
      visitWord(statement.subject, into);
      for (const item of statement.items) visitAll(item.body, into);
      return;
    case 'function':
    case 'coproc':
      visitStatement(statement.body, into);
      return;
    case 'conditional':
      for (const word of statement.words) visitWord(word, into);
      into.unknown.add('BASH_REMATCH');
      return;
    case 'arithmetic':
      visitArithmetic(statement.expression, into);
  }
}

function visitLoop(statement: Statement & { readonly type: 'for' | 'select' }, into: Changes): void {
  const { variable } = statement;
  const before = into.loops.get(variable);
  const given = loopValues(statement);
  if (given === undefined) into.loops.delete(variable);
  else into.loops.set(variable, given);
  visitAll(statement.body, into);
  if (before === undefined) into.loops.delete(variable);
  else into.loops.set(variable, before);
}

/** What the variable of the loop holds in turn; undefined unless every word is literal. */
export function loopValues(statement: Statement & { readonly type: 'for' | 'select' }): readonly string[] | undefined {
  if (statement.words === undefined || statement.words.length === 0) return undefined;
  const values: string[] = [];
  for (const word of statement.words) {
    if (word.values === undefined) return undefined;
    values.push(...word.values);
  }
  return values;
}

/** The programs that `$variable` of a loop around names. */
function loopPrograms(word: Word | undefined, loops: Changes['loops']): readonly string[] | undefined {
  const parts = word?.parts.filter((part) => part.type !== 'literal' || part.value !== '') ?? [];
  const [part] = parts;
  if (parts.length !== 1 || part?.type !== 'parameter' || part.operator !== undefined || part.indirect)
    return undefined;
  return loops.get(part.name)?.map((value) => value.trim().split(/\s/, 1)[0] ?? '');
}

function visitCommand(command: SimpleCommand, into: Changes): void {
  if (command.words.length === 0) for (const assignment of command.assignments) visitAssignment(assignment, into);
  for (const word of command.words) visitWord(word, into);
  for (const redirection of command.redirections) {
    visitWord(redirection.target, into);
    const named = /^\{(\w+)\}$/.exec(redirection.descriptor ?? '')?.[1];
    if (named !== undefined) into.numeric.add(named);
  }
  const values = command.words.map(wordValue);
  const at = values[0] === 'command' || values[0] === 'builtin' ? 1 : 0;
  const name = values[at];
  if (name !== undefined) visitProgram(name, values, command.words.slice(at + 1), into);
  else if (command.words.length > at) {
    const programs = loopPrograms(command.words[at], into.loops);
    if (programs === undefined) into.everything = true;
    else for (const program of programs) visitProgram(program, values, command.words.slice(at + 1), into);
  }
}

function visitProgram(
  name: string,
  values: readonly (string | undefined)[],
  operands: readonly Word[],
  into: Changes,
): void {
  if (name === 'set' || name === 'shift') into.positional = true;
  else if (directoryBuiltins.has(name)) into.directory = true;
  else if (codeBuiltins.has(name)) into.everything ||= name !== 'trap' || !isHarmlessTrap(values);
  else if (nameBuiltins.has(name)) visitNames(name, operands, into);
}

/** A trap whose text assigns nothing and does not run code from elsewhere. */
function isHarmlessTrap(values: readonly (string | undefined)[]): boolean {
  const text = values.find((value, index) => index > 0 && value !== '--');
  return text !== undefined && !/[=]|\b(?:eval|source|read|cd|pushd|popd)\b|(?:^|[\s;&|])\.\s/.test(text);
}

function visitNames(builtin: string, words: readonly Word[], into: Changes): void {
  if (builtin === 'printf' && wordValue(words[0]) !== '-v' && words[0]?.values !== undefined) return;
  for (const word of words) {
    const first = word.parts[0];
    const head = wordValue(word) ?? (first?.type === 'literal' ? first.value : '');
    const match = /^([A-Za-z_]\w*)(\+?=|\[|$)/.exec(head);
    if (match?.[1] !== undefined) into.unknown.add(match[1]);
    else if (builtin === 'let') visitArithmeticText(head, into);
    else if (wordValue(word) === undefined && builtin !== 'printf') into.everything = true;
    if (builtin === 'printf') continue;
    if (/^-[a-zA-Z]*n/.test(head) && (builtin === 'declare' || builtin === 'typeset' || builtin === 'local'))
      into.everything = true;
  }
  if (builtin === 'read') into.unknown.add('REPLY');
  if (builtin === 'mapfile' || builtin === 'readarray') into.unknown.add('MAPFILE');
  if (builtin === 'getopts') for (const name of ['OPTARG', 'OPTIND']) into.unknown.add(name);
}

function visitAssignment(assignment: Assignment, into: Changes): void {
  const value = assignment.value;
  if (value !== undefined) visitWord(value, into);
  for (const element of assignment.elements ?? []) visitWord(element, into);
  if (value !== undefined && assignment.subscript === undefined && isNumericWord(value))
    into.numeric.add(assignment.name);
  else into.unknown.add(assignment.name);
}

function isNumericWord(word: Word): boolean {
  const value = wordValue(word);
  if (value !== undefined) return /^[-+]?\d+$/.test(value);
  return word.parts.length === 1 && word.parts[0]?.type === 'arithmetic';
}

function visitWord(word: Word, into: Changes): void {
  if (word.values !== undefined) return;
  for (const part of word.parts) visitPart(part, into);
}

function visitPart(part: WordPart, into: Changes): void {
  if (part.type === 'parameter') {
    if (part.operator === ':=' || part.operator === '=') into.unknown.add(part.name);
    for (const operand of part.operands) visitWord(operand, into);
  } else if (part.type === 'brace') {
    for (const word of part.words) visitWord(word, into);
  } else if (part.type === 'arithmetic') visitArithmetic(part.expression, into);
}

function visitArithmetic(expression: Arithmetic, into: Changes): void {
  for (const part of expression.expansions) visitPart(part, into);
  if (!expression.constant) visitArithmeticText(expression.text, into);
}

function visitArithmeticText(text: string, into: Changes): void {
  for (const name of assignedInArithmetic(text)) into.numeric.add(name);
}

/** Names that an arithmetic expression assigns; bash stores the number that results. */
export function assignedInArithmetic(text: string): readonly string[] {
  const names: string[] = [];
  for (const match of text.matchAll(/([A-Za-z_]\w*)(?:\[[^\]]*\])?\s*(?:(?:[-+*/%&|^]|<<|>>)?=(?!=)|\+\+|--)/g)) {
    if (match[1] !== undefined) names.push(match[1]);
  }
  for (const match of text.matchAll(/(?:\+\+|--)\s*([A-Za-z_]\w*)/g)) if (match[1] !== undefined) names.push(match[1]);
  return names;
}
