/** Lays text out in columns on a terminal, where one character is not always one cell. */

/**
 * East Asian wide and fullwidth characters, and emoji. Source: UAX #11, by script where the property itself is not to be
 * had; a character misjudged shifts a column and nothing else.
 */
const wide =
  /^(?:\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}|[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6])/u;

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

function* cells(text: string): Generator<readonly [string, number]> {
  for (const { segment } of segmenter.segment(text)) yield [segment, wide.test(segment) ? 2 : 1];
}

export function measureText(text: string): number {
  let width = 0;
  for (const [, cellCount] of cells(text)) width += cellCount;
  return width;
}

/** No wider than `width`, with `…` where something is missing. */
export function cutText(text: string, width: number): string {
  if (measureText(text) <= width) return text;
  let shown = '';
  let left = width - 1;
  for (const [segment, cellCount] of cells(text)) {
    left -= cellCount;
    if (left < 0) break;
    shown += segment;
  }
  return `${shown}…`;
}

/** The last column takes what is left of `width`; columns that are empty in every row but the head are left out. */
export function layOut(head: readonly string[], rows: readonly (readonly string[])[], width: number): string[] {
  const used = head.map((_, column) => column).filter((column) => rows.some((row) => row[column] !== ''));
  const all = [head, ...rows].map((row) => used.map((column) => row[column] ?? ''));
  const widths = used.map((_, column) => Math.max(...all.map((row) => measureText(row[column] ?? ''))));
  return all.map((row) => {
    const padded = row.map((text, column) =>
      column === row.length - 1 ? text : text + ' '.repeat((widths[column] ?? 0) - measureText(text)),
    );
    return cutText(padded.join('  '), width);
  });
}
