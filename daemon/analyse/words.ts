/**
 * What the words of a command can become, given the variables that the same text assigned. Known is only what bash
 * would make of the word whatever the machine; everything else stays a piece of unknown value with what is certain about
 * it (RULES O9, O24): its beginning, whether it is one word, whether it could begin an option.
 */
import type { Word, WordPart } from '../parse/model.ts';
import { type Arg, anything, joinPieces, makeArg, type Piece, type Values } from './args.ts';
import { expandKnown, expandParameter } from './parameters.ts';
import { cutOff, type Draft, emptyDraft, type GrowingDraft, grow, isTooLarge } from './word-drafts.ts';

const maxAlternatives = 8;

/** The argument lists that the words can become; one, unless a variable has several known values. */
export function expandWords(words: readonly Word[], values: Values): readonly (readonly Arg[])[] {
  let lists: Arg[][] = [[]];
  for (const word of words) {
    const alternatives = expandWord(word, values);
    if (alternatives.length === 1) {
      const only = alternatives[0] ?? [];
      for (const list of lists) list.push(...only);
    } else if (lists.length * alternatives.length <= maxAlternatives) {
      lists = lists.flatMap((list) => alternatives.map((args) => [...list, ...args]));
    } else {
      const widened = widen(word, alternatives);
      for (const list of lists) list.push(widened);
    }
  }
  return lists;
}

/** The alternatives of one word, each a list of arguments. */
export function expandWord(word: Word, values: Values): readonly (readonly Arg[])[] {
  if (word.values !== undefined) {
    return [word.values.map((text): Arg => ({ word, pieces: [{ kind: 'known', text }], text, many: false }))];
  }
  let drafts: GrowingDraft[] = [emptyDraft()];
  for (const part of word.parts) {
    const options = expandPart(part, values, isAlone(word, part));
    const [option] = options;
    if (drafts.length * options.length > maxAlternatives) {
      const [draft = emptyDraft()] = drafts;
      grow(draft, { pieces: [anything], many: true });
      drafts = [draft];
    } else if (options.length === 1 && option !== undefined) {
      for (const draft of drafts) grow(draft, option);
    } else {
      drafts = drafts.flatMap((draft) => options.map((each) => grow({ ...draft, pieces: [...draft.pieces] }, each)));
    }
    if (drafts.some(isTooLarge)) drafts = [cutOff(drafts)];
  }
  return drafts.map((draft) => splitDraft(word, draft));
}

/** Whether nothing else stands in the word: the quotes around an expansion leave an empty literal before it. */
function isAlone(word: Word, part: WordPart): boolean {
  if (word.parts.length === 1) return true;
  const [first, second] = word.parts;
  const quotes = first?.type === 'literal' && first.quoted && first.value === '';
  return word.parts.length === 2 && quotes && second === part && 'quoted' in part && part.quoted;
}

/** The value that an assignment or a here-string makes of a word: one string, never split. */
export function expandValue(word: Word, values: Values): readonly (readonly Piece[])[] {
  if (word.values?.length === 1) return [[{ kind: 'known', text: word.values[0] ?? '' }]];
  const quiet: Values = { ...values, oddSplitting: false };
  let drafts: GrowingDraft[] = [emptyDraft()];
  for (const part of word.parts) {
    const options = expandPart(quoted(part), quiet, false);
    if (drafts.length * options.length > maxAlternatives) return [[anything]];
    const [option] = options;
    if (options.length === 1 && option !== undefined) for (const draft of drafts) grow(draft, option);
    else drafts = drafts.flatMap((draft) => options.map((each) => grow({ ...draft, pieces: [...draft.pieces] }, each)));
    if (drafts.some(isTooLarge)) drafts = [cutOff(drafts)];
  }
  return drafts.map(({ pieces }) => joinPieces(pieces));
}

function splitDraft(word: Word, draft: Draft): readonly Arg[] {
  if (draft.fields !== undefined) {
    return draft.fields.map((pieces) => makeArg(word, pieces, false));
  }
  return [makeArg(word, draft.pieces, draft.many)];
}

function quoted(part: WordPart): WordPart {
  if (part.type === 'glob')
    return { type: 'literal', value: part.value, quoted: true, start: part.start, end: part.end };
  return 'quoted' in part && !part.quoted ? { ...part, quoted: true } : part;
}

function expandPart(part: WordPart, values: Values, alone: boolean): readonly Draft[] {
  switch (part.type) {
    case 'literal':
      return [{ pieces: [{ kind: 'known', text: part.value }], many: false }];
    case 'glob':
      return [{ pieces: [{ kind: 'glob', text: part.value }], many: true }];
    case 'tilde':
      return [{ pieces: [expandTilde(part.value, values)], many: false }];
    case 'brace':
      return expandBrace(part.words, values);
    case 'arithmetic':
      return [{ pieces: [{ kind: 'number' }], many: false }];
    case 'process':
      return [{ pieces: [{ kind: 'place', free: true }], many: false }];
    case 'substitution': {
      const known = values.substitution(part);
      if (known !== undefined) return [expandKnown(known, !part.quoted, alone, values)];
      return [{ pieces: [anything], many: !part.quoted }];
    }
    case 'parameter':
      return expandParameter(part, values, alone, expandValue);
  }
}

function expandTilde(value: string, values: Values): Piece {
  if (value === '') return { kind: 'known', text: values.home };
  if (value === '+' && values.cwd !== undefined) return { kind: 'known', text: values.cwd };
  if (value === '+' || value === '-') return { kind: 'value', variable: undefined, assigned: true, empty: false };
  return { kind: 'place', free: false };
}

function expandBrace(words: readonly Word[], values: Values): readonly Draft[] {
  const drafts = words.flatMap((word) =>
    expandWord(word, values).flatMap((args) => args.map((arg) => ({ pieces: arg.pieces, many: true }))),
  );
  return drafts.length === 0 || drafts.length > maxAlternatives ? [{ pieces: [anything], many: true }] : drafts;
}

function widen(word: Word, alternatives: readonly (readonly Arg[])[]): Arg {
  const many = alternatives.some((args) => args.length !== 1 || args[0]?.many === true);
  const texts = alternatives.map((args) => args.map((arg) => arg.text ?? '\u0000').join(' '));
  const prefix = commonPrefix(texts);
  return makeArg(word, [{ kind: 'known', text: many ? '' : prefix }, anything], many);
}

function commonPrefix(texts: readonly string[]): string {
  const [first = ''] = texts;
  let length = first.length;
  for (const text of texts) {
    while (length > 0 && !text.startsWith(first.slice(0, length))) length -= 1;
  }
  const cut = first.indexOf('\u0000');
  return first.slice(0, cut < 0 ? length : Math.min(length, cut));
}
