/**
 * Names of files are bytes. Inside the guard they are strings with one character per byte, so that a name which is no
 * text is found, compared and moved like any other.
 */

/** Of a path that the rest of the program knows as text. */
export function toRaw(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** For the functions of `fs`. */
export function rawPath(raw: string): Buffer {
  return Buffer.from(raw, 'latin1');
}

/** For people; not always the same name again. */
export function rawText(raw: string): string {
  return Buffer.from(raw, 'latin1').toString();
}

/** Undefined when the name is no text: then nothing outside the guard can name it. */
export function exactText(raw: string): string | undefined {
  const text = rawText(raw);
  return toRaw(text) === raw ? text : undefined;
}
