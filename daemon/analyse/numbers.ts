/** Whether a simple command prints nothing but plain numbers, as the catalogue says (`wc -l` of its input, `date +%s`). */
import type { SimpleCommand, Word } from '../parse/model.ts';
import { makeArg } from './args.ts';
import type { Catalogue } from './compile-catalogue.ts';
import { readArguments } from './read-arguments.ts';
import { hasOption } from './reading.ts';

export function interpretNumber(command: SimpleCommand, catalogue: Catalogue): boolean {
  return prints('number', command, catalogue);
}

/** Whether it prints one word that cannot begin an option: a commit, a branch. All of its own words must be known. */
export function interpretPlain(command: SimpleCommand, catalogue: Catalogue): boolean {
  return command.words.every((word) => word.values !== undefined) && prints('plain', command, catalogue);
}

function prints(what: 'number' | 'plain', command: SimpleCommand, catalogue: Catalogue): boolean {
  const [first, ...rest] = command.words;
  const name = first?.values?.length === 1 ? first.values[0] : undefined;
  if (name === undefined || command.assignments.length > 0) return false;
  // Messages on standard error hold names of files.
  if (command.redirections.some(({ operator }) => operator === '>&' || operator === '&>' || operator === '&>>'))
    return false;
  const entry = catalogue.programs.get(name);
  if (entry === undefined) return false;
  const args = rest.flatMap((word) =>
    word.values === undefined
      ? [makeArg(word, [{ kind: 'value', variable: undefined, assigned: true, empty: true }], splits(word))]
      : word.values.map((text) => makeArg(word, [{ kind: 'known', text }], false)),
  );
  const reading = readArguments(entry, args);
  const conditions = reading.program.data[what];
  if (conditions === undefined || reading.unknownOptions.length > 0) return false;
  if (reading.program.worst !== undefined && reading.uncertain.length > 0) return false;
  return conditions.some(
    (condition) =>
      (condition.needs === undefined ||
        condition.needs.some(
          (spelling) => hasOption(reading, spelling) || reading.operands.some(({ arg }) => arg.text === spelling),
        )) &&
      (condition.lacks === undefined || !condition.lacks.some((spelling) => hasOption(reading, spelling))) &&
      (condition.operands === undefined ||
        (reading.operands.length <= condition.operands && !reading.operands.some(({ arg }) => arg.many))),
  );
}

/** Unquoted expansions and globs can become several operands. */
function splits(word: Word): boolean {
  return word.parts.some(
    (part) =>
      part.type === 'glob' || part.type === 'brace' || ('quoted' in part && !part.quoted && part.type !== 'literal'),
  );
}
