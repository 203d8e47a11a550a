/**
 * A bearer token in a file, for both sides: the daemon that asks for it and the client that shows it. Attack it stands
 * against: a token that another account could read, put there itself, or guess.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type ErrorCode, SbxError } from './errors.ts';

const minTokenLength = 32;
const maxTokenLength = 1024;

/** Source: RFC 6750 2.1 `b64token` */
const tokenPattern = /^[A-Za-z0-9._~+/-]+=*$/;

/** Why the text cannot be a token, as the end of a sentence; undefined when it can. Never repeats the text. */
export function findTokenFault(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (/\s/.test(text)) return 'has a blank or a line end inside the token';
  if (text.length < minTokenLength) return `is shorter than ${minTokenLength} characters`;
  if (text.length > maxTokenLength) return `is longer than ${maxTokenLength} characters`;
  return tokenPattern.test(text) ? undefined : 'has a character that no Authorization header can carry';
}

function readWhole(fd: number): string {
  const bytes = Buffer.alloc(maxTokenLength + 3);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read) {
    read = readSync(fd, bytes, length, bytes.length - length, null);
  }
  return bytes.toString('latin1', 0, length).replace(/\r?\n$/, '');
}

/**
 * The token without the line end that editors leave.
 * @throws {SbxError} `code` unless it is a regular file of this user, readable by nobody else, with one whole token
 */
export function readTokenFile(file: string, uid: number, code: ErrorCode): string {
  const refuse = (fault: string, help: string, cause?: unknown) =>
    new SbxError(code, `the token file \`${file}\` ${fault}`, { help, cause });
  let fd: number;
  try {
    // Not blocking: a named pipe must not make the reader wait.
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code: reason } = error as NodeJS.ErrnoException;
    if (reason === 'ELOOP') throw refuse('is a symbolic link', 'name the file itself', error);
    throw refuse(
      reason === 'ENOENT' ? 'does not exist' : `cannot be read (${reason})`,
      'name a file of your own with mode 600',
      error,
    );
  }
  try {
    const status = fstatSync(fd);
    if (!status.isFile()) throw refuse('is no regular file', 'name a file of your own with mode 600');
    if (status.uid !== uid) throw refuse(`belongs to user id ${status.uid}`, 'copy it to a file of your own');
    if ((status.mode & 0o077) !== 0) {
      throw refuse(
        `has mode ${(status.mode & 0o777).toString(8)}, so others can use it`,
        'make it yours alone (mode 600), or name another file',
      );
    }
    const token = readWhole(fd);
    const fault = findTokenFault(token);
    if (fault !== undefined) throw refuse(fault, 'put one token in it: openssl rand -base64 32');
    return token;
  } finally {
    closeSync(fd);
  }
}
