/**
 * Turns catalogue data into what the option reader looks things up in: one `Program` per name, options by spelling.
 * Nothing is interpreted here that depends on a command line.
 */
import { type Account, compileAccounts } from './accounts.ts';
import type { CatalogueData } from './catalogue.ts';
import { type CredentialPlaces, compileCredentialPlaces } from './credential-places.ts';
import { type CriticalPaths, compileCriticalPaths } from './critical-paths.ts';
import { compileMeaning, type Meaning } from './meanings.ts';
import type { Condition, ProgramData, ProgramFile } from './program-schema.ts';
import { compileProtectedPaths, type ProtectedPaths } from './protected-paths.ts';
import { codeRoles, harmlessRoles, type Role } from './roles.ts';
import { compileVariables, type Variables } from './variables.ts';

/** How many values an option takes from the words around it. */
export type Takes = 'none' | 'required' | 'optional';

export interface Option {
  readonly spelling: string;
  readonly takes: Takes;
  /** Further words after its value (`jq --arg NAME VALUE`). */
  readonly more: number;
  readonly meaning: Meaning;
  /** This and its synonym: `-n` and `--lines`. */
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
  readonly subcommands: Pick<ProgramTable, 'get' | 'names'> | undefined;
  readonly readOnly: readonly Condition[] | undefined;
  /** How it is told to a person, where options change that. */
  readonly accounts: readonly Account[];
  /** The option that a word of unknown value is taken for (RULES O24), if any is more than harmless. */
  readonly worst: Option | undefined;
  /** The option, of those a broad grant does not cover, that an unknown word is taken for. */
  readonly worstUnnamed: Option | undefined;
}

/** Programs by name, each compiled when it is first asked for: a session meets a few dozen of several hundred. */
export interface ProgramTable {
  get(name: string): Program | undefined;
  has(name: string): boolean;
  names(): Iterable<string>;
}

export interface Catalogue {
  readonly programs: ProgramTable;
  readonly wrappers: ProgramTable;
  readonly protectedPaths: ProtectedPaths;
  readonly criticalPaths: CriticalPaths;
  readonly credentialPlaces: CredentialPlaces;
  readonly variables: Variables;
}

type MeaningData = Parameters<typeof compileMeaning>[0];
type Groups = ReadonlyMap<string, ReadonlyMap<string, Option>>;
type Accounts = ReadonlyMap<string, readonly Account[]>;

/** @throws {Error} when two files describe the same program */
export function compileCatalogue(data: CatalogueData): Catalogue {
  const accounts = compileAccounts(data.accounts);
  return {
    programs: tableOf(data.programs, accounts),
    wrappers: tableOf([data.wrappers], accounts),
    protectedPaths: compileProtectedPaths(data.protected),
    criticalPaths: compileCriticalPaths(data.critical),
    credentialPlaces: compileCredentialPlaces(data.credentials),
    variables: compileVariables(data.variables),
  };
}

function tableOf(files: readonly ProgramFile[], accounts: Accounts): ProgramTable {
  const entries = new Map<string, { readonly data: ProgramData; readonly groups: () => Groups }>();
  for (const file of files) {
    let compiled: Groups | undefined;
    const groups = (): Groups => {
      compiled ??= new Map(
        Object.entries(file.groups ?? {}).map(([name, options]) => [name, compileOptions(options, undefined)]),
      );
      return compiled;
    };
    for (const [names, entry] of Object.entries(file.programs)) {
      for (const name of names.split(' ')) {
        if (entries.has(name)) throw new Error(`the catalogue describes \`${name}\` twice`);
        entries.set(name, { data: entry, groups });
      }
    }
  }
  const programs = new Map<string, Program>();
  return {
    has: (name) => entries.has(name),
    names: () => entries.keys(),
    get: (name) => {
      const found = programs.get(name);
      if (found !== undefined) return found;
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      const program = compileProgram(name, name, entry.data, entry.groups(), accounts, undefined);
      programs.set(name, program);
      return program;
    },
  };
}

function compileProgram(
  name: string,
  path: string,
  data: ProgramData,
  groups: Groups,
  accounts: Accounts,
  inherited: ReadonlyMap<string, Option> | undefined,
): Program {
  const options = new Map<string, Option>(inherited);
  for (const group of data.uses ?? []) {
    const found = groups.get(group);
    if (found === undefined) throw new Error(`\`${path}\` uses the unknown option group \`${group}\``);
    for (const [spelling, option] of found) options.set(spelling, option);
  }
  for (const [spelling, option] of compileOptions(data.options ?? {}, data.shellAfter)) options.set(spelling, option);
  const all = [...options.values()];
  const passedOn = data.globals === 'anywhere' ? options : undefined;
  const subcommands =
    data.subcommands === undefined ? undefined : lazySubcommands(path, data.subcommands, groups, accounts, passedOn);
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
    accounts: accounts.get(path) ?? [],
    readOnly: data.readOnly === true ? [{}] : data.readOnly === false ? undefined : data.readOnly,
    worst: all.find((option) => !harmlessRoles.has(option.meaning.role) || turnsHarmful(option.meaning)),
    worstUnnamed: all.find((option) => needsNaming(option.meaning, data)),
  };
}

function lazySubcommands(
  path: string,
  data: Record<string, ProgramData>,
  groups: Groups,
  accounts: Accounts,
  inherited: ReadonlyMap<string, Option> | undefined,
): Pick<ProgramTable, 'get' | 'names'> {
  const entries = new Map(
    Object.entries(data).flatMap(([names, entry]) =>
      names.split(' ').map((name): [string, ProgramData] => [name, entry]),
    ),
  );
  const programs = new Map<string, Program>();
  return {
    names: () => entries.keys(),
    get: (name) => {
      const found = programs.get(name);
      const entry = entries.get(name);
      if (found !== undefined || entry === undefined) return found;
      const program = compileProgram(name, `${path} ${name}`, entry, groups, accounts, inherited);
      programs.set(name, program);
      return program;
    },
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

function compileOptions(
  options: Record<string, MeaningData>,
  shellAfter: readonly string[] | undefined,
): ReadonlyMap<string, Option> {
  const into = new Map<string, Option>();
  for (const [key, value] of Object.entries(options)) {
    const meaning = compileMeaning(value, shellAfter);
    const spelled = key
      .split(' ')
      .filter((text) => text !== '')
      .map((text) => ({
        takes: (text.endsWith('=?') ? 'optional' : text.endsWith('=') ? 'required' : 'none') as Takes,
        more: text.endsWith('==') ? 1 : 0,
        spelling: /^[-+]/.test(text) ? text.replace(/=+\??$/, '') : text,
      }));
    spelled.forEach((one, index) => {
      const spellings = [
        one.spelling,
        ...synonymOf(
          spelled.map((each) => each.spelling),
          index,
        ),
      ];
      into.set(one.spelling, { ...one, meaning, spellings });
    });
  }
  return into;
}

/** An entry lists many options of one meaning; a short one and the long one right after it are the same option. */
function synonymOf(spellings: readonly string[], index: number): readonly string[] {
  const isLong = (at: number): boolean => spellings[at]?.startsWith('--') === true;
  const other = isLong(index)
    ? isLong(index - 1)
      ? undefined
      : spellings[index - 1]
    : isLong(index + 1)
      ? spellings[index + 1]
      : undefined;
  return other === undefined ? [] : [other];
}

function compileSlot(text: string): OperandSlot {
  const repeat = /[?*+]$/.exec(text)?.[0] ?? '';
  const head = repeat === '' ? text : text.slice(0, -1);
  const mustBeNamed = head.endsWith('!');
  return {
    role: (mustBeNamed ? head.slice(0, -1) : head) as Role,
    mustBeNamed,
    repeat: repeat as OperandSlot['repeat'],
  };
}
