/** Remembers what a person has been told, so that it is said once, or once a day, and not at every command. */
import { readFileSync } from 'node:fs';
import { replaceFile } from './replace-file.ts';

/** Older entries give way; they would be said once more. */
const maxEntries = 500;

export class Notices {
  readonly #file: string | undefined;

  /** @param file undefined: everything is new. */
  constructor(file: string | undefined) {
    this.#file = file;
  }

  /** Whether this has not been said with this mark, such as a date. It counts as said from now on. */
  isNew(subject: string, mark: string): boolean {
    if (this.#file === undefined) return true;
    const said = this.#read();
    if (said.get(subject) === mark) return false;
    said.delete(subject);
    said.set(subject, mark);
    try {
      replaceFile(this.#file, `${JSON.stringify([...said].slice(-maxEntries))}\n`);
    } catch {
      // Said again next time, which does no harm.
    }
    return true;
  }

  #read(): Map<string, string> {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#file ?? '', 'utf8'));
      const entries = Array.isArray(value) ? value : [];
      return new Map(entries.filter((entry): entry is [string, string] => Array.isArray(entry) && entry.length === 2));
    } catch {
      return new Map();
    }
  }
}
