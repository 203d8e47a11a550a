/**
 * Analyses a simple command where it stands, and leaves the shell as the command leaves it: a `cd`, an assignment or a
 * function before a command changes what that command does, so what cannot be followed is forgotten.
 */
import type { SimpleCommand } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';
import type { AnalysisContext } from './analyse.ts';
import { analyseCommand, type CommandRecord } from './analyse-command.ts';
import type { Values } from './args.ts';
import { assignVariable, type Declared } from './assigned-values.ts';
import { changeByBuiltin } from './builtins.ts';
import { checkWord } from './findings/arithmetic.ts';
import { checkBuiltin } from './findings/evaluated-values.ts';
import { type Changes, collectChanges } from './shell-changes.ts';
import { assign, forgetChanges, numericValue, type ShellState } from './shell-state.ts';
import { asStatement } from './simple-statements.ts';
import { replacesInput } from './standard-input.ts';
import { allStatements } from './statements.ts';
import type { WordWalk } from './word-walk.ts';

type Loops = ReadonlyMap<string, readonly string[]>;

export class CommandWalk {
  /** What was found out about each, by its id. */
  readonly records = new Map<number, CommandRecord>();
  readonly #context: AnalysisContext;
  readonly #declared: Declared;
  readonly #words: WordWalk;
  readonly #values: (state: ShellState) => Values;
  /** What the functions of the text can change; found when first asked for. */
  #functionsOnly: Changes | undefined;

  constructor(context: AnalysisContext, declared: Declared, words: WordWalk, values: (state: ShellState) => Values) {
    this.#context = context;
    this.#declared = declared;
    this.#words = words;
    this.#values = values;
  }

  /** @param loops what the variables of the loops around hold */
  visit(command: SimpleCommand, state: ShellState, loops: Loops): void {
    for (const assignment of command.assignments) this.#words.assignment(assignment, state);
    for (const word of command.words) this.#words.visit(word, state);
    for (const redirection of command.redirections) this.#words.redirection(redirection, state);
    if (wordValue(command.words[0]) === 'let')
      for (const word of command.words.slice(1)) checkWord(word, state, this.#context);
    const values = this.#values(state);
    const record = analyseCommand(command, state, values, this.#context);
    this.records.set(command.id, record);
    checkBuiltin(record, this.#declared.evaluated, state, this.#context);
    if (command.words.length === 0)
      for (const assignment of command.assignments)
        assignVariable(assignment, state, values, this.#declared, this.#context);
    for (const redirection of command.redirections) {
      const named = /^\{(\w+)\}$/.exec(redirection.descriptor ?? '')?.[1];
      if (named !== undefined) assign(state, named, numericValue);
    }
    this.#afterwards(record, state, values, loops);
  }

  /** How the command leaves the shell. */
  #afterwards(record: CommandRecord, state: ShellState, values: Values, loops: Loops): void {
    const [instance] = record.instances;
    if (instance === undefined) return;
    if (instance.name !== undefined && state.functions.has(instance.name)) {
      forgetChanges(this.#functionChanges(), state);
      return;
    }
    // `: "${x:=y}"` changes nothing beyond its words.
    if (record.instances.every((one) => one.name === ':')) return;
    if (record.instances.length > 1 || instance.name === undefined) {
      forgetChanges(collectChanges([asStatement(record.command)], loops), state);
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
      if (name !== undefined && this.#declared.evaluated.integers.has(name)) assign(state, name, numericValue);
    }
  }

  #functionChanges(): Changes {
    this.#functionsOnly ??= collectChanges(
      allStatements(this.#context.script.body).filter((statement) => statement.type === 'function'),
    );
    return this.#functionsOnly;
  }
}
