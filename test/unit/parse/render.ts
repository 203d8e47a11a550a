/** One line per simple command of a parse result, so that a table row can be read at a glance. */
import type { Assignment, ParseResult, Redirection, SimpleCommand, Word } from '../../../daemon/parse/model.ts';

/**
 * `positions: NAME=value word word >target -> n`. A word of unknown value is shown as `?` and its source; several values
 * are joined by `+`; a here-document's body follows its delimiter; `-> n` is the command the output is piped to.
 */
export function renderResult(result: ParseResult): readonly string[] | string {
  return result.kind === 'unparsable' ? result.code : result.commands.map(renderCommand);
}

function renderCommand({ positions, assignments, words, redirections, pipedTo }: SimpleCommand): string {
  const pieces = [
    ...(positions.length === 0 ? [] : [`${positions.join(' ')}:`]),
    ...assignments.map(renderAssignment),
    ...words.map(renderWord),
    ...redirections.map(renderRedirection),
    ...(pipedTo === undefined ? [] : [`-> ${pipedTo}`]),
  ];
  return pieces.join(' ');
}

function renderWord({ values, source }: Word): string {
  if (values === undefined) return `?${source.replaceAll('\n', '\\n')}`;
  return values.map((value) => (/^[\w./:=@%,-]+$/.test(value) ? value : JSON.stringify(value))).join('+');
}

function renderAssignment({ name, append, subscript, value, elements }: Assignment): string {
  const left = `${name}${subscript === undefined ? '' : `[${renderWord(subscript)}]`}${append ? '+=' : '='}`;
  return (
    left +
    (elements === undefined
      ? value === undefined
        ? ''
        : renderWord(value)
      : `(${elements.map(renderWord).join(' ')})`)
  );
}

function renderRedirection({ descriptor, operator, target, heredoc }: Redirection): string {
  const body = heredoc === undefined ? '' : `${heredoc.quoted ? '!' : ''}${renderWord(heredoc.body)}`;
  return `${descriptor ?? ''}${operator}${heredoc === undefined ? renderWord(target) : body}`;
}
