/** The command of a request as bash text: exactly one of shell text and argv, and nothing that bash could not be given. */
import { SbxError } from '../../client/protocol/errors.ts';
import { limits } from '../../client/protocol/limits.ts';
import { quoteArgv } from './quote.ts';

export interface CommandWish {
  readonly command?: string | undefined;
  readonly argv?: readonly string[] | undefined;
}

/** @throws {SbxError} `bad-request`, `empty-command`, `bad-command` */
export function commandText(wish: CommandWish): string {
  if ((wish.command === undefined) === (wish.argv === undefined)) {
    throw new SbxError('bad-request', 'a request has exactly one of `command` and `argv`');
  }
  const words = wish.argv ?? [wish.command ?? ''];
  if (words.some((word) => word.includes('\0'))) {
    throw new SbxError('bad-command', 'the command has a NUL byte, which no program can be given', {
      help: 'remove it, or pass the bytes on standard input',
    });
  }
  if (words.some((word) => !word.isWellFormed())) {
    throw new SbxError('bad-command', 'the command is not valid Unicode text', { help: 'pass it as UTF-8' });
  }
  const text = wish.argv === undefined ? (wish.command ?? '') : quoteArgv(wish.argv);
  if (words[0] === '' || text.trim() === '') {
    throw new SbxError('empty-command', 'the command is empty', {
      help: "say what to run, for example sbx run 'npm test'",
    });
  }
  if (Buffer.byteLength(text) > limits.maxCommandBytes) {
    throw new SbxError('bad-command', `the command is longer than ${limits.maxCommandBytes} bytes`, {
      help: 'put it into a script file and run that',
    });
  }
  return text;
}
