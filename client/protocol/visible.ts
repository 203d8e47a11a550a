/**
 * Makes text safe to show: nothing in it can move the cursor, reorder or hide what stands beside it. Attack it stands
 * against: a command whose text on the terminal differs from what runs (escape sequences, bidi overrides, zero-width
 * and look-alike blank characters).
 */

/**
 * Controls, format characters (bidi, zero width, tags), line and paragraph separators, lone surrogates, private use,
 * everything that Unicode says to draw as nothing, and blanks other than the space.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;

function escapeCharacter(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  if (character === '\r') return '\\r';
  if (point < 0x100) return `\\x${point.toString(16).padStart(2, '0')}`;
  return point < 0x1_0000 ? `\\u${point.toString(16).padStart(4, '0')}` : `\\U${point.toString(16).padStart(8, '0')}`;
}

/** On one line: line ends are shown as `\n` too. */
export function showText(text: string): string {
  return text.replace(hidden, escapeCharacter);
}

/** As `showText`, but line feeds stay line ends; for text that is shown as a block. */
export function showBlock(text: string): string {
  return text.replace(hidden, (character) => (character === '\n' ? character : escapeCharacter(character)));
}
