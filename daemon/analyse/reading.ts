/**
 * What the arguments of a program were read as. What could not be told for certain is said apart, so that no part of
 * analysis takes a guess for a reading.
 */
import type { Arg } from './args.ts';
import type { Option, Program } from './compile-catalogue.ts';
import type { Role } from './roles.ts';

/** An option while the arguments are read: what turns its role is known at the end. */
export interface Found {
  readonly option: Option;
  readonly arg: Arg;
  readonly value: Arg | undefined;
  readonly command: readonly Arg[] | undefined;
  readonly further: Arg | undefined;
}

export interface ReadOption {
  readonly option: Option;
  /** The argument it was found in. */
  readonly arg: Arg;
  readonly value: Arg | undefined;
  /** What its value means here, after the turns of other options. */
  readonly role: Role;
  /** Words of a command that it takes (`find -exec … ;`). */
  readonly command: readonly Arg[] | undefined;
  /** The word after its value, where it takes one. */
  readonly further: Arg | undefined;
}

export interface ReadOperand {
  readonly arg: Arg;
  readonly role: Role;
  readonly mustBeNamed: boolean;
}

export interface Reading {
  /** The entry of the innermost subcommand. */
  readonly program: Program;
  readonly options: readonly ReadOption[];
  readonly operands: readonly ReadOperand[];
  /** The words of the command it runs: `timeout 5 COMMAND…`. */
  readonly command: readonly Arg[] | undefined;
  /** A task of the project and the words after it, as they would be a command if a program has that name. */
  readonly task: readonly Arg[] | undefined;
  /** Options that the catalogue does not list. */
  readonly unknownOptions: readonly Arg[];
  /** Words of unknown value that could be any option. */
  readonly uncertain: readonly Arg[];
  /** A subcommand that the catalogue does not list, or whose name is unknown. */
  readonly unknownSubcommand: Arg | undefined;
  /** Where options before a subcommand end: index of the subcommand's name among the arguments. */
  readonly subcommandAt: number | undefined;
  /** Everything that is acted on is narrowed by some option. */
  readonly filtered: boolean;
  readonly implicit: readonly Partial<Record<Role, string>>[];
  readonly missingValue: boolean;
  /** Further commands of the program itself, each without its name. */
  readonly following: readonly (readonly Arg[])[];
  /** How many operands stood before `--`; undefined without one. */
  readonly operandsBeforeEnd: number | undefined;
}

/** Whether the option, or its synonym, is among those read. */
export function hasOption(reading: Reading, spelling: string): boolean {
  return reading.options.some(({ option }) => option.spellings.includes(spelling));
}
