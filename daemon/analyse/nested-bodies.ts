/** What substitutions in a command's words run, in the order of the text. */
import type { SimpleCommand, Statement, Word, WordPart } from '../parse/model.ts';

export function allWords({ words, assignments, redirections }: SimpleCommand): readonly Word[] {
  return [
    ...assignments.flatMap(({ value, elements, subscript }) => [value, subscript, ...(elements ?? [])]),
    ...words,
    ...redirections.flatMap(({ target, heredoc }) => [target, heredoc?.body]),
  ].filter((word) => word !== undefined);
}

export function nestedBodies(parts: readonly WordPart[]): readonly (readonly Statement[])[] {
  return parts.flatMap((part): readonly (readonly Statement[])[] => {
    switch (part.type) {
      case 'substitution':
      case 'process':
        return [part.body];
      case 'brace':
        return part.words.flatMap((word) => nestedBodies(word.parts));
      case 'parameter':
        return part.operands.flatMap((word) => nestedBodies(word.parts));
      case 'arithmetic':
        return nestedBodies(part.expression.expansions);
      default:
        return [];
    }
  });
}
