/** Offsets of a text as line and column, both from 1, and offsets inside a JSON string as offsets of its source. */

export interface TextPlaces {
  readonly at: (offset: number) => { readonly line: number; readonly column: number };
}

export function textPlaces(text: string): TextPlaces {
  const starts = [0];
  for (let index = text.indexOf('\n'); index >= 0; index = text.indexOf('\n', index + 1)) starts.push(index + 1);
  return {
    at: (offset) => {
      let low = 0;
      let high = starts.length - 1;
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        if ((starts[middle] ?? 0) <= offset) low = middle;
        else high = middle - 1;
      }
      return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
    },
  };
}

/** @param source the JSON string with its quotes. @returns the offset in it of unit `index` of the value. */
export function placeInString(source: string, index: number): number {
  let offset = 1;
  for (let count = 0; count < index && offset < source.length; count++) {
    if (source.charAt(offset) !== '\\') offset += 1;
    else offset += source.charAt(offset + 1) === 'u' ? 6 : 2;
  }
  return offset;
}
