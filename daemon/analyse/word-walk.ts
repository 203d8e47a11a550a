/**
 * What words do to the shell when bash expands them, before the command that they belong to runs: substitutions run
 * commands, `${x:=word}` and arithmetic assign, and a subscript or a number can run code of its own.
 */
import type { Arithmetic, Assignment, Redirection, Statement, Word, WordPart } from '../parse/model.ts';
import type { AnalysisContext } from './analyse.ts';
import type { Values } from './args.ts';
import { assignDefault, type Declared } from './assigned-values.ts';
import { checkArithmetic, checkWord } from './findings/arithmetic.ts';
import { checkDefault } from './findings/environment.ts';
import { checkAssigned, checkElement, checkExpansion, checkGiven } from './findings/evaluated-values.ts';
import { collectChanges } from './shell-changes.ts';
import { copyState, forgetChanges, type ShellState } from './shell-state.ts';

export class WordWalk {
  readonly #context: AnalysisContext;
  readonly #declared: Declared;
  readonly #values: (state: ShellState) => Values;
  readonly #run: (body: readonly Statement[], state: ShellState) => void;

  /** @param run walks the statements of a substitution. */
  constructor(
    context: AnalysisContext,
    declared: Declared,
    values: (state: ShellState) => Values,
    run: (body: readonly Statement[], state: ShellState) => void,
  ) {
    this.#context = context;
    this.#declared = declared;
    this.#values = values;
    this.#run = run;
  }

  visit(word: Word, state: ShellState): void {
    if (word.values === undefined) this.#parts(word.parts, state);
  }

  assignment(assignment: Assignment, state: ShellState): void {
    if (assignment.value !== undefined) this.visit(assignment.value, state);
    if (assignment.subscript !== undefined) {
      this.visit(assignment.subscript, state);
      if (!this.#declared.associative.has(assignment.name)) this.#subscript(assignment.subscript, state);
    }
    for (const element of assignment.elements ?? []) {
      this.visit(element, state);
      if (!this.#declared.associative.has(assignment.name)) checkElement(element, state, this.#context);
    }
    checkAssigned(assignment, this.#declared.evaluated, state, this.#context);
  }

  redirection(redirection: Redirection, state: ShellState): void {
    this.visit(redirection.target, state);
    if (redirection.heredoc !== undefined) this.visit(redirection.heredoc.body, state);
  }

  arithmetic(expression: Arithmetic, state: ShellState): void {
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
    forgetChanges(collectChanges([statement]), state);
  }

  #subscript(word: Word | undefined, state: ShellState): void {
    if (word === undefined || word.source === '@' || word.source === '*') return;
    checkWord(word, state, this.#context);
  }

  /** Runs what stands in substitutions, each in its own copy of the shell. */
  #parts(parts: readonly WordPart[], state: ShellState): void {
    for (const part of parts) {
      if (part.type === 'substitution' || part.type === 'process') this.#run(part.body, copyState(state));
      else if (part.type === 'parameter') {
        checkExpansion(part, this.#context);
        for (const operand of part.operands) this.visit(operand, state);
        if (part.operator === '[' && !this.#declared.associative.has(part.name))
          this.#subscript(part.operands[0], state);
        if (part.operator === ':') for (const operand of part.operands) checkWord(operand, state, this.#context);
        if (part.operator !== ':=' && part.operator !== '=') continue;
        checkDefault(part, this.#context);
        checkGiven(part.name, part.operands, this.#declared.evaluated, state, this.#context);
        assignDefault(part, state, this.#values(state));
      } else if (part.type === 'brace') for (const word of part.words) this.visit(word, state);
      else if (part.type === 'arithmetic') {
        this.arithmetic(part.expression, state);
      }
    }
  }
}
