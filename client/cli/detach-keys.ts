/**
 * Finds the keys that end our part in a run among what is typed into it. Keys that only begin like them are handed on as
 * soon as that is certain.
 */
import { SbxError } from '../protocol/errors.ts';
import { showText } from '../protocol/visible.ts';

/** Source: ECMA-48 C0 controls; Ctrl with a character of `@` to `_` is that character without its two high bits. */
function parseKey(text: string): number | undefined {
  if (/^[\x20-\x7e]$/.test(text)) return text.charCodeAt(0);
  const [, letter] = /^(?:ctrl-|\^)([a-z@[\\\]^_])$/i.exec(text) ?? [];
  return letter === undefined ? undefined : letter.toUpperCase().charCodeAt(0) & 0x1f;
}

export class DetachKeys {
  readonly #keys: Buffer;
  /** How many of them the last bytes were. */
  #matched = 0;

  /** As `ctrl-p,ctrl-q`. @throws {SbxError} `bad-usage` */
  constructor(text: string) {
    const keys = text.split(',').map(parseKey);
    const known = keys.filter((key) => key !== undefined);
    if (known.length < keys.length) {
      throw new SbxError('bad-usage', `\`--detach-keys\`: \`${showText(text)}\` are no keys`, {
        help: 'write --detach-keys ctrl-p,ctrl-q',
      });
    }
    this.#keys = Buffer.from(known);
  }

  /** What is certain to be no detaching; nothing after the keys is passed on. */
  filter(bytes: Buffer): { readonly passed: Buffer; readonly detached: boolean } {
    const passed: Buffer[] = [];
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      while (this.#matched > 0 && byte !== this.#keys[this.#matched]) passed.push(this.#giveUpOne());
      if (byte !== this.#keys[this.#matched]) {
        passed.push(bytes.subarray(at, at + 1));
        continue;
      }
      this.#matched++;
      if (this.#matched === this.#keys.length) return { passed: Buffer.concat(passed), detached: true };
    }
    return { passed: Buffer.concat(passed), detached: false };
  }

  /** The first key held back was none; what follows it may still begin the sequence. */
  #giveUpOne(): Buffer {
    const held = this.#keys.subarray(0, this.#matched);
    let next = 1;
    while (next < held.length && !held.subarray(next).equals(this.#keys.subarray(0, held.length - next))) next++;
    this.#matched = held.length - next;
    return held.subarray(0, next);
  }
}
