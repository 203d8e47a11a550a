/** The statements that stand directly inside a statement, without those in substitutions. */
import type { Statement } from '../parse/model.ts';

export function childStatements(statement: Statement): readonly Statement[] {
  switch (statement.type) {
    case 'pipeline':
      return statement.stages;
    case 'and-or':
      return [statement.left, statement.right];
    case 'group':
    case 'subshell':
    case 'for':
    case 'select':
    case 'arithmetic-for':
      return statement.body;
    case 'if':
      return [...statement.branches.flatMap((branch) => [...branch.condition, ...branch.body]), ...statement.otherwise];
    case 'while':
    case 'until':
      return [...statement.condition, ...statement.body];
    case 'case':
      return statement.items.flatMap((item) => item.body);
    case 'function':
    case 'coproc':
      return [statement.body];
    default:
      return [];
  }
}

/** The statements and everything in them, outermost first. One list, as nested generators cost the square of the depth. */
export function allStatements(statements: readonly Statement[]): readonly Statement[] {
  const all: Statement[] = [];
  const add = (statement: Statement): void => {
    all.push(statement);
    childStatements(statement).forEach(add);
  };
  statements.forEach(add);
  return all;
}
