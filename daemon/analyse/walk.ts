/**
 * Walks the statements of a script in the order bash runs them, carrying the shell's state, and analyses every simple
 * command where it stands. A command that the walk did not reach is analysed with nothing known about its surroundings.
 */
import type { ParsedScript, SimpleCommand, Statement } from '../parse/model.ts';
import type { AnalysisContext } from './analyse.ts';
import { analyseCommand, type CommandRecord } from './analyse-command.ts';
import type { Values } from './args.ts';
import { type Declared, loopValue } from './assigned-values.ts';
import { CommandWalk } from './command-walk.ts';
import { findAssociative, findOpaque } from './declared-names.ts';
import { checkConditional } from './findings/arithmetic.ts';
import { checkGiven, findEvaluated } from './findings/evaluated-values.ts';
import type { Effect } from './model.ts';
import { positionalLists, positionalValues } from './positional.ts';
import { redirectionEffects } from './redirections.ts';
import { type Changes, collectChanges, loopValues } from './shell-changes.ts';
import {
  assign,
  assignPositional,
  copyState,
  forgetChanges,
  joinAlternatives,
  mergeState,
  type ShellState,
  startState,
  stateValues,
  unknownValue,
} from './shell-state.ts';
import { commandName, isPreamble, readCondition } from './simple-statements.ts';
import { pipedInput, printedParts, redirectedInput, replacesInput } from './standard-input.ts';
import { knownSubstitution } from './substitutions.ts';
import { WordWalk } from './word-walk.ts';

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
    const seen = walker.commands.records.get(command.id);
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
  readonly commands: CommandWalk;
  /** Redirections of compound commands, by the first simple command inside. */
  readonly enclosing = new Map<number, Effect[]>();
  readonly loose: Effect[] = [];
  readonly #context: AnalysisContext;
  readonly #declared: Declared;
  readonly #words: WordWalk;
  /** Functions defined before anything runs: their bodies may call each other in any order. */
  readonly #hoisted = new Set<string>();

  /** What the whole text can change; found when first asked for. */
  #everything: Changes | undefined;

  /** What the variables of the loops around hold. */
  #loops: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(context: AnalysisContext) {
    this.#context = context;
    const { commands } = context.script;
    this.#declared = { associative: findAssociative(commands), evaluated: findEvaluated(commands, context) };
    const values = (state: ShellState): Values => this.#values(state);
    this.#words = new WordWalk(context, this.#declared, values, (body, state) => this.statements(body, state));
    this.commands = new CommandWalk(context, this.#declared, this.#words, values);
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
        this.commands.visit(statement.command, state, this.#loops);
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
        for (const word of statement.words) this.#words.visit(word, state);
        checkConditional(statement.words, state, this.#context);
        assign(state, 'BASH_REMATCH', unknownValue);
        return;
      case 'arithmetic':
        this.#words.arithmetic(statement.expression, state);
    }
  }

  #redirect(statement: Statement, state: ShellState): void {
    for (const redirection of statement.redirections) this.#words.redirection(redirection, state);
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
    this.#words.visit(statement.subject, state);
    const outcomes = statement.items.map((item) => {
      for (const pattern of item.patterns) this.#words.visit(pattern, state);
      const inside = copyState(state);
      this.statements(item.body, inside);
      return inside;
    });
    for (const outcome of outcomes) mergeState(state, outcome);
  }

  /** Runs a body that may have run before: what it changes is forgotten first. */
  #loop(state: ShellState, body: readonly Statement[], run: (inside: ShellState) => void): void {
    forgetChanges(collectChanges(body, this.#loops), state);
    const inside = copyState(state);
    run(inside);
    mergeState(state, inside);
  }

  #for(statement: Statement & { type: 'for' | 'select' }, state: ShellState): void {
    for (const word of statement.words ?? []) this.#words.visit(word, state);
    checkGiven(statement.variable, statement.words ?? [], this.#declared.evaluated, state, this.#context);
    const value =
      statement.type === 'for' ? loopValue(statement.words, state, this.#values(state), this.#context) : unknownValue;
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

  #function(statement: Statement & { type: 'function' }, state: ShellState): void {
    state.functions.add(statement.name);
    const inside = copyState(state);
    for (const name of this.#hoisted) inside.functions.add(name);
    this.#everything ??= collectChanges(this.#context.script.body);
    forgetChanges(this.#everything, inside);
    inside.input = undefined;
    inside.someInput = undefined;
    inside.feeder = undefined;
    assignPositional(inside, positionalLists(statement, this.#context.script));
    for (const [name, value] of positionalValues(statement, this.#context.script)) assign(inside, name, value);
    this.statement(statement.body, inside);
  }

  #arithmeticFor(statement: Statement & { type: 'arithmetic-for' }, state: ShellState): void {
    const [first, ...rest] = statement.expressions;
    if (first !== undefined) this.#words.arithmetic(first, state);
    this.#loop(state, [statement], (inside) => {
      for (const expression of rest) this.#words.arithmetic(expression, inside);
      this.statements(statement.body, inside);
    });
  }

  #values(state: ShellState): Values {
    return stateValues(state, this.#context.facts, (part) =>
      knownSubstitution(part, this.#values(state), this.#context),
    );
  }
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
