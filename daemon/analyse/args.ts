/**
 * An argument as the program would see it, in pieces of which some are known: what is certain about it (RULES O9, O24), its
 * beginning, whether it is one word, whether it could begin an option.
 */
import type { Word, WordPart } from '../parse/model.ts';

export type Piece =
  | { readonly kind: 'known'; readonly text: string }
  /** Expands to names of files; cannot cross a slash. */
  | { readonly kind: 'glob'; readonly text: string }
  /** Digits, perhaps with a sign. */
  | { readonly kind: 'number' }
  /** An absolute path of no interest: `~user`, `/dev/fd/63`. */
  | { readonly kind: 'place'; readonly free: boolean }
  /** Anything. `variable` is its name when it is one; `empty` whether it can be the empty string. */
  | {
      readonly kind: 'value';
      readonly variable: string | undefined;
      readonly assigned: boolean;
      readonly empty: boolean;
      /** One word that begins with a letter or digit, if it is not empty. */
      readonly plain?: boolean;
      /** What a search of the folder before it found: it cannot lead out of that folder. */
      readonly below?: boolean;
      /** The simple command that prints it, all of its output or a line of it. */
      readonly printedBy?: number;
      /** Unless it is empty: this, and then letters and digits. */
      readonly begins?: string;
    };

/** Elements in their order, from the first. */
export type KnownList = readonly (readonly Piece[])[];

/** One argument as the program would see it. */
export interface Arg {
  readonly word: Word;
  readonly pieces: readonly Piece[];
  /** The argument, when it is known. */
  readonly text: string | undefined;
  /** May be no word, or several: an unquoted expansion or a glob. */
  readonly many: boolean;
}

/** What is known about variables at one point of the text. Each value is a list of alternatives. */
export interface Values {
  readonly lookUp: (name: string) => readonly (readonly Piece[])[] | undefined;
  /** The elements of an array, or of the positional parameters under `@`; one list for each way they can turn out. */
  readonly lookUpList?: (name: string) => readonly KnownList[] | undefined;
  readonly home: string;
  readonly cwd: string | undefined;
  /** `IFS` was touched: unquoted values split nobody knows where. */
  readonly oddSplitting: boolean;
  /** The value of a command substitution, where the analysis knows it. */
  readonly substitution: (part: WordPart & { readonly type: 'substitution' }) => readonly Piece[] | undefined;
}

/** A value of which nothing is known. */
export const anything: Piece = { kind: 'value', variable: undefined, assigned: true, empty: true };

export function makeArg(word: Word, pieces: readonly Piece[], many: boolean): Arg {
  const merged = joinPieces(pieces);
  const [only] = merged;
  const text = merged.length === 0 ? '' : merged.length === 1 && only?.kind === 'known' ? only.text : undefined;
  return { word, pieces: merged, text, many: many && text === undefined };
}

/** Pieces with neighbouring known text as one. */
export function joinPieces(pieces: readonly Piece[]): readonly Piece[] {
  const out: Piece[] = [];
  for (const piece of pieces) {
    const last = out.at(-1);
    if (piece.kind === 'known' && last?.kind === 'known')
      out[out.length - 1] = { kind: 'known', text: last.text + piece.text };
    else if (piece.kind !== 'known' || piece.text !== '') out.push(piece);
  }
  return out;
}

/** The known beginning of an argument. */
export function prefixOf(arg: Arg): string {
  const first = arg.pieces[0];
  return first?.kind === 'known' ? first.text : '';
}

/** Whether the argument, its value being unknown, could begin with a dash (RULES O24). */
export function couldBeOption(arg: Arg): boolean {
  if (arg.text !== undefined) return false;
  const first = arg.pieces[0];
  if (first === undefined) return false;
  if (first.kind === 'known')
    return arg.many && arg.pieces.some((piece) => piece.kind === 'value' && piece.plain !== true);
  return (first.kind === 'value' && first.plain !== true) || first.kind === 'glob';
}

/** What is left of an argument after its first `length` known characters. */
export function argFrom(arg: Arg, length: number): Arg {
  const first = arg.pieces[0];
  if (first?.kind !== 'known') return arg;
  const rest = first.text.slice(length);
  const pieces: readonly Piece[] =
    rest === '' ? arg.pieces.slice(1) : [{ kind: 'known', text: rest }, ...arg.pieces.slice(1)];
  return { ...arg, pieces, text: arg.text?.slice(length) };
}
