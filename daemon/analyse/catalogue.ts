/**
 * The shape of `policies/*.jsonc` that analysis reads, beside that of programs. The schema is the documentation of record
 * (`policies/README.md` explains it in prose); a file that does not fit is an error at load, so a typo in data can never
 * quietly loosen an answer.
 */
import { z } from 'zod';
import type { AccountsFile } from './accounts.ts';
import type { ProgramFile } from './program-schema.ts';

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
