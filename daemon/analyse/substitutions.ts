/** Command substitutions whose value the analysis knows: the working directory, the repository's top, plain numbers. */
import type { Statement, WordPart } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';
import type { AnalysisContext } from './analyse.ts';
import type { Piece, Values } from './args.ts';
import { interpretNumber, interpretPlain } from './numbers.ts';
import { isInput, outputOf } from './standard-input.ts';

type Substitution = WordPart & { readonly type: 'substitution' };

/** With which command prints it, where that is all that is known. */
export function knownSubstitution(
  part: Substitution,
  values: Values,
  context: AnalysisContext,
): readonly Piece[] | undefined {
  const known = printedValue(part, values, context);
  const printedBy = known === undefined && context.depth === 0 ? printerOf(part.body) : undefined;
  if (printedBy === undefined) return known;
  return [{ kind: 'value', variable: undefined, assigned: true, empty: true, printedBy }];
}

/** The command that prints all that the statements print. */
function printerOf([only, ...others]: readonly Statement[]): number | undefined {
  if (only === undefined || others.length > 0 || only.redirections.length > 0) return undefined;
  if (only.type === 'command') return only.command.id;
  const last = only.type === 'pipeline' ? only.stages.at(-1) : undefined;
  return last?.type === 'command' ? last.command.id : undefined;
}

function printedValue(part: Substitution, values: Values, context: AnalysisContext): readonly Piece[] | undefined {
  const { cwd } = values;
  const [only] = part.body;
  if (part.body.length !== 1 || only?.type !== 'command')
    return printsNumber(part, cwd, context) ? [{ kind: 'number' }] : undefined;
  const { command } = only;
  if (
    command.assignments.length === 0 &&
    command.redirections.every((redirection) => isInput(redirection) || wordValue(redirection.target) === '/dev/null')
  ) {
    const words = command.words.map(wordValue).join(' ');
    if (words === 'pwd' && cwd !== undefined) return [{ kind: 'known', text: cwd }];
    if (/^mktemp(?: -[dqu]+)?$/.test(words)) return temporaryName(values);
    const printed = outputOf(command, values)?.replace(/\n+$/, '');
    if (printed !== undefined && !printed.includes('\0'))
      return printed === '' ? [] : [{ kind: 'known', text: printed }];
    if (words === 'git rev-parse --show-toplevel' && cwd !== undefined) {
      const root = context.facts.paths.get(cwd)?.repository;
      if (root !== undefined) return [{ kind: 'known', text: root }];
    }
  }
  if (printsNumber(part, cwd, context)) return [{ kind: 'number' }];
  const quiet = command.redirections.every((redirection) => wordValue(redirection.target) === '/dev/null');
  return quiet && interpretPlain(command, context.catalogue)
    ? [{ kind: 'value', variable: undefined, assigned: true, empty: true, plain: true }]
    : undefined;
}

/** `mktemp` makes up a name in the folder for temporary files, and prints nothing when it fails. Source: mktemp(1). */
function temporaryName({ lookUp }: Values): readonly Piece[] | undefined {
  const [folder, ...others] = lookUp('TMPDIR') ?? [];
  const [only, ...more] = folder ?? [];
  if (only?.kind !== 'known' || !only.text.startsWith('/') || others.length > 0 || more.length > 0) return undefined;
  const begins = `${only.text.replace(/\/$/, '')}/tmp.`;
  return [{ kind: 'value', variable: undefined, assigned: true, empty: true, begins }];
}

/** Whether all that the substitution prints is one or more plain numbers, by the catalogue's word for its last program. */
export function printsNumber(part: Substitution, _cwd: string | undefined, context: AnalysisContext): boolean {
  const [only] = part.body;
  return part.body.length === 1 && only !== undefined && statementPrintsNumber(only, context);
}

function statementPrintsNumber(statement: Statement, context: AnalysisContext): boolean {
  if (statement.type === 'pipeline') {
    const last = statement.stages.at(-1);
    return last !== undefined && statementPrintsNumber(last, context);
  }
  if (statement.type === 'and-or')
    return [statement.left, statement.right].every((side) => isSilent(side) || statementPrintsNumber(side, context));
  if (statement.type !== 'command') return false;
  const values = statement.command.words.map(wordValue);
  return (
    (values[0] === 'echo' && values.length === 2 && /^\d+$/.test(values[1] ?? '')) ||
    interpretNumber(statement.command, context.catalogue)
  );
}

/** `|| true` and its like print nothing. */
function isSilent(statement: Statement): boolean {
  const name = statement.type === 'command' ? wordValue(statement.command.words[0]) : undefined;
  return name === 'true' || name === 'false' || name === ':' || name === 'exit';
}
