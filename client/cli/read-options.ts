/**
 * Reads the options that stand before a command. The first word that is no option, or `--`, ends them, and nothing
 * after it is ever read as an option: `sbx run grep -c root f` must reach grep whole. Small on purpose: it is on the
 * path of every `sbx run`.
 */
import { SbxError } from '../protocol/errors.ts';
import { showText } from '../protocol/visible.ts';
import { findNearest } from './nearest.ts';

/** `flag`: no value. `value`: the last one counts. `list`: every one counts. */
export type OptionKind = 'flag' | 'value' | 'list';

type OptionValue<K extends OptionKind> = K extends 'flag' ? true : K extends 'value' ? string : string[];
export type OptionValues<T extends Readonly<Record<string, OptionKind>>> = {
  -readonly [N in keyof T]?: OptionValue<T[N]>;
};

export interface ReadWords<T extends Readonly<Record<string, OptionKind>>> {
  readonly options: OptionValues<T>;
  readonly words: readonly string[];
  /** The options ended with `--`, so the words are an argv even when there is only one. */
  readonly separated: boolean;
}

/**
 * `table` maps `--name` to its kind. With `--name` and `--no-name` both in it, the one given last counts.
 * @throws {SbxError} `bad-usage`
 */
export function readOptions<T extends Readonly<Record<string, OptionKind>>>(
  table: T,
  args: readonly string[],
  helpCommand: string,
): ReadWords<T> {
  const options: Record<string, true | string | string[]> = {};
  const help = `see ${helpCommand} --help`;
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at] ?? '';
    if (word === '--') {
      return { options: options as OptionValues<T>, words: args.slice(at + 1), separated: true };
    }
    if (!word.startsWith('-') || word === '-') break;
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const kind = Object.hasOwn(table, name) ? table[name] : undefined;
    if (kind === undefined) {
      const nearest = findNearest(name, Object.keys(table));
      throw new SbxError('bad-usage', `unknown option \`${showText(name)}\``, {
        help: nearest === undefined ? help : `did you mean \`${nearest}\`?`,
      });
    }
    if (kind === 'flag') {
      if (equals >= 0) throw new SbxError('bad-usage', `option \`${name}\` takes no value`, { help });
      delete options[name.startsWith('--no-') ? `--${name.slice(5)}` : `--no-${name.slice(2)}`];
      options[name] = true;
      continue;
    }
    const value = equals < 0 ? args[++at] : word.slice(equals + 1);
    if (value === undefined || value === '') {
      throw new SbxError('bad-usage', `option \`${name}\` needs a value`, { help });
    }
    if (kind === 'value') options[name] = value;
    else options[name] = [...((options[name] as string[] | undefined) ?? []), value];
  }
  return { options: options as OptionValues<T>, words: args.slice(at), separated: false };
}
