/**
 * A word while its parts are expanded one after the other. One that grows larger than anybody could write it counts as
 * unknown from there on, so hostile text cannot fill the memory.
 */
import { anything, joinPieces, type Piece } from './args.ts';

/**
 * Pieces, and characters, of one word or value. Attack: `a=$b$b; b=$a$a; …` doubles with every assignment and fills the memory;
 * what nobody could write out in one text counts as unknown from here on. Characters as in the longest text that is counted.
 */
const maxPieces = 1_000;
const maxValueLength = 10_000;

export interface Draft {
  readonly pieces: readonly Piece[];
  readonly many: boolean;
  /** The words it becomes, where that is known and may not be one (`$x` with blanks in its value, an array). */
  readonly fields?: readonly (readonly Piece[])[] | undefined;
}

/** A draft that is added to in place: a word has as many parts as it has characters, and each copy would be as long. */
export interface GrowingDraft {
  readonly pieces: Piece[];
  many: boolean;
  fields: Draft['fields'];
  /** Known characters. */
  length: number;
}

export function emptyDraft(): GrowingDraft {
  return { pieces: [], many: false, fields: undefined, length: 0 };
}

export function grow(draft: GrowingDraft, by: Draft): GrowingDraft {
  for (const piece of by.pieces) {
    draft.pieces.push(piece);
    if (piece.kind === 'known') draft.length += piece.text.length;
  }
  draft.many ||= by.many;
  draft.fields = by.fields;
  return draft;
}

/** How it begins stays known where that is certain: it tells an option from an operand. */
export function cutOff(drafts: readonly GrowingDraft[]): GrowingDraft {
  const [only] = drafts.length === 1 ? joinPieces(drafts[0]?.pieces ?? []) : [];
  const beginning: readonly Piece[] =
    only?.kind === 'known' ? [{ kind: 'known', text: only.text.slice(0, maxPieces) }] : [];
  const many = drafts.some((draft) => draft.many);
  return grow(emptyDraft(), { pieces: [...beginning, anything], many });
}

export function isTooLarge({ pieces, length }: GrowingDraft): boolean {
  return pieces.length > maxPieces || length > maxValueLength;
}
