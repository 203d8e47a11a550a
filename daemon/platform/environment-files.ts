/** Loads the data about environment variables that ships with the package, once. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'jsonc-parser';
import { z } from 'zod';
import { findPackageRoot } from './package-root.ts';

const names = z.array(z.string().min(1));
const listsSchema = z.strictObject({ allow: names, secret: names, never: names });
const toolCachesSchema = z.array(z.strictObject({ variable: z.string(), directory: z.string(), tools: z.string() }));

export interface EnvironmentData {
  readonly lists: z.infer<typeof listsSchema>;
  readonly toolCaches: z.infer<typeof toolCachesSchema>;
}

let loaded: EnvironmentData | undefined;

export function loadEnvironmentData(): EnvironmentData {
  const read = (file: string): unknown => parse(readFileSync(path.join(findPackageRoot(), 'policies', file), 'utf8'));
  loaded ??= { lists: listsSchema.parse(read('environment.jsonc')), toolCaches: toolCachesSchema.parse(read('tool-caches.jsonc')) };
  return loaded;
}
