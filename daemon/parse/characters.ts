/**
 * Characters that make a person see another text than bash reads. Attack: a carriage return or an escape sequence hides
 * the rest of a line in a terminal, a bidi control reorders it, a no-break space looks like a blank but glues two words
 * into the name of another program. Some are refused anywhere, the others outside quotes only, where they can change
 * which words there are and never belong to prose.
 *
 * Sources: Unicode Standard Annex #9 (bidi controls), UTS #39 section 5 (invisible characters), CVE-2021-42574; bash(1)
 * "metacharacter": only space, tab and newline separate words.
 */
import { Stop } from './stop.ts';

interface CharacterClass {
  readonly first: number;
  readonly last: number;
  readonly name: string;
}

const refusedAnywhere: readonly CharacterClass[] = [
  { first: 0x00, last: 0x08, name: 'control character' },
  { first: 0x0b, last: 0x0c, name: 'control character' },
  { first: 0x0d, last: 0x0d, name: 'carriage return' },
  { first: 0x0e, last: 0x1a, name: 'control character' },
  { first: 0x1b, last: 0x1b, name: 'escape character' },
  { first: 0x1c, last: 0x1f, name: 'control character' },
  { first: 0x7f, last: 0x9f, name: 'control character' },
  { first: 0x061c, last: 0x061c, name: 'bidirectional control' },
  { first: 0x200e, last: 0x200f, name: 'bidirectional control' },
  { first: 0x202a, last: 0x202e, name: 'bidirectional control' },
  { first: 0x2066, last: 0x2069, name: 'bidirectional control' },
  { first: 0xd800, last: 0xdfff, name: 'lone surrogate' },
  { first: 0xe0000, last: 0xe007f, name: 'invisible tag character' },
];

const refusedOutsideQuotes: readonly CharacterClass[] = [
  { first: 0x00a0, last: 0x00a0, name: 'no-break space, which bash does not treat as a blank,' },
  { first: 0x00ad, last: 0x00ad, name: 'soft hyphen' },
  { first: 0x034f, last: 0x034f, name: 'invisible joiner' },
  { first: 0x115f, last: 0x1160, name: 'invisible filler' },
  { first: 0x1680, last: 0x1680, name: 'blank that bash does not treat as one' },
  { first: 0x17b4, last: 0x17b5, name: 'invisible vowel' },
  { first: 0x180b, last: 0x180f, name: 'variation selector' },
  { first: 0x2000, last: 0x200a, name: 'blank that bash does not treat as one' },
  { first: 0x200b, last: 0x200d, name: 'zero-width character' },
  { first: 0x2028, last: 0x2029, name: 'line separator that bash does not treat as one' },
  { first: 0x202f, last: 0x202f, name: 'blank that bash does not treat as one' },
  { first: 0x205f, last: 0x205f, name: 'blank that bash does not treat as one' },
  { first: 0x2060, last: 0x2065, name: 'zero-width character' },
  { first: 0x206a, last: 0x206f, name: 'invisible format character' },
  { first: 0x2800, last: 0x2800, name: 'blank that bash does not treat as one' },
  { first: 0x3000, last: 0x3000, name: 'blank that bash does not treat as one' },
  { first: 0x3164, last: 0x3164, name: 'invisible filler' },
  { first: 0xfe00, last: 0xfe0f, name: 'variation selector' },
  { first: 0xfeff, last: 0xfeff, name: 'zero-width character' },
  { first: 0xffa0, last: 0xffa0, name: 'invisible filler' },
  { first: 0xfff9, last: 0xfffb, name: 'invisible annotation character' },
  { first: 0xe0100, last: 0xe01ef, name: 'variation selector' },
];

/** A quick way past ordinary text; everything it matches is then looked up in the table. */
const suspicious = /[^\t\n\x20-\x7e\xa0-\u061b\u061d-\u200d\u2010-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\uffff]/g;

function findClass(classes: readonly CharacterClass[], code: number): CharacterClass | undefined {
  return classes.find(({ first, last }) => code >= first && code <= last);
}

function describe(name: string, code: number): string {
  return `${name} U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** @throws {Stop} control-character for the first character that may stand nowhere, quotes included. */
export function refuseControlCharacters(text: string): void {
  for (const { index } of text.matchAll(suspicious)) {
    const code = text.codePointAt(index) ?? 0;
    const pairTail = code >= 0xdc00 && code <= 0xdfff && (text.codePointAt(index - 1) ?? 0) > 0xffff;
    const found = pairTail ? undefined : findClass(refusedAnywhere, code);
    if (found !== undefined) {
      const message = `the text has the ${describe(found.name, code)}, which can make it look other than it runs`;
      throw new Stop('control-character', message, index, index + (code > 0xffff ? 2 : 1));
    }
  }
}

/** @throws {Stop} control-character when the character at `position`, which is outside quotes, is invisible or a false blank. */
export function refuseHiddenCharacter(text: string, position: number): void {
  const code = text.codePointAt(position) ?? 0;
  if (code < 0xa0) return;
  const found = findClass(refusedOutsideQuotes, code);
  if (found !== undefined) {
    const message = `a ${describe(found.name, code)} stands outside quotes`;
    throw new Stop('control-character', message, position, position + (code > 0xffff ? 2 : 1));
  }
}
