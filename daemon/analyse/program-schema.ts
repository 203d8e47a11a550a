/**
 * The shape of one program of `policies/catalogue/*.jsonc` and `policies/wrappers.jsonc`: its options, operands and
 * subcommands, and what it is for.
 */
import { z } from 'zod';
import { type MeaningData, optionsSchema, unknownRole } from './meanings.ts';
import { type Role, roles } from './roles.ts';

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

export interface Condition {
  needs?: string[] | undefined;
  lacks?: string[] | undefined;
  operands?: number | undefined;
  given?: Role | undefined;
}
