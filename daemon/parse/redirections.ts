/**
 * Redirections: `2>&1`, `{fd}>file`, `&>>log`, `<<EOF`, `<<<word`. Every file a command line opens by itself is here.
 *
 * Source: bash(1) "REDIRECTION".
 */
import { argumentUse, quotedUse, singleUse } from './atoms.ts';
import { type Cursor, isMeta } from './cursor.ts';
import { readDelimiter } from './heredocs.ts';
import type { Redirection, RedirectionOperator, Word } from './model.ts';
import { readWord } from './words.ts';

/** Longest first. */
const operators: readonly RedirectionOperator[] = [
  ...(['<<<', '<<-', '&>>'] as const),
  ...(['<<', '<>', '<&', '>>', '>&', '>|', '&>'] as const),
  ...(['<', '>'] as const),
];
const descriptorPattern = /(?:[0-9]+|\{[A-Za-z_][A-Za-z0-9_]*\})(?=[<>])/y;

/** Reads the redirection at the cursor, if there is one. */
export function readRedirection(cursor: Cursor): Redirection | undefined {
  const start = cursor.position;
  descriptorPattern.lastIndex = start;
  const descriptor = /[0-9{]/.test(cursor.peek()) ? descriptorPattern.exec(cursor.text)?.[0] : undefined;
  const first = cursor.peek(descriptor?.length ?? 0);
  if (first !== '<' && first !== '>' && !(first === '&' && cursor.peek(1) === '>')) return undefined;
  const isProcess = first !== '&' && cursor.peek((descriptor?.length ?? 0) + 1) === '(';
  if (isProcess && descriptor === undefined) return undefined;
  if (isProcess) cursor.unsupported('a process substitution right after a number');
  if (descriptor !== undefined && /^\d{4}/.test(descriptor)) cursor.unsupported('a descriptor number this large');
  cursor.advance(descriptor?.length ?? 0);
  const operator = operators.find((candidate) => cursor.startsWith(candidate)) as RedirectionOperator;
  cursor.advance(operator.length);
  if (cursor.peek() === '\\' && cursor.peek(1) === '\n' && /[<>&|(-]/.test(cursor.peek(2))) {
    cursor.unsupported('a line continuation inside an operator');
  }
  const target = readTarget(cursor, operator);
  const redirection = { start, end: target.end, operator, descriptor, target, heredoc: undefined };
  if (operator === '<<' || operator === '<<-') {
    if (cursor.insideHeredoc) cursor.unsupported('a here-document inside the body of another', start);
    const { delimiter, quoted } = readDelimiter(cursor, target);
    cursor.pending.push({ delimiter, quoted, stripsTabs: operator === '<<-', redirection });
  }
  return redirection;
}

function readTarget(cursor: Cursor, operator: RedirectionOperator): Word {
  // After `<&` and `>&` a comment cannot follow, but `#` needs a blank before it to begin one anywhere.
  while (cursor.peek() === ' ' || cursor.peek() === '\t' || cursor.startsWith('\\\n')) {
    cursor.advance(cursor.peek() === '\\' ? 2 : 1);
  }
  if (cursor.peek() === '#') cursor.syntaxError('a redirection has no target');
  const isProcess = (cursor.peek() === '<' || cursor.peek() === '>') && cursor.peek(1) === '(';
  if (isMeta(cursor.peek()) && !isProcess) cursor.syntaxError('a redirection has no target');
  const isHeredoc = operator === '<<' || operator === '<<-';
  const target = readWord(cursor, isHeredoc ? quotedUse : operator === '<<<' ? singleUse : argumentUse);
  // `>&-x` closes a descriptor and goes on with the word `x`; `> 2>f` has a descriptor where the target should be.
  if (operator.endsWith('&') && /^-./.test(target.source)) cursor.unsupported('text right after `&-`', target.start);
  if (/^(?:\d+|\{\w+\})$/.test(target.source) && /[<>]/.test(cursor.peek())) {
    cursor.syntaxError('a redirection has no target', target.start);
  }
  return target;
}
