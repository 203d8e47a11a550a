/**
 * Compound commands, each with the redirections after it.
 *
 * Source: bash(1) "Compound Commands", "Coprocesses".
 */
import { readArithmetic } from './arithmetic.ts';
import { argumentUse, patternUse, singleUse } from './atoms.ts';
import { readSimpleCommand } from './commands.ts';
import { readConditional } from './conditional.ts';
import { type Cursor, isMeta } from './cursor.ts';
import { readFunctionKeyword } from './functions.ts';
import type { Arithmetic, Redirection, Statement, Word } from './model.ts';
import { readRedirection } from './redirections.ts';
import { expectReserved, peekBare, takeReserved } from './reserved.ts';
import { makeCommandStatement, readBody, readList, skipLines } from './statements.ts';
import { readWord } from './words.ts';

type Body = Statement extends infer Each
  ? Each extends Statement
    ? Omit<Each, 'start' | 'end' | 'redirections' | 'background'>
    : never
  : never;

/** The compound command at the cursor, or undefined when a simple command stands there. */
export function readCompound(cursor: Cursor): Statement | undefined {
  const start = cursor.position;
  if (cursor.peek() === '(') {
    return finish(cursor, start, cursor.peek(1) === '(' ? readArithmeticCommand(cursor) : readSubshell(cursor));
  }
  const word = peekBare(cursor);
  if (word === 'function' || word === 'coproc') {
    takeReserved(cursor, word);
    return word === 'function' ? readFunctionKeyword(cursor, start) : readCoproc(cursor, start);
  }
  const read = Object.hasOwn(readers, word) ? readers[word] : undefined;
  if (read === undefined) return undefined;
  takeReserved(cursor, word);
  return finish(cursor, start, read(cursor));
}

/** Takes the redirections after a compound command. */
function finish(cursor: Cursor, start: number, body: Body): Statement {
  const redirections: Redirection[] = [];
  let { position: end } = cursor;
  for (;;) {
    cursor.skipBlanks();
    const redirection = readRedirection(cursor);
    if (redirection === undefined) break;
    redirections.push(redirection);
    end = cursor.position;
  }
  return { ...body, redirections, background: false, start, end } as Statement;
}

const readers: Readonly<Record<string, (cursor: Cursor) => Body>> = {
  '{'(cursor) {
    const body = readBody(cursor, { words: ['}'] });
    expectReserved(cursor, '}');
    return { type: 'group', body };
  },
  '[['(cursor) {
    return { type: 'conditional', words: readConditional(cursor) };
  },
  if: readIf,
  while: (cursor) => readWhile(cursor, 'while'),
  until: (cursor) => readWhile(cursor, 'until'),
  for: (cursor) => readFor(cursor, 'for'),
  select: (cursor) => readFor(cursor, 'select'),
  case: readCase,
};

function readSubshell(cursor: Cursor): Body {
  const start = cursor.position;
  cursor.advance();
  const body = readBody(cursor, { paren: true });
  if (cursor.peek() !== ')') cursor.syntaxError('a subshell has no closing parenthesis', start);
  cursor.advance();
  return { type: 'subshell', body };
}

function readArithmeticCommand(cursor: Cursor): Body {
  const start = cursor.position;
  cursor.advance(2);
  const expression = readArithmetic(cursor, '');
  if (!cursor.startsWith('))')) cursor.unsupported('`((` that is not closed by `))`', start);
  if (cursor.pending.length > 0 && expression.text.includes('\n'))
    cursor.unsupported('several lines of arithmetic here');
  cursor.advance(2);
  return { type: 'arithmetic', expression };
}

function readIf(cursor: Cursor): Body {
  const branches: { condition: Statement[]; body: Statement[] }[] = [];
  let otherwise: Statement[] = [];
  do {
    const condition = readBody(cursor, { words: ['then'] });
    expectReserved(cursor, 'then');
    branches.push({ condition, body: readBody(cursor, { words: ['elif', 'else', 'fi'] }) });
  } while (takeReserved(cursor, 'elif'));
  if (takeReserved(cursor, 'else')) otherwise = readBody(cursor, { words: ['fi'] });
  expectReserved(cursor, 'fi');
  return { type: 'if', branches, otherwise };
}

function readWhile(cursor: Cursor, type: 'while' | 'until'): Body {
  const condition = readBody(cursor, { words: ['do'] });
  return { type, condition, body: readDoGroup(cursor) };
}

function readDoGroup(cursor: Cursor): Statement[] {
  expectReserved(cursor, 'do');
  const body = readBody(cursor, { words: ['done'] });
  expectReserved(cursor, 'done');
  return body;
}

/** The body of `for` and `select`: `do … done`; the undocumented `{ … }` is left out. */
function readLoopBody(cursor: Cursor): Statement[] {
  skipLines(cursor);
  if (peekBare(cursor) === '{') cursor.unsupported('a loop with braces instead of `do`');
  return readDoGroup(cursor);
}

function readFor(cursor: Cursor, type: 'for' | 'select'): Body {
  cursor.skipBlanks();
  if (type === 'for' && cursor.startsWith('((')) return readArithmeticFor(cursor);
  const variable = /^[A-Za-z_][A-Za-z0-9_]*$/.exec(readName(cursor))?.[0];
  if (variable === undefined) return cursor.unsupported('this loop variable');
  cursor.skipBlanks();
  if (cursor.peek() === ';' && cursor.peek(1) !== ';') {
    cursor.advance();
    return { type, variable, words: undefined, body: readLoopBody(cursor) };
  }
  skipLines(cursor);
  if (!takeReserved(cursor, 'in')) return { type, variable, words: undefined, body: readLoopBody(cursor) };
  const words: Word[] = [];
  for (;;) {
    cursor.skipBlanks();
    const char = cursor.peek();
    const isProcess = (char === '<' || char === '>') && cursor.peek(1) === '(';
    if (isMeta(char) && !isProcess) break;
    words.push(readWord(cursor, argumentUse));
  }
  if (cursor.peek() !== '\n' && (cursor.peek() !== ';' || cursor.peek(1) === ';')) {
    cursor.syntaxError('`;` or a newline was expected after the words of a loop');
  }
  if (cursor.peek() === ';') cursor.advance();
  return { type, variable, words, body: readLoopBody(cursor) };
}

function readName(cursor: Cursor): string {
  return readWord(cursor, singleUse, false).source;
}

function readArithmeticFor(cursor: Cursor): Body {
  const start = cursor.position;
  cursor.advance(2);
  const expressions: Arithmetic[] = [];
  for (let index = 0; index < 3; index++) {
    expressions.push(readArithmetic(cursor, ';'));
    if (index < 2 && cursor.peek() !== ';') cursor.syntaxError('`for ((` needs three expressions', start);
    if (index < 2) cursor.advance();
  }
  if (!cursor.startsWith('))')) cursor.syntaxError('`for ((` is not closed by `))`', start);
  cursor.advance(2);
  cursor.skipBlanks();
  if (cursor.peek() === ';' && cursor.peek(1) !== ';') cursor.advance();
  return { type: 'arithmetic-for', expressions, body: readLoopBody(cursor) };
}

function readCase(cursor: Cursor): Body {
  cursor.skipBlanks();
  if (isMeta(cursor.peek())) cursor.syntaxError('`case` needs a word');
  const subject = readWord(cursor, singleUse, false);
  skipLines(cursor);
  expectReserved(cursor, 'in');
  const items: { patterns: Word[]; body: Statement[] }[] = [];
  for (;;) {
    skipLines(cursor);
    if (takeReserved(cursor, 'esac')) break;
    const patterns = readPatterns(cursor);
    const body = cursor.nested(() => readList(cursor, { words: ['esac'], caseClause: true }));
    items.push({ patterns, body });
    const terminator = [';;&', ';;', ';&'].find((candidate) => cursor.startsWith(candidate));
    cursor.advance(terminator?.length ?? 0);
    if (terminator === undefined && peekBare(cursor) !== 'esac') cursor.syntaxError('`;;` or `esac` was expected');
  }
  return { type: 'case', subject, items };
}

function readPatterns(cursor: Cursor): Word[] {
  const patterns: Word[] = [];
  if (cursor.peek() === '(') {
    cursor.advance();
    cursor.skipBlanks();
  }
  for (;;) {
    if (isMeta(cursor.peek())) cursor.syntaxError('`case` needs a pattern here');
    patterns.push(readWord(cursor, patternUse));
    cursor.skipBlanks();
    const char = cursor.peek();
    if (char !== ')' && (char !== '|' || cursor.peek(1) === '|'))
      cursor.syntaxError('`)` was expected after a pattern');
    cursor.advance();
    if (char === ')') return patterns;
    cursor.skipBlanks();
  }
}

/** `coproc command`, `coproc NAME compound`. Source: bash(1) "Coprocesses". */
function readCoproc(cursor: Cursor, start: number): Statement {
  cursor.skipBlanks();
  const unnamed = cursor.nested(() => readCompound(cursor));
  if (unnamed?.type === 'function' || unnamed?.type === 'coproc') cursor.unsupported('this coprocess', start);
  let name: string | undefined;
  let body: Statement | undefined = unnamed;
  if (body === undefined) {
    const named = /^[A-Za-z_][A-Za-z0-9_]*(?=[ \t])/.exec(
      cursor.text.slice(cursor.position, cursor.position + 256),
    )?.[0];
    const before = cursor.position;
    if (named !== undefined) {
      cursor.advance(named.length);
      cursor.skipBlanks();
      body = cursor.nested(() => readCompound(cursor));
      if (body !== undefined) name = named;
      else cursor.position = before;
    }
  }
  if (body === undefined) {
    // There `coproc a b` is printed as `coproc COPROC a b`, which runs a program of that name.
    if (cursor.insideSubstitution) cursor.unsupported('a coprocess of one command inside a substitution', start);
    const { command, opensFunction } = readSimpleCommand(cursor);
    if (opensFunction) cursor.unsupported('a function as a coprocess', start);
    body = makeCommandStatement(command);
  }
  return { type: 'coproc', name, body, redirections: [], background: false, start, end: body.end };
}
