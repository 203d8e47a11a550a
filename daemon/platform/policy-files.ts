/**
 * Policy files on disk: read when they changed, written in one step with comments kept. A file that anyone on the
 * machine could write is not read: another user could widen what runs here.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { applyEdits, modify, type ParseError, parse } from 'jsonc-parser';
import { SbxError } from '../../client/protocol/errors.ts';
import { showText } from '../../client/protocol/visible.ts';

/** Far above any policy written by hand; a larger file is a mistake, and would stall every decision. */
const maxPolicyBytes = 1024 * 1024;

/** One policy file, parsed again only after it changed. */
export class PolicyFile<T> {
  readonly path: string;
  readonly #parse: (text: string) => T;
  readonly #unreadable: (message: string, help: string | undefined) => T;
  #version: string | undefined;
  #value: T | undefined;

  /** @param unreadable makes the value that stands for a file that is there and cannot be used. */
  constructor(file: string, parsed: (text: string) => T, unreadable: (message: string, help: string | undefined) => T) {
    this.path = file;
    this.#parse = parsed;
    this.#unreadable = unreadable;
  }

  /** Undefined when there is no such file. Never throws. */
  read(): T | undefined {
    try {
      const found = readRegularFile(this.path, this.#version);
      if (found === 'unchanged') return this.#value;
      this.#version = found?.version;
      this.#value = found === undefined ? undefined : this.#parse(found.text);
    } catch (error) {
      this.#version = undefined;
      const help = error instanceof SbxError ? error.help : undefined;
      this.#value = this.#unreadable((error as Error).message, help);
    }
    return this.#value;
  }
}

function readRegularFile(
  file: string,
  known: string | undefined,
): { text: string; version: string } | 'unchanged' | undefined {
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
    const stat = fstatSync(descriptor, { bigint: true });
    if (!stat.isFile()) throw new SbxError('bad-policy', 'it is not a regular file');
    if ((stat.mode & 0o002n) !== 0n) {
      throw new SbxError('bad-policy', 'anyone on this machine can write the file, so it is not used', {
        help: `run: chmod o-w ${file}`,
      });
    }
    if (stat.size > maxPolicyBytes) throw new SbxError('bad-policy', `the file is over ${maxPolicyBytes} bytes`);
    const version = [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
    if (version === known) return 'unchanged';
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(descriptor));
    return { text, version };
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
 * @throws {SbxError} `bad-policy` when the file has errors or cannot be written; it is then unchanged.
 */
export function saveRules(file: string, rules: readonly string[], list: 'allow' | 'ask' | 'deny' = 'allow'): void {
  const target = resolveTarget(file);
  const before = readPolicyText(target);
  const after = addRules(before, rules, list);
  if (after !== before) replaceFile(target, after);
}

/** @throws {SbxError} `bad-policy` when the text is not valid. */
export function addRules(text: string, rules: readonly string[], list: 'allow' | 'ask' | 'deny'): string {
  const errors: ParseError[] = [];
  const document: unknown = parse(text.trim() === '' ? '{}' : text, errors, { allowTrailingComma: true });
  const permissions = memberOf(document, 'permissions');
  const present = memberOf(permissions, list);
  const sound =
    errors.length === 0 &&
    isPlainObject(document) &&
    (permissions === undefined || isPlainObject(permissions)) &&
    (present === undefined || Array.isArray(present));
  if (!sound) {
    throw new SbxError('bad-policy', 'the policy file has errors, so no rule is saved in it', {
      help: 'correct the file first: `sbx check` shows where its errors are',
    });
  }
  const known = new Set((Array.isArray(present) ? present : []).map((rule: unknown) => ruleTextOf(rule)));
  let result = text.trim() === '' ? '{}\n' : text;
  let count = Array.isArray(present) ? present.length : 0;
  for (const rule of new Set(rules)) {
    if (known.has(rule)) continue;
    const place = count === 0 && !Array.isArray(present) ? ['permissions', list] : ['permissions', list, count];
    const value = place.length === 2 ? [rule] : rule;
    const edits = modify(result, place, value, {
      formattingOptions: { insertSpaces: true, tabSize: 2, eol: '\n' },
      isArrayInsertion: place.length === 3,
    });
    result = applyEdits(result, edits);
    count++;
  }
  return result;
}

function ruleTextOf(rule: unknown): unknown {
  return isPlainObject(rule) ? undefined : rule;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function memberOf(value: unknown, key: string): unknown {
  return isPlainObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** People keep their settings as links into a repository of dotfiles; the link stays and its target is replaced. */
function resolveTarget(file: string): string {
  try {
    return realpathSync.native(file);
  } catch {
    return file;
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

/** The new text is complete on disk before it takes the file's name: a crash leaves the old policy or the new one. */
function replaceFile(file: string, text: string): void {
  const folder = path.dirname(file);
  const draft = path.join(folder, `.${path.basename(file)}.${randomBytes(6).toString('hex')}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const descriptor = openSync(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
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
