/**
 * The pattern inside `Bash(…)`: `*` matches any text including blanks and newlines, a trailing ` *` or `:*` also matches
 * the bare prefix, and there is no other syntax (RULES B1–B9, B13). Compiled once when a policy loads; a plain match
 * takes time linear in the text, whatever the pattern.
 */
import { anyText, literalTokens, type Token } from './glob.ts';

export interface CommandPattern {
  /** The pattern with runs of blanks outside quotes collapsed and `:*` spelled ` *`. */
  readonly text: string;
  /** No wildcard: the rule is this very text. */
  readonly exact: boolean;
  /** Literal pieces between wildcards. A trailing ` *` gives two forms, with and without the tail. */
  readonly forms: readonly (readonly string[])[];
  readonly tokens: readonly Token[];
  /** For restrictions: the program without its folder and operands without `./`, where that differs (RULES O2, O27). */
  readonly plain: CommandPattern | undefined;
}

export interface PatternProblem {
  readonly message: string;
  /** Index in the pattern as written. */
  readonly offset: number;
  readonly help: string;
}

/** Undefined stands for a pattern that covers every command: `*` (RULES G2). */
export function parseCommandPattern(source: string): CommandPattern | PatternProblem | undefined {
  if (source.trim() === '') {
    return { message: 'the pattern is empty', offset: 0, help: 'write `Bash` to mean every command' };
  }
  let text = collapseBlanks(source);
  if (text === '*') return undefined;
  if (text.endsWith(':*')) {
    const other = source.indexOf('*');
    if (other < source.lastIndexOf('*')) {
      return {
        message: 'a pattern that ends in `:*` can have no other `*`',
        offset: other,
        help: 'end the pattern with ` *` instead of `:*`',
      };
    }
    if (text === ':*')
      return { message: 'no program stands before `:*`', offset: 0, help: 'write `Bash` to mean every command' };
    text = `${text.slice(0, -2)} *`;
  }
  return compile(normaliseProgram(text));
}

function compile(text: string): CommandPattern {
  const full = text.split(/\*+/);
  const tailed = text.endsWith(' *');
  const forms = tailed ? [full, text.slice(0, -2).split(/\*+/)] : [full];
  const plain = plainText(text);
  let tokens: readonly Token[] | undefined;
  return {
    text,
    exact: !text.includes('*'),
    forms,
    // One object a character, and most rules of a policy never need them.
    get tokens() {
      tokens ??= tokensOf(text, tailed);
      return tokens;
    },
    plain: plain === text ? undefined : compile(plain),
  };
}

function plainText(text: string): string {
  const [program = '', ...operands] = text.split(' ');
  const name = /^\.{0,2}\/(?:[^*]*\/)?([^/*]+)$/.exec(program)?.[1] ?? program;
  return [name, ...operands.map((operand) => operand.replace(/^(?:\.\/)+(?=[^*])/, ''))].join(' ');
}

export function matchesPattern(pattern: CommandPattern, text: string): boolean {
  return pattern.forms.some((pieces) => matchesPieces(pieces, text));
}

function matchesPieces(pieces: readonly string[], text: string): boolean {
  const first = pieces[0] ?? '';
  if (pieces.length === 1) return text === first;
  const last = pieces[pieces.length - 1] ?? '';
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (let index = 1; index < pieces.length - 1; index++) {
    const piece = pieces[index] ?? '';
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

function tokensOf(text: string, tailed: boolean): readonly Token[] {
  const body = tailed ? text.slice(0, -2) : text;
  const tokens: Token[] = body
    .split(/(\*+)/)
    .flatMap((piece) => (piece.startsWith('*') ? [anyText] : literalTokens(piece)));
  if (tailed) tokens.push({ skip: 2 }, ' ', anyText);
  return tokens;
}

/** Runs of blanks outside quotes become one space; blanks at both ends go (RULES B9). */
export function collapseBlanks(source: string): string {
  let result = '';
  let quote = '';
  let pending = false;
  for (let index = 0; index < source.length; index++) {
    const unit = source.charAt(index);
    if (quote === '' && (unit === ' ' || unit === '\t')) {
      pending = result !== '';
      continue;
    }
    if (pending) result += ' ';
    pending = false;
    result += unit;
    if (unit === '\\' && quote !== "'") {
      index++;
      result += source.charAt(index);
    } else if (quote === '' ? unit === "'" || unit === '"' : unit === quote) {
      quote = quote === '' ? unit : '';
    }
  }
  return result;
}

/** The program part without `//`, `/./` and `a/..`, so that no spelling of a path widens or hides it (RULES O18). */
function normaliseProgram(text: string): string {
  const blank = text.indexOf(' ');
  const program = blank < 0 ? text : text.slice(0, blank);
  if (!program.includes('/') || /[*'"\\$`]/.test(program)) return text;
  return normaliseRelative(program) + (blank < 0 ? '' : text.slice(blank));
}

/** Resolves `.`, `..` and repeated slashes as text. A leading `./` stays: bash treats `./x` and `x` differently. */
export function normaliseRelative(path: string): string {
  const absolute = path.startsWith('/');
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..' && segments.length > 0 && segments[segments.length - 1] !== '..') segments.pop();
    else if (segment !== '..' || !absolute) segments.push(segment);
  }
  const joined = segments.join('/');
  if (absolute) return `/${joined}`;
  if (joined === '') return '.';
  return path.startsWith('./') && !joined.startsWith('..') ? `./${joined}` : joined;
}

/** The same for an operand; an option or address stays as it is. */
export function normaliseOperand(value: string): string {
  if (!value.includes('/') || value.startsWith('-') || value.includes('://')) return value;
  return normaliseRelative(value).replace(/^\.\//, '') + (value.endsWith('/') && value.length > 1 ? '/' : '');
}
