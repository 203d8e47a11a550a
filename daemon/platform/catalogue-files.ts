/**
 * Reads the catalogue from `policies/` once at start. A file that is not valid is an error with file, line and what was
 * expected; nothing is loaded in part, because a missing entry could loosen an answer.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import type { z } from 'zod';
import { SbxError } from '../../client/protocol/errors.ts';
import { accountsFileSchema } from '../analyse/accounts.ts';
import {
  credentialsFileSchema,
  criticalFileSchema,
  protectedFileSchema,
  variablesFileSchema,
} from '../analyse/catalogue.ts';
import { type Catalogue, compileCatalogue } from '../analyse/compile-catalogue.ts';
import { type ProgramFile, programFileSchema } from '../analyse/program-schema.ts';
import { findMistakes } from '../decide/schema-mistakes.ts';
import { findPackageRoot } from './package-root.ts';

/** @throws {SbxError} bad-policy */
export function loadCatalogue(folder: string = path.join(findPackageRoot(), 'policies')): Catalogue {
  const files = listFiles(path.join(folder, 'catalogue'));
  const programs = files.map((file) => readData(file, programFileSchema));
  refuseRepeatedProgram(files, programs);
  const data = {
    programs,
    accounts: listFiles(path.join(folder, 'accounts')).map((file) => readData(file, accountsFileSchema)),
    wrappers: readData(path.join(folder, 'wrappers.jsonc'), programFileSchema),
    protected: readData(path.join(folder, 'protected.jsonc'), protectedFileSchema),
    credentials: readData(path.join(folder, 'credentials.jsonc'), credentialsFileSchema),
    critical: readData(path.join(folder, 'critical.jsonc'), criticalFileSchema),
    variables: readData(path.join(folder, 'variables.jsonc'), variablesFileSchema),
  };
  try {
    return compileCatalogue(data);
  } catch (cause) {
    throw new SbxError(
      'bad-policy',
      `the catalogue in \`${folder}\` does not fit together: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** In the order of their names. */
function listFiles(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonc'))
    .sort()
    .map((name) => path.join(folder, name));
}

/** @throws {SbxError} bad-policy with the first place that is wrong */
export function readData<T>(file: string, schema: z.ZodType<T>): T {
  const text = readFileSync(file, 'utf8');
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined || tree === undefined) {
    throw badData(
      file,
      text,
      error?.offset ?? 0,
      error === undefined ? 'the file is empty' : printParseErrorCode(error.error),
    );
  }
  const repeated = findRepeatedKey(tree);
  if (repeated !== undefined)
    throw badData(file, text, repeated.offset, `the key \`${String(repeated.value)}\` is there twice`);
  const result = schema.safeParse(getNodeValue(tree));
  if (result.success) return result.data;
  const [mistake] = findMistakes(schema, tree);
  const path = mistake === undefined || mistake.path.length === 0 ? '' : `${mistake.path.join(' → ')}: `;
  throw badData(file, text, mistake?.offset ?? 0, `${path}${mistake?.message ?? 'not valid'}`, mistake?.help);
}

/** An entry stands in one file, or nobody could tell which of two counts. */
function refuseRepeatedProgram(files: readonly string[], programs: readonly ProgramFile[]): void {
  const places = new Map<string, string>();
  files.forEach((file, index) => {
    for (const key of Object.keys(programs[index]?.programs ?? {})) {
      for (const name of key.split(' ')) {
        const other = places.get(name);
        places.set(name, file);
        if (other === undefined) continue;
        const text = readFileSync(file, 'utf8');
        const tree = parseTree(text);
        const entry = tree === undefined ? undefined : findNodeAtLocation(tree, ['programs', key]);
        throw badData(file, text, entry?.parent?.offset ?? 0, `\`${name}\` is described in \`${other}\` already`);
      }
    }
  });
}

/** JSON lets the last of two equal keys win; here that would silently drop an entry. */
function findRepeatedKey(node: Node): Node | undefined {
  const seen = new Set<string>();
  for (const child of node.children ?? []) {
    const key = child.type === 'property' ? child.children?.[0] : undefined;
    if (key !== undefined) {
      if (seen.has(String(key.value))) return key;
      seen.add(String(key.value));
    }
    const inside = findRepeatedKey(child);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

function badData(file: string, text: string, offset: number, message: string, help?: string): SbxError {
  const before = text.slice(0, offset).split('\n');
  const place = `${file}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
  return new SbxError('bad-policy', `${place}: ${message}`, { help, details: { file, line: before.length } });
}
