/**
 * The shape of `policies/accounts/*.jsonc`: how a command is told to the person who must approve it, and how much could go
 * wrong. These files only ever change words and the level of risk that is shown; no answer depends on them, so an account
 * can be improved without a thought for what a rule allows.
 */
import { z } from 'zod';
import type { Risk } from './model.ts';
import { roles } from './roles.ts';

const riskPattern = /^(low|medium|high): (.+)$/;

const accountSchema = z.strictObject({
  /** At least one of these options is there; `--request=DEL` also wants a value that begins so. */
  needs: z.array(z.string()).optional(),
  /** None of these options is there. */
  lacks: z.array(z.string()).optional(),
  /** At most and at least this many operands. */
  most: z.int().min(0).optional(),
  least: z.int().min(1).optional(),
  /** One of the operands is one of these words, or begins so. */
  names: z.array(z.string()).optional(),
  begins: z.array(z.string().min(1)).optional(),
  /** An argument of this role is there. */
  given: z.enum(roles).optional(),
  /** Some option narrows what is acted on (`find -name`), or none does. */
  filtered: z.boolean().optional(),
  /** What the SQL on the command line does. */
  sql: z.enum(['asks', 'changes', 'deletes']).optional(),
  /** Takes the place of the catalogue's sentence; of several the first. */
  does: z.string().min(1).optional(),
  /** Goes on from it. */
  adds: z.string().min(1).optional(),
  /** `LEVEL: reason`; the highest of all that hold. */
  risk: z.string().regex(riskPattern).optional(),
});
export type AccountData = z.infer<typeof accountSchema>;

/**
 * By the names of programs as they are typed: `git stash drop`. Commas part several, and `docker|podman` stands for both.
 */
export const accountsFileSchema = z.strictObject({ accounts: z.record(z.string(), z.array(accountSchema).min(1)) });
export type AccountsFile = z.infer<typeof accountsFileSchema>;

export interface Account extends Omit<AccountData, 'risk'> {
  readonly risk: Risk | undefined;
}

/** Accounts by the full name of a program. @throws {Error} when two entries are about the same one */
export function compileAccounts(files: readonly AccountsFile[]): ReadonlyMap<string, readonly Account[]> {
  const table = new Map<string, readonly Account[]>();
  for (const { accounts } of files) {
    for (const [key, list] of Object.entries(accounts)) {
      const compiled = list.map(({ risk, ...rest }) => ({ ...rest, risk: compileRisk(risk) }));
      for (const path of key.split(',').flatMap((text) => spellOut(text.trim().split(' ')))) {
        if (table.has(path)) throw new Error(`two accounts are about \`${path}\``);
        table.set(path, compiled);
      }
    }
  }
  return table;
}

/** `docker|podman rm|rmi` is four names. */
function spellOut(words: readonly string[]): readonly string[] {
  const [first = '', ...rest] = words;
  const heads = first.split('|');
  if (rest.length === 0) return heads;
  return heads.flatMap((head) => spellOut(rest).map((tail) => `${head} ${tail}`));
}

function compileRisk(text: string | undefined): Risk | undefined {
  const match = riskPattern.exec(text ?? '');
  return match === null ? undefined : { level: match[1] as Risk['level'], why: match[2] ?? '' };
}
