/** What lints want to know of the program that a rule names, from the catalogue. */
import { type Catalogue, needsNaming, type Program, type ProgramTable } from '../analyse/compile-catalogue.ts';
import type { Role } from '../analyse/roles.ts';
import type { ProgramKind } from '../decide/lint-policy.ts';

/** Roles of operands that are a command or code of their own. */
const commandRoles: ReadonlySet<Role> = new Set<Role>(['command', 'shell', 'shell-line', 'code']);

/** @param words the program and the words after it that the rule writes out. */
export function kindOfProgram(catalogue: Catalogue, words: readonly string[]): ReturnType<ProgramKind> {
  const [name = '', ...rest] = words;
  const bare = name.slice(name.lastIndexOf('/') + 1);
  if (bare.includes('*'))
    return namesMatching(catalogue, bare).some((each) => runsCode(catalogue, each)) ? 'runs-code' : undefined;
  const wrapper = catalogue.wrappers.get(bare);
  if (wrapper !== undefined) {
    const by = wrapper.data.wrapper;
    // Where the inner command decides, or only an exact rule counts, the wrapper alone grants nothing.
    if (by === 'restrictions') return areOptions(rest) ? 'runs-code' : undefined;
    return rest.length === 0 ? 'wrapper' : undefined;
  }
  const program = catalogue.programs.get(bare);
  // `bash -c`, `python -m`, `node -e`: options alone do not say which code.
  if (program?.data.purpose === 'run' && !runsElsewhere(program) && areOptions(rest)) return 'runs-code';
  // A tool whose subcommands nobody described, told to run whatever follows.
  if (program?.subcommands === undefined)
    return isRunner(program) && /^(?:run|exec)$/.test(rest.at(-1) ?? '') ? 'runs-code' : undefined;
  const last = findSubcommand(program, rest);
  const runs = last?.operands?.some((slot) => commandRoles.has(slot.role) && !needsNaming(slot, last.data));
  return runs ? 'runs-code' : undefined;
}

/** `ssh HOST …`: what it runs is no code of this machine. */
function runsElsewhere({ operands }: Program): boolean {
  return operands?.[0]?.role === 'host';
}

function isRunner(program: Program | undefined): boolean {
  return program === undefined || program.data.purpose === 'run';
}

function areOptions(words: readonly string[]): boolean {
  return words.every((word) => word.startsWith('-'));
}

/** The entry that all the words lead to; undefined when one of them is none of its subcommands. */
function findSubcommand(program: Program, words: readonly string[]): Program | undefined {
  let at: Program | undefined = program;
  for (const word of words) {
    if (!word.startsWith('-')) at = at?.subcommands?.get(word);
  }
  return at;
}

function namesMatching({ programs, wrappers }: Catalogue, pattern: string): readonly string[] {
  const pieces = pattern.split(/\*+/).map((piece) => piece.replace(/\W/g, '\\$&'));
  const shape = new RegExp(`^${pieces.join('.*')}$`);
  const names = (table: ProgramTable): string[] => [...table.names()].filter((name) => shape.test(name));
  return [...names(programs), ...names(wrappers)];
}

function runsCode(catalogue: Catalogue, name: string): boolean {
  return kindOfProgram(catalogue, [name]) === 'runs-code';
}
