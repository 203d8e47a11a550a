/**
 * The shape of `policies/*.jsonc` that analysis reads: what each program's options and operands mean. The schema is the
 * documentation of record (`policies/README.md` explains it in prose); a file that does not fit is an error at load, so a
 * typo in data can never quietly loosen an answer.
 */
import { z } from 'zod';
import type { AccountsFile } from './accounts.ts';

/**
 * What an option, its value, or an operand means. Everything in `harmlessRoles` leaves a program read-only; every other
 * role is an effect.
 */
export const roles = [
  'ok',
  'text',
  'number',
  'read',
  'read-tree',
  'write',
  'write-tree',
  'remove',
  'remove-tree',
  'move',
  'link',
  'directory',
  'url',
  'git-url',
  'host',
  'remote-read',
  'remote-write',
  'remote-mirror',
  'upload',
  'field',
  'typed',
  'mount',
  'forward',
  'named-read',
  'origin',
  'cookie',
  'connect',
  'change',
  'run',
  'load',
  'code',
  'shell',
  'shell-line',
  'command',
  'command-until',
  'assignment',
  'setting',
  'task',
  'archive',
  'member',
  'name',
  'sed',
  'awk',
  'jq',
  'sql',
  'script',
  'database',
  'database-host',
  'route',
  'send',
  'list',
  'list-tree',
  'git-object',
  'search',
  'git-path',
  'git-switch',
  'rewrite',
  'clean',
  'format',
  'suffix',
  'test',
  'unknown',
] as const;
export type Role = (typeof roles)[number];

export const harmlessRoles: ReadonlySet<Role> = new Set<Role>([
  'ok',
  'text',
  'number',
  'read',
  'read-tree',
  'named-read',
  'directory',
  'name',
  'setting',
  'sed',
  'awk',
  'jq',
  'sql',
  'script',
  'database',
  'database-host',
  'cookie',
  'list',
  'search',
  'list-tree',
  'git-object',
  'format',
  'suffix',
  'test',
]);

/** Roles that a broad grant does not cover unless running code is the program's purpose (RULES O16). */
export const codeRoles: ReadonlySet<Role> = new Set<Role>([
  'run',
  'load',
  'code',
  'shell',
  'shell-line',
  'typed',
  'command',
  'command-until',
]);

/** `role`, `role!` (always needs to be named), either followed by `: reason`. */
const meaningText = z.string().superRefine((text, context) => {
  if (parseMeaning(text) === undefined) context.addIssue(unknownRole(text));
});

/** Written as `role`, `role!` or `role: reason`. What is known goes along, so that a message can say what was meant. */
function unknownRole(text: string): {
  code: 'custom';
  message: string;
  params: { word: string; known: readonly string[] };
} {
  const [word = ''] = /^[^:!?*+]*/.exec(text) ?? [];
  return { code: 'custom', message: 'unknown role', params: { word, known: roles } };
}

const meaningShape = z.strictObject({
  is: meaningText,
  /** Takes the place of an operand: `grep -e` leaves no pattern operand, `cp -t` no destination. */
  drops: z.enum(['first', 'last']).optional(),
  except: z.array(z.string()).optional(),
  /** Changes what other words mean: `{ "read": "write" }` for `sed -i`. */
  turns: z.partialRecord(z.enum(roles), z.enum(roles)).optional(),
  /** Targets assumed when the command line names none of that role: `{ "write-tree": "." }` for `tar -x`. */
  implicit: z.partialRecord(z.enum(roles), z.string()).optional(),
  /** Narrows what the program acts on, so that a removal is not of everything (`find -name`). */
  filters: z.boolean().optional(),
  /** What the word after its value means (`jq --rawfile NAME FILE`). */
  further: z.enum(roles).optional(),
  /** Its value stands before the words of the command (`docker run --entrypoint`). */
  leads: z.boolean().optional(),
  /** Its command gets what was found as a last word unless it says where (`fd -x`). */
  appends: z.boolean().optional(),
  /** As `shellAfter` of a program, for the value of this option. */
  shellAfter: z.array(z.string()).optional(),
});
type MeaningData = string | z.infer<typeof meaningShape>;

/** One check for the whole record: there are ten thousand options, and a schema run for each would rule the start-up time. */
const optionsSchema = z
  .custom<Record<string, MeaningData>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'expected options',
  )
  .superRefine((options, context) => {
    for (const [key, value] of Object.entries(options)) {
      if (typeof value === 'string') {
        if (parseMeaning(value) === undefined) context.addIssue({ ...unknownRole(value), path: [key] });
        continue;
      }
      const known = Object.keys(meaningShape.shape);
      for (const issue of meaningShape.safeParse(value).error?.issues ?? []) {
        const path = [key, ...issue.path];
        if (issue.code !== 'unrecognized_keys')
          context.addIssue({ ...issue, path } as Parameters<typeof context.addIssue>[0]);
        else
          for (const word of issue.keys)
            context.addIssue({
              code: 'custom',
              path: [...path, word],
              message: 'unknown key',
              params: { word, known, isKey: true },
            });
      }
    }
  });

const conditionSchema = z.strictObject({
  /** At least one of these options is there. */
  needs: z.array(z.string()).optional(),
  /** None of these options is there. */
  lacks: z.array(z.string()).optional(),
  /** At most this many operands. */
  operands: z.int().min(0).optional(),
  /** An argument of this role is there. */
  given: z.enum(roles).optional(),
});

const operandPattern = new RegExp(`^(${roles.join('|')})!?[?*+]?$`);

export interface ProgramData {
  does?: string | undefined;
  readOnly?: boolean | Condition[] | undefined;
  style?: 'gnu' | 'single' | undefined;
  stopsAtOperand?: boolean | undefined;
  abbreviations?: boolean | undefined;
  bundled?: boolean | undefined;
  plus?: boolean | undefined;
  options?: Record<string, MeaningData> | undefined;
  uses?: string[] | undefined;
  operands?: string[] | undefined;
  ignores?: string[] | undefined;
  lenient?: boolean | undefined;
  implicit?: Partial<Record<Role, string>> | undefined;
  into?: boolean | undefined;
  also?: string[] | undefined;
  purpose?: 'run' | undefined;
  fetches?: boolean | undefined;
  decodes?: boolean | undefined;
  interprets?: 'shell' | 'code' | 'sql' | 'crontab' | undefined;
  shellAfter?: string[] | undefined;
  readsAfter?: string[] | undefined;
  writesAfter?: string[] | undefined;
  elsewhere?: boolean | undefined;
  afterEnd?: 'command' | undefined;
  as?: string | undefined;
  attached?: boolean | undefined;
  hostsAfter?: string[] | undefined;
  spawns?: string[] | undefined;
  separator?: string | undefined;
  globals?: 'before' | 'anywhere' | undefined;
  subcommands?: Record<string, ProgramData> | undefined;
  wrapper?: 'always' | 'bare' | 'restrictions' | 'exact' | undefined;
  queries?: string[] | undefined;
  number?: Condition[] | undefined;
  plain?: Condition[] | undefined;
  examples?: Record<string, string> | undefined;
}

export const programSchema: z.ZodType<ProgramData> = z.lazy(() =>
  z.strictObject({
    /** English account with placeholders: `{reads}`, `{writes}`, `{operands|the current folder}`. */
    does: z.string().optional(),
    /** True, or the conditions of which one must hold, for "cannot write, run, connect or leak". */
    readOnly: z.union([z.boolean(), z.array(conditionSchema).min(1)]).optional(),
    /** `single`: long names after one dash (`find -name`, `go test -run`). */
    style: z.enum(['gnu', 'single']).optional(),
    /** Options end at the first operand. */
    stopsAtOperand: z.boolean().optional(),
    /** `--che` means `--checkpoint`; on unless switched off. */
    abbreviations: z.boolean().optional(),
    /** The first operand is a cluster of options without a dash (`tar xzf`). */
    bundled: z.boolean().optional(),
    /** Words that begin with `+` are options too. */
    plus: z.boolean().optional(),
    options: optionsSchema.optional(),
    /** Names of option groups of the same file. */
    uses: z.array(z.string()).optional(),
    /** Roles by position; at most one repeats. Without it any operand is unknown. */
    operands: z
      .array(
        z.string().superRefine((text, context) => {
          if (!operandPattern.test(text)) context.addIssue(unknownRole(text));
        }),
      )
      .optional(),
    /** Operands that are punctuation. */
    ignores: z.array(z.string()).optional(),
    /** Words that look like options but are none of its own are operands (`echo ---`). */
    lenient: z.boolean().optional(),
    implicit: z.partialRecord(z.enum(roles), z.string()).optional(),
    /** Where the destination is a folder, each source gets its own last name in it (`cp a/.npmrc .`). */
    into: z.boolean().optional(),
    /** Effects it always has: `connect`, `connect HOST`, `run`, `change`, `write PATH`. */
    also: z.array(z.string().regex(/^(connect|run|change|rewrite|write|write-tree|read)( \S+)?$/)).optional(),
    /** Running code is what it is for (RULES O16). */
    purpose: z.literal('run').optional(),
    /** Brings content from the network to standard output. */
    fetches: z.boolean().optional(),
    /** Turns text into something that reads differently (`base64 -d`, `xxd -r`). */
    decodes: z.boolean().optional(),
    /** Runs what it reads on standard input when it is given no program otherwise. */
    interprets: z.enum(['shell', 'code', 'sql', 'crontab']).optional(),
    /** Marks after which a shell command stands in text of its own language: `!` in an editor; `*` first for "anywhere"; empty for all of it. */
    shellAfter: z.array(z.string()).optional(),
    /** Marks, written as those of `shellAfter`, after which the path of a file stands that it reads or writes, or a machine that it connects to. */
    readsAfter: z.array(z.string()).optional(),
    writesAfter: z.array(z.string()).optional(),
    hostsAfter: z.array(z.string()).optional(),
    /** Functions of its language that run a command: `system`, `exec*`; `` ` `` where backticks do. */
    spawns: z.array(z.string().min(1)).optional(),
    /** The command that it runs is one of another machine or of a container: its folder is not this one. */
    elsewhere: z.boolean().optional(),
    /** What follows `--` is a command. */
    afterEnd: z.literal('command').optional(),
    /** It does what this program does with the same words (`hub push`, `grm x`). */
    as: z.string().optional(),
    /** With `style: single`, options of one letter also take their value attached (`gcc -oout`). */
    attached: z.boolean().optional(),
    /** A word after which another command of the program follows (`tmux new \\; send-keys x`). */
    separator: z.string().optional(),
    globals: z.enum(['before', 'anywhere']).optional(),
    subcommands: z.record(z.string(), programSchema).optional(),
    /** The rest of its words are a command: who may see it (RULES N2–N6). */
    wrapper: z.enum(['always', 'bare', 'restrictions', 'exact']).optional(),
    /** Options with which a wrapper only answers a question (`command -v`). */
    queries: z.array(z.string()).optional(),
    /** Conditions under which its standard output is a plain number. */
    number: z.array(conditionSchema).min(1).optional(),
    /** Conditions under which its standard output is one word that begins with a letter or digit, or nothing. */
    plain: z.array(conditionSchema).min(1).optional(),
    /** Command line → facts that hold for it; run by the generic test. */
    examples: z.record(z.string(), z.string()).optional(),
  }),
);

export const programFileSchema = z
  .strictObject({
    $schema: z.string().optional(),
    groups: z.record(z.string(), optionsSchema).optional(),
    programs: z.record(z.string(), programSchema),
  })
  .superRefine(({ groups = {}, programs }, context) => {
    const known = Object.keys(groups);
    const visit = (entries: Record<string, ProgramData>, path: readonly string[]): void => {
      for (const [name, { subcommands = {}, uses = [] }] of Object.entries(entries)) {
        uses.forEach((word, index) => {
          if (known.includes(word)) return;
          const at = [...path, name, 'uses', index];
          context.addIssue({ code: 'custom', path: at, message: 'unknown option group', params: { word, known } });
        });
        visit(subcommands, [...path, name, 'subcommands']);
      }
    };
    visit(programs, ['programs']);
  });
export type ProgramFile = z.infer<typeof programFileSchema>;

export const protectedFileSchema = z.strictObject({
  $schema: z.string().optional(),
  /** Each path is a run of segments that is protected at any depth, in any letter case. */
  paths: z.array(
    z.strictObject({
      path: z.string().regex(/^[^/].*[^/]$/),
      kind: z.enum(['directory', 'file']),
      /** Paths below a directory that are not protected. */
      except: z.array(z.string()).optional(),
      because: z.string(),
    }),
  ),
  examples: z.record(z.string(), z.boolean()),
});
export type ProtectedFile = z.infer<typeof protectedFileSchema>;

export const criticalFileSchema = z.strictObject({
  $schema: z.string().optional(),
  /** Removing one of these, or a direct child of those in `parents`, is never approved automatically. */
  paths: z.array(z.string().startsWith('/')),
  parents: z.array(z.string().startsWith('/')),
  examples: z.record(z.string(), z.boolean()),
});
export type CriticalFile = z.infer<typeof criticalFileSchema>;

export const credentialsFileSchema = z.strictObject({
  $schema: z.string().optional(),
  /** Hidden inside the sandbox, and asked about where a command reads them. */
  places: z.array(
    z.strictObject({
      path: z.string().regex(/^~?\//),
      except: z.array(z.string()).optional(),
      for: z.literal('root').optional(),
      /** No secret: hidden inside the sandbox only. */
      asks: z.literal(false).optional(),
      why: z.string(),
    }),
  ),
  /** Asked about only; the sandbox has none of its own that would matter. `*` stands for one segment or a part of it. */
  readings: z.array(
    z.strictObject({ path: z.string().startsWith('/'), except: z.array(z.string()).optional(), why: z.string() }),
  ),
  examples: z.record(z.string(), z.boolean()),
});
export type CredentialsFile = z.infer<typeof credentialsFileSchema>;

export const variablesFileSchema = z.strictObject({
  $schema: z.string().optional(),
  /** Can change only language, time zone, colour, verbosity or "this is CI". `*` stands for any characters. */
  harmless: z.array(z.string()),
  /** Harmless with these values only. */
  harmlessValues: z.record(z.string(), z.array(z.string())),
  dangerous: z.record(z.string(), z.string()),
  /** Names whose value a program runs, and the shell text that it makes of it: `{}` is the value. */
  commands: z.record(z.string(), z.union([z.string().includes('{}'), z.array(z.string().includes('{}')).min(1)])),
  /** Names whose value says which machine connections go to: an address, or a host. */
  hosts: z.array(z.string()),
  /** Shell variables that are always plain numbers. */
  numbers: z.array(z.string()),
  /** Shell variables whose value is evaluated as arithmetic when it is assigned. */
  integers: z.array(z.string()),
  examples: z.record(z.string(), z.enum(['harmless', 'dangerous', 'ordinary'])),
});
export type VariablesFile = z.infer<typeof variablesFileSchema>;

export interface CatalogueData {
  readonly accounts: readonly AccountsFile[];
  readonly programs: readonly ProgramFile[];
  readonly wrappers: ProgramFile;
  readonly protected: ProtectedFile;
  readonly critical: CriticalFile;
  readonly credentials: CredentialsFile;
  readonly variables: VariablesFile;
}

export interface Condition {
  needs?: string[] | undefined;
  lacks?: string[] | undefined;
  operands?: number | undefined;
  given?: Role | undefined;
}

/** One meaning in the form the reader uses. */
export interface Meaning {
  readonly role: Role;
  /** A broad grant never covers it, whatever the program is for. */
  readonly mustBeNamed: boolean;
  readonly because: string | undefined;
  readonly drops: 'first' | 'last' | undefined;
  /** Values that do nothing of the kind: `name=value`, `name`, or `start.*`. */
  readonly except: readonly string[];
  readonly turns: Partial<Record<Role, Role>> | undefined;
  readonly implicit: Partial<Record<Role, string>> | undefined;
  readonly filters: boolean;
  readonly leads: boolean;
  readonly appends: boolean;
  readonly shellAfter: readonly string[] | undefined;
  readonly further: Role | undefined;
}

const roleSet: ReadonlySet<string> = new Set(roles);

function parseMeaning(text: string): { role: Role; mustBeNamed: boolean; because: string | undefined } | undefined {
  const colon = text.indexOf(':');
  const head = colon < 0 ? text : text.slice(0, colon);
  const mustBeNamed = head.endsWith('!');
  const role = mustBeNamed ? head.slice(0, -1) : head;
  if (!roleSet.has(role)) return undefined;
  return { role: role as Role, mustBeNamed, because: colon < 0 ? undefined : text.slice(colon + 1).trim() };
}

/** @throws {Error} for text that the schema would have refused. */
export function compileMeaning(data: MeaningData, shellAfter: readonly string[] | undefined): Meaning {
  const shape = typeof data === 'string' ? { is: data } : data;
  const head = parseMeaning(shape.is);
  if (head === undefined) throw new Error(`not a meaning: ${shape.is}`);
  return {
    ...head,
    drops: 'drops' in shape ? shape.drops : undefined,
    except: 'except' in shape ? (shape.except ?? []) : [],
    turns: 'turns' in shape ? shape.turns : undefined,
    implicit: 'implicit' in shape ? shape.implicit : undefined,
    filters: 'filters' in shape && shape.filters === true,
    leads: 'leads' in shape && shape.leads === true,
    appends: 'appends' in shape && shape.appends === true,
    further: 'further' in shape ? shape.further : undefined,
    shellAfter: ('shellAfter' in shape ? shape.shellAfter : undefined) ?? shellAfter,
  };
}
