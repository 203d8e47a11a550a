/** Command substitutions whose value the analysis knows: the working directory, the repository's top, plain numbers. */
import type { Statement, WordPart } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';
import type { AnalysisContext } from './analyse.ts';
import { interpretNumber } from './numbers.ts';
import type { Piece } from './words.ts';

type Substitution = WordPart & { readonly type: 'substitution' };

export function knownSubstitution(
  part: Substitution,
  cwd: string | undefined,
  context: AnalysisContext,
): readonly Piece[] | undefined {
  const [only] = part.body;
  if (part.body.length !== 1 || only?.type !== 'command')
    return printsNumber(part, cwd, context) ? [{ kind: 'number' }] : undefined;
  const { command } = only;
  if (
    command.assignments.length === 0 &&
    command.redirections.every((redirection) => wordValue(redirection.target) === '/dev/null')
  ) {
    const words = command.words.map(wordValue).join(' ');
    if (words === 'pwd' && cwd !== undefined) return [{ kind: 'known', text: cwd }];
    const printed = literalOutput(command.words.map(wordValue));
    if (printed !== undefined) return printed === '' ? [] : [{ kind: 'known', text: printed }];
    if (words === 'git rev-parse --show-toplevel' && cwd !== undefined) {
      const root = context.facts.paths.get(cwd)?.repository;
      if (root !== undefined) return [{ kind: 'known', text: root }];
    }
  }
  return printsNumber(part, cwd, context) ? [{ kind: 'number' }] : undefined;
}

/** What `echo` of literal words prints, without the newline that a substitution drops. */
function literalOutput(values: readonly (string | undefined)[]): string | undefined {
  const [name, ...rest] = values;
  if (
    name !== 'echo' ||
    rest.some((value) => value === undefined || value.includes('\\')) ||
    rest[0]?.startsWith('-') === true
  )
    return undefined;
  return rest.join(' ').replace(/\n+$/, '');
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
