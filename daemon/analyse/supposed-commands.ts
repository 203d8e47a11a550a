/**
 * Commands that a program runs which the catalogue does not know, as far as its words show them: what follows `--`, or a
 * subcommand that says so (`goenv exec rm x`), or shell text of an option of that name. A guess that only restrictions see.
 */
import type { Instance } from './analyse-command.ts';
import type { Arg } from './args.ts';

export interface SupposedCommands {
  readonly words: readonly (readonly Arg[])[];
  readonly texts: readonly Arg[];
}

const none: SupposedCommands = { words: [], texts: [] };

/** Subcommands and options that runners of commands name so. */
const runs = /^(?:exec|run|do|spawn|launch)$/;
const takesText = /^(?:-c|-C|-e|-x|--?(?:c(?:om)?m(?:an)?d|exec|execute|run|eval|shell))$/;

export function findSupposedCommands({ name, program, args, layered }: Instance): SupposedCommands {
  if (name === undefined || program !== undefined || layered.wrappers.length > 0) return none;
  const [, ...rest] = args;
  const end = rest.findIndex(({ text }) => text === '--');
  const subcommand = rest.findIndex(({ text }) => text !== undefined && runs.test(text));
  const words = [end < 0 ? [] : rest.slice(end + 1), subcommand < 0 ? [] : rest.slice(subcommand + 1)];
  // A single word is more likely the name of a file or setting.
  const texts = rest.flatMap((arg, at) => {
    const value = takesText.test(arg.text ?? '') ? rest[at + 1] : undefined;
    return value !== undefined && /\S\s+\S/.test(value.text ?? '') ? [value] : [];
  });
  return { words: words.filter(([first]) => first?.text !== undefined && !first.text.startsWith('-')), texts };
}
