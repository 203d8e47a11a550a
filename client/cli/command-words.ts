/** What the words after the options mean: shell text, or an argv that the daemon quotes. */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { SbxError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { ReadWords } from './read-options.ts';

export type CommandWords = { readonly command: string } | { readonly argv: string[] };

/**
 * Node turns argument bytes that are not UTF-8 into U+FFFD, so that what is decided on would not be what was typed.
 * Where the system shows a process its own argument bytes, those are looked at.
 */
function hasBrokenText(words: readonly string[]): boolean {
  if (!words.some((word) => word.includes('\ufffd'))) return false;
  try {
    return !isUtf8(readFileSync('/proc/self/cmdline'));
  } catch {
    return false;
  }
}

/** @throws {SbxError} `bad-usage`, `empty-command`, `bad-command` */
export function readCommandWords(
  { words, separated }: Pick<ReadWords<Record<string, never>>, 'words' | 'separated'>,
  usage: string,
): CommandWords {
  const [first] = words;
  if (first === undefined) throw new SbxError('bad-usage', 'the command is missing', { help: `write ${usage}` });
  if (first.trim() === '') throw new SbxError('empty-command', 'the command is empty', { help: `write ${usage}` });
  if (hasBrokenText(words)) {
    throw new SbxError('bad-command', 'the command is not valid UTF-8', {
      help: 'put such bytes into a file and name the file',
    });
  }
  if (words.reduce((sum, word) => sum + Buffer.byteLength(word), 0) > limits.maxCommandBytes) {
    throw new SbxError('bad-command', `the command is longer than ${limits.maxCommandBytes} bytes`, {
      help: 'put it into a file and run the file',
    });
  }
  return words.length === 1 && !separated ? { command: first } : { argv: [...words] };
}
