/**
 * Policy files on disk: read when they changed, written in one step. A file that anyone on the machine could write is not
 * read: another user could widen what runs here.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  type StatOptions,
  type Stats,
  statSync,
} from 'node:fs';
import { SbxError } from '../../client/protocol/errors.ts';
import { showText } from '../../client/protocol/visible.ts';
import { whileLocked } from './file-lock.ts';
import { addRules } from './policy-edit.ts';
import { replaceFile, resolveTarget } from './replace-file.ts';

/** Far above any policy written by hand; a larger file is a mistake, and would stall every decision. */
const maxPolicyBytes = 1024 * 1024;

type Unreadable<T> = (message: string, help: string | undefined) => T;

/** One policy file, parsed again only after it changed: one `stat` while it does not. */
export class PolicyFile<T> {
  readonly path: string;
  readonly #parse: (text: string) => T;
  readonly #unreadable: Unreadable<T>;
  #version: string | undefined;
  #value: T | undefined;

  /** @param unreadable makes the value that stands for a file that is there and cannot be used. */
  constructor(file: string, parsed: (text: string) => T, unreadable: Unreadable<T>) {
    this.path = file;
    this.#parse = parsed;
    this.#unreadable = unreadable;
  }

  /** Undefined when there is no such file. Never throws. */
  read(): T | undefined {
    try {
      const version = versionOf(this.path);
      if (version === undefined) {
        this.#version = undefined;
        this.#value = undefined;
      } else if (version !== this.#version) {
        const found = readRegularFile(this.path);
        this.#value = found === undefined ? undefined : this.#parse(found.text);
        // Last: a file whose reading failed is looked at again.
        this.#version = found?.version;
      }
    } catch (error) {
      this.#version = undefined;
      const help = error instanceof SbxError ? error.help : undefined;
      this.#value = this.#unreadable((error as Error).message, help);
    }
    return this.#value;
  }

  /** The next read looks again, whatever the file's time says. */
  forget(): void {
    this.#version = undefined;
  }
}

const lookOptions = { throwIfNoEntry: false } as const satisfies StatOptions & { throwIfNoEntry: false };

/** Another one after every change of content, rights or name. Undefined when there is no such file. */
export function versionOf(file: string): string | undefined {
  try {
    const stat = statSync(file, lookOptions);
    return stat === undefined ? undefined : showVersion(stat);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return undefined;
    throw new SbxError('bad-policy', `the file cannot be read: ${code ?? (error as Error).message}`);
  }
}

/** Times to the microsecond, which is finer than the kernel's own tick. */
function showVersion({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

function readRegularFile(file: string): { text: string; version: string } | undefined {
  let descriptor: number;
  try {
    // Without O_NONBLOCK a named pipe in the file's place would hold the daemon.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new SbxError('bad-policy', `the file cannot be read: ${code ?? (error as Error).message}`);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new SbxError('bad-policy', 'it is not a regular file');
    if ((stat.mode & 0o002) !== 0) {
      throw new SbxError('bad-policy', 'anyone on this machine can write the file, so it is not used', {
        help: `run: chmod o-w ${file}`,
      });
    }
    if (stat.size > maxPolicyBytes) throw new SbxError('bad-policy', `the file is over ${maxPolicyBytes} bytes`);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(descriptor));
    return { text, version: showVersion(stat) };
  } catch (error) {
    if (error instanceof TypeError) throw new SbxError('bad-policy', 'the file is not valid UTF-8');
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Adds rules to a list of a policy file, which is made when it is missing. Rules that stand there already are not
 * repeated; comments and layout stay.
 * @param initial text of a file that is made.
 * @throws {SbxError} `bad-policy` when the file has errors or cannot be written; it is then unchanged.
 */
export function saveRules(
  file: string,
  rules: readonly string[],
  list: 'allow' | 'ask' | 'deny' = 'allow',
  initial = '',
): void {
  editPolicy(file, (before) => addRules(before.trim() === '' ? initial : before, rules, list));
}

/** @throws {SbxError} `bad-policy` when the file has errors or cannot be written; it is then unchanged. */
export function editPolicy(file: string, edit: (text: string) => string): void {
  const target = resolveTarget(file);
  try {
    whileLocked(target, () => {
      const before = readPolicyText(target);
      const after = edit(before);
      if (after !== before) replaceFile(target, after);
    });
  } catch (error) {
    throw error instanceof SbxError ? error : cannotSave(target, error);
  }
}

function readPolicyText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw cannotSave(file, error);
  }
}

function cannotSave(file: string, error: unknown): SbxError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new SbxError('bad-policy', `the rule cannot be saved in \`${showText(file)}\`: ${code ?? message}`, {
    help: 'check that the folder belongs to you and has free space',
    cause: error,
  });
}
