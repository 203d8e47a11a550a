/**
 * Walks the statements of a script in the order bash runs them, carrying the shell's state, and analyses every simple
 * command where it stands. A command that the walk did not reach is analysed with nothing known about its surroundings.
 */
import type {
  Arithmetic,
  Assignment,
  ParsedScript,
  Redirection,
  SimpleCommand,
  Statement,
  Word,
  WordPart,
} from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';
import type { AnalysisContext } from './analyse.ts';
import { analyseCommand, type CommandRecord } from './analyse-command.ts';
import { changeByBuiltin } from './builtins.ts';
import { checkArithmetic, checkConditional, checkWord } from './findings/arithmetic.ts';
import { checkDefault } from './findings/environment.ts';
import {
  checkAssigned,
  checkBuiltin,
  checkElement,
  checkExpansion,
  checkGiven,
  type EvaluatedNames,
  findEvaluated,
} from './findings/evaluated-values.ts';
import type { Effect } from './model.ts';
import { positionalLists, positionalValues } from './positional.ts';
import { redirectionEffects } from './redirections.ts';
import { type Changes, collectChanges, loopValues } from './shell-changes.ts';
import {
  assign,
  assignList,
  assignPositional,
  copyState,
  forgetAll,
  isNumeric,
  joinAlternatives,
  mergeState,
  numericValue,
  type ShellState,
  startState,
  stateValues,
  unknownValue,
  unsetValue,
} from './shell-state.ts';
import { pipedInput, printedParts, redirectedInput, replacesInput } from './standard-input.ts';
import { allStatements } from './statements.ts';
import { knownSubstitution, printsNumber } from './substitutions.ts';
import { type Arg, expandValue, expandWord, joinPieces, type KnownList, type Piece, type Values } from './words.ts';

export interface Walked {
  /** One per simple command of the script, in its order. */
  readonly commands: readonly CommandRecord[];
  /** Effects of compound redirections that hold no simple command. */
  readonly loose: readonly Effect[];
}

export function walkScript(script: ParsedScript, context: AnalysisContext, start: Partial<ShellState> = {}): Walked {
  const walker = new Walker(context);
  const state: ShellState = { ...startState(context.facts), opaque: findOpaque(script.commands), ...start };
  walker.hoistFunctions(script.body);
  walker.statements(script.body, state);
  const commands = script.commands.map((command) => {
    const seen = walker.records.get(command.id);
    if (seen !== undefined) return seen;
    const unknown: ShellState = { ...startState(context.facts), cwd: undefined, changed: true, dynamic: true };
    return analyseCommand(
      command,
      unknown,
      stateValues(unknown, context.facts, () => undefined),
      context,
    );
  });
  for (const [id, effects] of walker.enclosing) {
    const record = commands[id];
    if (record === undefined) walker.loose.push(...effects);
    else record.result = { ...record.result, effects: [...record.result.effects, ...effects] };
  }
  return { commands, loose: walker.loose };
}

class Walker {
  readonly records = new Map<number, CommandRecord>();
  /** Redirections of compound commands, by the first simple command inside. */
  readonly enclosing = new Map<number, Effect[]>();
  readonly loose: Effect[] = [];
  readonly #context: AnalysisContext;
  /** Functions defined before anything runs: their bodies may call each other in any order. */
  readonly #hoisted = new Set<string>();

  /** Arrays whose subscripts are plain strings. */
  readonly #associative: ReadonlySet<string>;
  readonly #evaluated: EvaluatedNames;
  /** What the whole text, and its functions alone, can change; found when first asked for. */
  #everything: Changes | undefined;
  #functionsOnly: Changes | undefined;

  /** What the variables of the loops around hold. */
  #loops: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(context: AnalysisContext) {
    this.#context = context;
    this.#associative = findAssociative(context.script.commands);
    this.#evaluated = findEvaluated(context.script.commands, context);
  }

  hoistFunctions(body: readonly Statement[]): void {
    for (const statement of body) {
      if (statement.type === 'function') this.#hoisted.add(statement.name);
      else if (statement.type !== 'command' || !isPreamble(statement.command)) return;
    }
  }

  statements(list: readonly Statement[], state: ShellState): void {
    for (const statement of list) this.statement(statement, state);
  }

  statement(statement: Statement, state: ShellState): void {
    if (statement.background && statement.type !== 'subshell') {
      this.#run(statement, copyState(state));
      return;
    }
    this.#run(statement, state);
  }

  #run(statement: Statement, state: ShellState): void {
    if (statement.type === 'command' || statement.redirections.length === 0) {
      this.#runBody(statement, state);
      return;
    }
    this.#redirect(statement, state);
    const { input, feeder } = state;
    state.input = redirectedInput(statement.redirections, this.#values(state), input);
    if (statement.redirections.some(replacesInput)) state.feeder = undefined;
    this.#runBody(statement, state);
    state.input = input;
    state.feeder = feeder;
  }

  #runBody(statement: Statement, state: ShellState): void {
    switch (statement.type) {
      case 'command':
        this.#command(statement.command, state);
        return;
      case 'pipeline':
        this.#pipeline(statement.stages, state);
        return;
      case 'and-or':
        this.#andOr(statement, state);
        return;
      case 'group':
        this.statements(statement.body, state);
        return;
      case 'subshell':
        this.statements(statement.body, copyState(state));
        return;
      case 'if':
        this.#if(statement, state);
        return;
      case 'while':
      case 'until':
        this.#loop(state, [...statement.condition, ...statement.body], (inside) => {
          if (statement.type === 'while') inside.guard = readCondition(statement.condition);
          this.statements(statement.condition, inside);
          this.statements(statement.body, inside);
        });
        return;
      case 'for':
      case 'select':
        this.#for(statement, state);
        return;
      case 'arithmetic-for':
        this.#arithmeticFor(statement, state);
        return;
      case 'case':
        this.#case(statement, state);
        return;
      case 'function':
        this.#function(statement, state);
        return;
      case 'coproc':
        this.statement(statement.body, { ...copyState(state), feeder: undefined });
        assign(state, statement.name ?? 'COPROC', unknownValue);
        return;
      case 'conditional':
        for (const word of statement.words) this.#word(word, state);
        checkConditional(statement.words, state, this.#context);
        assign(state, 'BASH_REMATCH', unknownValue);
        return;
      case 'arithmetic':
        this.#arithmetic(statement.expression, state);
    }
  }

  #redirect(statement: Statement, state: ShellState): void {
    for (const redirection of statement.redirections) this.#redirectionWords(redirection, state);
    const effects = redirectionEffects(statement.redirections, this.#values(state), this.#context.facts);
    const { commands } = this.#context.script;
    const inside = commands[firstFrom(commands, statement.start)];
    if (inside === undefined || inside.end > statement.end) this.loose.push(...effects);
    else this.enclosing.set(inside.id, [...(this.enclosing.get(inside.id) ?? []), ...effects]);
  }

  #pipeline(stages: readonly Statement[], state: ShellState): void {
    if (stages.length === 1) {
      const [only] = stages;
      if (only !== undefined) this.statement(only, state);
      return;
    }
    const before = copyState(state);
    let { input, someInput, feeder } = before;
    stages.forEach((stage, index) => {
      const inside = copyState(before);
      inside.input = input;
      inside.feeder = feeder;
      inside.someInput = someInput;
      input = pipedInput(stage, this.#values(inside), input);
      someInput = printedParts(stage, this.#values(inside));
      feeder = stage.type === 'command' && this.#context.depth === 0 ? stage.command.id : undefined;
      this.statement(stage, inside);
      // With `shopt -s lastpipe` the last stage runs in this shell.
      if (index === stages.length - 1 && this.#lastPipe) mergeState(state, inside);
    });
  }

  get #lastPipe(): boolean {
    return this.#context.script.text.includes('lastpipe');
  }

  /** The shell after the statement, apart for when it succeeded and when it failed. */
  #outcome(statement: Statement, state: ShellState): { success: ShellState; failure: ShellState } {
    if (statement.type === 'and-or' && !statement.background && statement.redirections.length === 0) {
      const left = this.#outcome(statement.left, state);
      if (statement.operator === '&&') {
        const right = this.#outcome(statement.right, left.success);
        mergeState(left.failure, right.failure);
        return { success: right.success, failure: left.failure };
      }
      const right = this.#outcome(statement.right, left.failure);
      mergeState(left.success, right.success);
      return { success: left.success, failure: right.failure };
    }
    const before = copyState(state);
    this.statement(statement, state);
    if (commandName(statement) !== 'cd') return { success: state, failure: copyState(state) };
    // A folder that the facts show to exist is taken to be entered.
    before.ended ||= state.fallbacks === before.fallbacks;
    state.fallbacks = before.fallbacks;
    return { success: state, failure: before };
  }

  #andOr(statement: Statement & { type: 'and-or' }, state: ShellState): void {
    const { success, failure } = this.#outcome(statement, copyState(state));
    mergeState(success, failure);
    Object.assign(state, success);
  }

  #if(statement: Statement & { type: 'if' }, state: ShellState): void {
    const outcomes: ShellState[] = [];
    let current = copyState(state);
    for (const branch of statement.branches) {
      this.statements(branch.condition.slice(0, -1), current);
      const last = branch.condition.at(-1);
      const { success, failure } =
        last === undefined ? { success: copyState(current), failure: current } : this.#outcome(last, current);
      this.statements(branch.body, success);
      outcomes.push(success);
      current = failure;
    }
    this.statements(statement.otherwise, current);
    for (const outcome of outcomes) mergeState(current, outcome);
    Object.assign(state, current);
  }

  #case(statement: Statement & { type: 'case' }, state: ShellState): void {
    this.#word(statement.subject, state);
    const outcomes = statement.items.map((item) => {
      for (const pattern of item.patterns) this.#word(pattern, state);
      const inside = copyState(state);
      this.statements(item.body, inside);
      return inside;
    });
    for (const outcome of outcomes) mergeState(state, outcome);
  }

  /** Runs a body that may have run before: what it changes is forgotten first. */
  #loop(state: ShellState, body: readonly Statement[], run: (inside: ShellState) => void): void {
    this.#forget(collectChanges(body, this.#loops), state);
    const inside = copyState(state);
    run(inside);
    mergeState(state, inside);
  }

  #for(statement: Statement & { type: 'for' | 'select' }, state: ShellState): void {
    for (const word of statement.words ?? []) this.#word(word, state);
    checkGiven(statement.variable, statement.words ?? [], this.#evaluated, state, this.#context);
    const value = statement.type === 'for' ? this.#loopValue(statement.words, state) : unknownValue;
    const given = statement.type === 'for' ? loopValues(statement) : undefined;
    const loops = new Map(this.#loops);
    if (given !== undefined) loops.set(statement.variable, given);
    else loops.delete(statement.variable);
    const changes = collectChanges(statement.body, loops);
    const known =
      changes.unknown.has(statement.variable) || changes.numeric.has(statement.variable) ? unknownValue : value;
    const around = this.#loops;
    this.#loops = loops;
    this.#loop(state, statement.body, (inside) => {
      assign(inside, statement.variable, known);
      this.statements(statement.body, inside);
    });
    this.#loops = around;
    assign(state, statement.variable, joinAlternatives(known, state.variables.get(statement.variable) ?? unknownValue));
  }

  /** What the loop variable can be: each word on its own, never empty unless quoted. */
  #loopValue(words: readonly Word[] | undefined, state: ShellState): readonly (readonly Piece[])[] {
    const values = this.#values(state);
    if (words === undefined) {
      const parameters = values.lookUpList?.('@')?.flat();
      return parameters === undefined || parameters.length === 0 || parameters.length > 16 ? unknownValue : parameters;
    }
    const out: (readonly Piece[])[] = [];
    for (const word of words) {
      for (const args of expandWord(word, values)) {
        for (const arg of args) out.push(this.#fieldPieces(arg, word, state));
      }
    }
    return out.length === 0 || out.length > 16
      ? [[{ kind: 'value', variable: undefined, assigned: true, empty: false }]]
      : out;
  }

  #fieldPieces(arg: Arg, word: Word, state: ShellState): readonly Piece[] {
    if (arg.many && word.parts.length === 1) {
      const [part] = word.parts;
      if (part?.type === 'substitution' && printsNumber(part, state.cwd, this.#context)) return [{ kind: 'number' }];
      return arg.pieces.map((piece): Piece => (piece.kind === 'value' ? { ...piece, empty: false } : piece));
    }
    return arg.pieces;
  }

  #function(statement: Statement & { type: 'function' }, state: ShellState): void {
    state.functions.add(statement.name);
    const inside = copyState(state);
    for (const name of this.#hoisted) inside.functions.add(name);
    this.#everything ??= collectChanges(this.#context.script.body);
    this.#forget(this.#everything, inside);
    inside.input = undefined;
    inside.someInput = undefined;
    inside.feeder = undefined;
    assignPositional(inside, positionalLists(statement, this.#context.script));
    for (const [name, value] of positionalValues(statement, this.#context.script)) assign(inside, name, value);
    this.statement(statement.body, inside);
  }

  #forget(changes: Changes, state: ShellState): void {
    if (changes.directory) {
      state.cwd = undefined;
      state.previous = undefined;
      state.stack = [];
      state.changed = true;
    }
    if (changes.everything) forgetAll(state);
    if (changes.positional) assignPositional(state, undefined);
    for (const name of changes.unknown) assign(state, name, unknownValue);
    for (const name of changes.numeric) {
      const before = state.variables.get(name);
      assign(state, name, before === undefined || isNumeric(before) ? numericValue : unknownValue);
    }
  }

  #command(command: SimpleCommand, state: ShellState): void {
    for (const assignment of command.assignments) this.#assignmentWords(assignment, state);
    for (const word of command.words) this.#word(word, state);
    for (const redirection of command.redirections) this.#redirectionWords(redirection, state);
    if (wordValue(command.words[0]) === 'let')
      for (const word of command.words.slice(1)) checkWord(word, state, this.#context);
    const values = this.#values(state);
    const record = analyseCommand(command, state, values, this.#context);
    this.records.set(command.id, record);
    checkBuiltin(record, this.#evaluated, state, this.#context);
    if (command.words.length === 0)
      for (const assignment of command.assignments) this.#assign(assignment, state, values);
    for (const redirection of command.redirections) {
      const named = /^\{(\w+)\}$/.exec(redirection.descriptor ?? '')?.[1];
      if (named !== undefined) assign(state, named, numericValue);
    }
    this.#afterwards(record, state, values);
  }

  /** How the command leaves the shell. */
  #afterwards(record: CommandRecord, state: ShellState, values: Values): void {
    const [instance] = record.instances;
    if (instance === undefined) return;
    if (instance.name !== undefined && state.functions.has(instance.name)) {
      this.#forget(this.#functionChanges(), state);
      return;
    }
    // `: "${x:=y}"` changes nothing beyond its words.
    if (record.instances.every((one) => one.name === ':')) return;
    if (record.instances.length > 1 || instance.name === undefined) {
      this.#forget(collectChanges([asStatement(record.command)], this.#loops), state);
      if (record.instances.some((one) => one.name === 'cd')) {
        state.cwd = undefined;
        state.changed = true;
      }
      return;
    }
    if (instance.name === 'exec' && record.command.redirections.some(replacesInput)) state.feeder = undefined;
    changeByBuiltin(instance, record, state, values, this.#context);
    for (const { text } of instance.interpretation?.names ?? []) {
      const name = /^[A-Za-z_]\w*/.exec(text ?? '')?.[0];
      if (name !== undefined && this.#evaluated.integers.has(name)) assign(state, name, numericValue);
    }
  }

  #functionChanges(): Changes {
    this.#functionsOnly ??= collectChanges(
      allStatements(this.#context.script.body).filter((statement) => statement.type === 'function'),
    );
    return this.#functionsOnly;
  }

  #assign(assignment: Assignment, state: ShellState, values: Values): void {
    const { name, value } = assignment;
    if (this.#evaluated.integers.has(name)) {
      assign(state, name, numericValue);
      return;
    }
    if (assignment.subscript !== undefined || assignment.elements !== undefined) {
      assignList(state, name, this.#associative.has(name) ? undefined : this.#elements(assignment, state, values));
      return;
    }
    if (value === undefined || assignment.append) {
      const numeric =
        assignment.append &&
        value !== undefined &&
        isNumeric(expandValue(value, values)) &&
        isNumeric(state.variables.get(name));
      assign(state, name, numeric ? numericValue : appended(state.variables.get(name), value, values));
      return;
    }
    const [part] = value.parts;
    if (value.parts.length === 1 && part?.type === 'substitution' && printsNumber(part, state.cwd, this.#context)) {
      assign(state, name, numericValue);
      return;
    }
    assign(
      state,
      name,
      expandValue(value, values).map((pieces) =>
        pieces.map((piece): Piece => (piece.kind === 'value' ? { ...piece, assigned: true } : piece)),
      ),
    );
  }

  /** The array after `a=(x y)`, `a+=(z)` or `a[0]=x`; undefined where an element is not one known word. */
  #elements(assignment: Assignment, state: ShellState, values: Values): readonly KnownList[] | undefined {
    const { name, subscript, value, elements, append } = assignment;
    if (subscript !== undefined) {
      const index = Number(/^\d{1,2}$/.exec(subscript.source)?.[0] ?? Number.NaN);
      const before = state.lists.get(name) ?? (state.variables.has(name) || index > 0 ? undefined : [[]]);
      const [given, ...others] = value === undefined ? [] : expandValue(value, values);
      if (before === undefined || given === undefined || others.length > 0 || append || Number.isNaN(index))
        return undefined;
      if (before.some((list) => index > list.length)) return undefined;
      return before.map((list) => [...list.slice(0, index), given, ...list.slice(index + 1)]);
    }
    const added: (readonly Piece[])[] = [];
    for (const element of elements ?? []) {
      const [args, ...others] = expandWord(element, values);
      if (args === undefined || others.length > 0 || element.source.startsWith('[') || args.some(({ many }) => many))
        return undefined;
      added.push(...args.map(({ pieces }) => pieces));
    }
    return append ? state.lists.get(name)?.map((list) => [...list, ...added]) : [added];
  }

  #arithmetic(expression: Arithmetic, state: ShellState): void {
    this.#parts(expression.expansions, state);
    if (expression.constant) return;
    checkArithmetic(expression, state, this.#context);
    const statement: Statement = {
      type: 'arithmetic',
      expression,
      redirections: [],
      background: false,
      start: expression.start,
      end: expression.end,
    };
    this.#forget(collectChanges([statement]), state);
  }

  #arithmeticFor(statement: Statement & { type: 'arithmetic-for' }, state: ShellState): void {
    const [first, ...rest] = statement.expressions;
    if (first !== undefined) this.#arithmetic(first, state);
    this.#loop(state, [statement], (inside) => {
      for (const expression of rest) this.#arithmetic(expression, inside);
      this.statements(statement.body, inside);
    });
  }

  #subscript(word: Word | undefined, state: ShellState): void {
    if (word === undefined || word.source === '@' || word.source === '*') return;
    checkWord(word, state, this.#context);
  }

  #assignmentWords(assignment: Assignment, state: ShellState): void {
    if (assignment.value !== undefined) this.#word(assignment.value, state);
    if (assignment.subscript !== undefined) {
      this.#word(assignment.subscript, state);
      if (!this.#associative.has(assignment.name)) this.#subscript(assignment.subscript, state);
    }
    for (const element of assignment.elements ?? []) {
      this.#word(element, state);
      if (!this.#associative.has(assignment.name)) checkElement(element, state, this.#context);
    }
    checkAssigned(assignment, this.#evaluated, state, this.#context);
  }

  #redirectionWords(redirection: Redirection, state: ShellState): void {
    this.#word(redirection.target, state);
    if (redirection.heredoc !== undefined) this.#word(redirection.heredoc.body, state);
  }

  #word(word: Word, state: ShellState): void {
    if (word.values === undefined) this.#parts(word.parts, state);
  }

  /** Runs what stands in substitutions, each in its own copy of the shell. */
  #parts(parts: readonly WordPart[], state: ShellState): void {
    for (const part of parts) {
      if (part.type === 'substitution' || part.type === 'process') this.statements(part.body, copyState(state));
      else if (part.type === 'parameter') {
        checkExpansion(part, this.#context);
        for (const operand of part.operands) this.#word(operand, state);
        if (part.operator === '[' && !this.#associative.has(part.name)) this.#subscript(part.operands[0], state);
        if (part.operator === ':') for (const operand of part.operands) checkWord(operand, state, this.#context);
        if (part.operator !== ':=' && part.operator !== '=') continue;
        checkDefault(part, this.#context);
        checkGiven(part.name, part.operands, this.#evaluated, state, this.#context);
        this.#assignDefault(part, state);
      } else if (part.type === 'brace') for (const word of part.words) this.#word(word, state);
      else if (part.type === 'arithmetic') {
        this.#arithmetic(part.expression, state);
      }
    }
  }

  /** `${x:=word}`: what the variable held before, or the word. */
  #assignDefault(part: WordPart & { readonly type: 'parameter' }, state: ShellState): void {
    const [operand] = part.operands;
    const given = operand === undefined ? [] : expandValue(operand, this.#values(state));
    assign(state, part.name, joinAlternatives(state.variables.get(part.name) ?? unsetValue, given));
  }

  #values(state: ShellState): Values {
    return stateValues(state, this.#context.facts, (part) =>
      knownSubstitution(part, this.#values(state), this.#context),
    );
  }
}

/** `x+=word`: every value that it has, followed by the word. */
function appended(
  before: readonly (readonly Piece[])[] | undefined,
  value: Word | undefined,
  values: Values,
): readonly (readonly Piece[])[] {
  if (before === undefined || before === unknownValue || value === undefined) return unknownValue;
  const given = expandValue(value, values);
  if (before.length * given.length > maxAppended) return unknownValue;
  return before.flatMap((head) => given.map((tail) => joinPieces([...head, ...tail])));
}

const maxAppended = 8;

/** Names that `declare -A` makes associative, wherever it stands. */
function findAssociative(commands: readonly SimpleCommand[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { words } of commands) {
    const values = words.map((word) => wordValue(word) ?? '');
    if (!/^(?:declare|local|typeset|readonly)$/.test(values[0] ?? '') || !values.some((value) => /^-\w*A/.test(value)))
      continue;
    for (const word of words.slice(1)) {
      const name = /^[A-Za-z_]\w*/.exec(word.source)?.[0];
      if (name !== undefined) names.add(name);
    }
  }
  return names;
}

/** Names with an attribute that changes the letters of what they are given, wherever the text declares them. */
function findOpaque(commands: readonly SimpleCommand[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { words } of commands) {
    const values = words.map((word) => wordValue(word) ?? '');
    const at = values.findIndex((value) => /^(?:declare|local|typeset|readonly)$/.test(value));
    if (at < 0 || !values.some((value) => /^-\w*[luc]/.test(value))) continue;
    for (const { source } of words.slice(at + 1)) {
      const name = /^[A-Za-z_]\w*/.exec(source)?.[0];
      if (name !== undefined) names.add(name);
    }
  }
  return names;
}

/** The index of the first command that begins at the place or after it; the commands stand in the order of the text. */
function firstFrom(commands: readonly SimpleCommand[], start: number): number {
  let low = 0;
  let high = commands.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((commands[middle]?.start ?? start) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The `read` that is the whole condition of a `while` loop. */
function readCondition(condition: readonly Statement[]): number | undefined {
  const [only, ...others] = condition;
  if (only?.type !== 'command' || others.length > 0) return undefined;
  return wordValue(only.command.words[0]) === 'read' ? only.command.id : undefined;
}

function asStatement(command: SimpleCommand): Statement {
  return { type: 'command', command, redirections: [], background: false, start: command.start, end: command.end };
}

/** Statements that may stand before a script's functions without running anything of it. */
function isPreamble(command: SimpleCommand): boolean {
  const name = wordValue(command.words[0]);
  return command.words.length === 0 || name === 'set' || name === 'shopt' || name === 'export' || name === 'readonly';
}

function commandName(statement: Statement): string | undefined {
  return statement.type === 'command' ? wordValue(statement.command.words[0]) : undefined;
}
