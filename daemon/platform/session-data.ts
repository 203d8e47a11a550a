/** Loads the data about environment variables and protected names that ships with the package, once. */
import path from 'node:path';
import { z } from 'zod';
import { protectedFileSchema } from '../analyse/catalogue.ts';
import { readData } from './catalogue-files.ts';
import { findPackageRoot } from './package-root.ts';

const names = z.array(z.string().min(1));
const listsSchema = z.strictObject({ allow: names, secret: names, never: names });
const toolCachesSchema = z.array(
  z.strictObject({
    variable: z.string().optional(),
    /** Part of a mount option. */
    directory: z.string().regex(/^[a-z-]+$/),
    host: z.string().startsWith('~/'),
    mixed: z.boolean().optional(),
    tools: z.string(),
  }),
);
const homeSchema = z.array(z.strictObject({ paths: z.array(z.string().regex(/^[^/~].*[^/]$/)), what: z.string() }));

export interface SessionData {
  readonly environment: z.infer<typeof listsSchema>;
  readonly toolCaches: z.infer<typeof toolCachesSchema>;
  /** What stays readable of a hidden home, relative to it. */
  readonly homePrograms: readonly string[];
  /** Relative to a workspace. The repository's own folder is not among them: git has to write there. */
  readonly protectedNames: readonly string[];
  /** With what may stand in them and why each is protected, the repository's own folder included. */
  readonly protectedPaths: z.infer<typeof protectedFileSchema>['paths'];
}

let loaded: SessionData | undefined;

/** @throws {SbxError} `bad-policy` when the package's data is damaged. */
export function loadSessionData(): SessionData {
  loaded ??= readSessionData(path.join(findPackageRoot(), 'policies'));
  return loaded;
}

function readSessionData(folder: string): SessionData {
  const { paths } = readData(path.join(folder, 'protected.jsonc'), protectedFileSchema);
  return {
    environment: readData(path.join(folder, 'environment.jsonc'), listsSchema),
    toolCaches: readData(path.join(folder, 'tool-caches.jsonc'), toolCachesSchema),
    homePrograms: readData(path.join(folder, 'home.jsonc'), homeSchema).flatMap((entry) => entry.paths),
    protectedNames: paths.map((entry) => entry.path).filter((name) => name !== '.git'),
    protectedPaths: paths,
  };
}
