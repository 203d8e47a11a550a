/** Our own reading of a text: characters, then grammar, then numbering. The other parsers only confirm it. */
import { refuseControlCharacters } from './characters.ts';
import { Cursor } from './cursor.ts';
import { maxTextLength } from './limits.ts';
import type { ParsedScript } from './model.ts';
import { numberCommands } from './numbering.ts';
import { grammar } from './statements.ts';
import { Stop } from './stop.ts';

/** @throws {Stop} when the text has no certain reading or is over a limit. */
export function readScript(text: string): ParsedScript {
  if (text.length > maxTextLength) {
    throw new Stop('too-long', `the text is longer than ${maxTextLength} characters`, 0, text.length);
  }
  refuseControlCharacters(text);
  const cursor = new Cursor(text, grammar);
  const body = cursor.grammar.readWholeBody(cursor);
  return { kind: 'script', text, body, commands: numberCommands(body) };
}
