/**
 * Turns catalogue data into what the option reader looks things up in: one `Program` per name, options by spelling.
 * Nothing is interpreted here that depends on a command line.
 */
import {
  type CatalogueData,
  type Condition,
  codeRoles,
  compileMeaning,
  harmlessRoles,
  type Meaning,
  type ProgramData,
  type ProgramFile,
  type Role,
} from './catalogue.ts';
import { compileCriticalPaths, type CriticalPaths } from './critical-paths.ts';
import { compileProtectedPaths, type ProtectedPaths } from './protected-paths.ts';
import { compileVariables, type Variables } from './variables.ts';

/** How many values an option takes from the words around it. */
export type Takes = 'none' | 'required' | 'optional';

export interface Option {
  /** The first spelling of the entry, which conditions and people use. */
  readonly name: string;
  readonly spelling: string;
  readonly takes: Takes;
  /** Further words after its value (`jq --arg NAME VALUE`). */
  readonly more: number;
  readonly meaning: Meaning;
  /** All spellings of the same entry. */
  readonly spellings: readonly string[];
}

export interface OperandSlot {
  readonly role: Role;
  readonly mustBeNamed: boolean;
  readonly repeat: '' | '?' | '*' | '+';
}

export interface Program {
  readonly name: string;
  /** Name with the subcommands that led here, for people: `git remote add`. */
  readonly path: string;
  readonly data: ProgramData;
  readonly options: ReadonlyMap<string, Option>;
  /** Long options, for unique-prefix lookup. */
  readonly long: readonly Option[];
  /** `key=` operands of `dd` and `make`. */
  readonly keyed: readonly Option[];
  readonly digits: Option | undefined;
  readonly operands: readonly OperandSlot[] | undefined;
  readonly ignores: ReadonlySet<string>;
  readonly subcommands: ReadonlyMap<string, Program> | undefined;
  readonly readOnly: readonly Condition[] | undefined;
  /** The option that a word of unknown value is taken for (RULES O24), if any is more than harmless. */
  readonly worst: Option | undefined;
  /** The option, of those a broad grant does not cover, that an unknown word is taken for. */
  readonly worstUnnamed: Option | undefined;
}

export interface Catalogue {
  readonly programs: ReadonlyMap<string, Program>;
  readonly wrappers: ReadonlyMap<string, Program>;
  readonly protectedPaths: ProtectedPaths;
  readonly criticalPaths: CriticalPaths;
  readonly variables: Variables;
}

type Groups = Record<string, Record<string, Parameters<typeof compileMeaning>[0]>>;

export function compileCatalogue(data: CatalogueData): Catalogue {
  const programs = new Map<string, Program>();
  for (const file of data.programs) addPrograms(programs, file);
  const wrappers = new Map<string, Program>();
  addPrograms(wrappers, data.wrappers);
  return {
    programs,
    wrappers,
    protectedPaths: compileProtectedPaths(data.protected),
    criticalPaths: compileCriticalPaths(data.critical),
    variables: compileVariables(data.variables),
  };
}

function addPrograms(into: Map<string, Program>, file: ProgramFile): void {
  for (const [names, entry] of Object.entries(file.programs)) {
    for (const name of names.split(' ')) {
      if (into.has(name)) throw new Error(`the catalogue describes \`${name}\` twice`);
      into.set(name, compileProgram(name, name, entry, file.groups ?? {}, undefined));
    }
  }
}

function compileProgram(
  name: string,
  path: string,
  data: ProgramData,
  groups: Groups,
  inherited: ReadonlyMap<string, Option> | undefined,
): Program {
  const options = new Map<string, Option>(inherited);
  for (const group of data.uses ?? []) {
    const found = groups[group];
    if (found === undefined) throw new Error(`\`${path}\` uses the unknown option group \`${group}\``);
    addOptions(options, found);
  }
  addOptions(options, data.options ?? {});
  const all = [...options.values()];
  const passedOn = data.globals === 'anywhere' ? options : undefined;
  const subcommands =
    data.subcommands === undefined
      ? undefined
      : new Map(
          Object.entries(data.subcommands).flatMap(([names, entry]) =>
            names
              .split(' ')
              .map((sub): [string, Program] => [sub, compileProgram(sub, `${path} ${sub}`, entry, groups, passedOn)]),
          ),
        );
  const operands = data.operands?.map(compileSlot);
  return {
    name,
    path,
    data,
    options,
    long: all.filter((option) => option.spelling.startsWith('--')),
    keyed: all.filter((option) => !/^[-+]/.test(option.spelling) && option.spelling.endsWith('=')),
    digits: options.get('-NUM'),
    operands,
    ignores: new Set(data.ignores),
    subcommands,
    readOnly: data.readOnly === true ? [{}] : data.readOnly === false ? undefined : data.readOnly,
    worst: all.find((option) => !harmlessRoles.has(option.meaning.role) || turnsHarmful(option.meaning)),
    worstUnnamed: all.find((option) => needsNaming(option.meaning, data)),
  };
}

/** Whether a broad grant leaves this option out (RULES O16): code always, files only where the program is a reader. */
export function needsNaming(meaning: Pick<Meaning, 'role' | 'mustBeNamed'>, data: ProgramData): boolean {
  if (meaning.mustBeNamed) return true;
  if (codeRoles.has(meaning.role)) return data.purpose !== 'run';
  return isWrite(meaning.role) && data.readOnly === true;
}

function isWrite(role: Role): boolean {
  return role === 'write' || role === 'write-tree' || role === 'remove' || role === 'remove-tree';
}

function turnsHarmful(meaning: Meaning): boolean {
  return meaning.turns !== undefined && Object.values(meaning.turns).some((role) => !harmlessRoles.has(role));
}

function addOptions(into: Map<string, Option>, options: Record<string, Parameters<typeof compileMeaning>[0]>): void {
  for (const [key, value] of Object.entries(options)) {
    const meaning = compileMeaning(value);
    const spelled = key.split(' ').map((text) => ({
      takes: (text.endsWith('=?') ? 'optional' : text.endsWith('=') ? 'required' : 'none') as Takes,
      more: text.endsWith('==') ? 1 : 0,
      spelling: /^[-+]/.test(text) ? text.replace(/=+\??$/, '') : text,
    }));
    const spellings = spelled.map((one) => one.spelling);
    const name = spellings.find((spelling) => spelling.startsWith('--')) ?? spellings[0] ?? key;
    for (const one of spelled) into.set(one.spelling, { ...one, name, meaning, spellings });
  }
}

function compileSlot(text: string): OperandSlot {
  const repeat = /[?*+]$/.exec(text)?.[0] ?? '';
  const head = repeat === '' ? text : text.slice(0, -1);
  const mustBeNamed = head.endsWith('!');
  return { role: (mustBeNamed ? head.slice(0, -1) : head) as Role, mustBeNamed, repeat: repeat as OperandSlot['repeat'] };
}
