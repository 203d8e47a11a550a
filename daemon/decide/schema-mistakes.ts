/**
 * What of a document does not fit its schema: each mistake with its place, what was expected, and for a name the one that
 * was most likely meant. The readers of policies and of the catalogue share it.
 */
import { findNodeAtLocation, getNodeValue, type Node } from 'jsonc-parser';
import type { z } from 'zod';
import { findNearestName } from './nearest-name.ts';
import { quoteText } from './quote-text.ts';

export interface SchemaMistake {
  /** Of the value that is wrong, or that holds a key which is. */
  readonly path: readonly (string | number)[];
  readonly offset: number;
  readonly message: string;
  readonly help: string | undefined;
}

type Path = readonly (string | number)[];
type Issue = z.core.$ZodIssue;

export function findMistakes(schema: z.ZodType, tree: Node): readonly SchemaMistake[] {
  const result = schema.safeParse(getNodeValue(tree));
  const issues = (result.error?.issues ?? []).flatMap((issue) => flatten(issue, []));
  return issues.flatMap(({ issue, path }): readonly SchemaMistake[] => {
    const node = findNodeAtLocation(tree, [...path]) ?? tree;
    if (issue.code === 'custom' && (issue.params as Word | undefined)?.isKey === true) {
      return [{ path: path.slice(0, -1), offset: node.parent?.offset ?? node.offset, ...describeIssue(issue, node) }];
    }
    if (issue.code !== 'unrecognized_keys') return [{ path, offset: node.offset, ...describeIssue(issue, node) }];
    const known = keysAt(schema, path);
    return issue.keys.map((key) => {
      const property = node.children?.find((child) => child.children?.[0]?.value === key);
      const message = `unknown key ${quoteText(key)}`;
      const help = findHome(schema, key, known) ?? suggest(key, known, 'keys');
      return { path, offset: property?.offset ?? node.offset, message, help };
    });
  });
}

/** What a check of ours says of a name that it does not know. */
interface Word {
  readonly word?: string;
  readonly known?: readonly string[];
  /** The name is that of a member, so its place is the member's. */
  readonly isKey?: boolean;
}

/** Of the alternatives of a union the one that got furthest is what was meant. */
function flatten(issue: Issue, above: Path): readonly { issue: Issue; path: Path }[] {
  const path = [...above, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  if (issue.code !== 'invalid_union') return [{ issue, path }];
  const alternatives = issue.errors.map((errors) => errors.flatMap((each) => flatten(each, path)));
  const deepest = alternatives.find((found) => found.some((each) => each.path.length > path.length));
  return deepest ?? [{ issue, path }];
}

function describeIssue(issue: Issue, node: Node): { message: string; help: string | undefined } {
  const plain = node.type === 'string' || node.type === 'number' || node.type === 'boolean';
  const found = plain ? quoteText(String(node.value)) : (node.type as string);
  switch (issue.code) {
    case 'invalid_type':
      return { message: `expected ${issue.expected}, found ${found}`, help: undefined };
    case 'invalid_union':
      return { message: `expected ${expectedBy(issue)}, found ${found}`, help: undefined };
    case 'invalid_value': {
      const values = issue.values.map(String);
      const near = findNearestName(String(node.value), values);
      const message = `expected ${values.length > 1 ? 'one of ' : ''}${values.map((value) => quoteText(value)).join(', ')}, found ${found}`;
      return { message, help: near === undefined ? undefined : `did you mean ${quoteText(near)}?` };
    }
    case 'custom': {
      const { known, word } = (issue.params ?? {}) as Word;
      if (known === undefined || word === undefined) return { message: issue.message, help: undefined };
      return { message: `${issue.message} ${quoteText(word)}`, help: suggest(word, known, 'ones') };
    }
    default:
      return { message: `${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`, help: undefined };
  }
}

function expectedBy(issue: Issue & { code: 'invalid_union' }): string {
  const types = issue.errors.flat().flatMap((each) => (each.code === 'invalid_type' ? [each.expected as string] : []));
  return [...new Set(types)].join(' or ') || 'something else';
}

/** A list of dozens of names helps nobody. */
const maxListed = 24;

function suggest(word: string, known: readonly string[], what: 'keys' | 'ones'): string | undefined {
  const near = findNearestName(word, known);
  if (near !== undefined) return `did you mean ${quoteText(near)}?`;
  if (known.length === 0) return what === 'keys' ? 'this version knows no keys here' : undefined;
  return known.length > maxListed ? undefined : `known ${what}: ${known.join(', ')}`;
}

/** Where a key that is known elsewhere belongs. */
function findHome(schema: z.ZodType, key: string, known: readonly string[]): string | undefined {
  if (findNearestName(key, known) !== undefined) return undefined;
  for (const [name, member] of alternativesOf(schema).flatMap(({ _zod: { def } }) =>
    def.type === 'object' ? Object.entries(def.shape) : [],
  )) {
    if (keysOf(member).includes(key)) return `it belongs into ${quoteText(name)}`;
  }
  return undefined;
}

/** Names of the members that a schema knows at a path. */
function keysAt(schema: z.ZodType, path: Path): readonly string[] {
  let at: readonly z.core.$ZodType[] = [schema];
  for (const name of path) at = at.flatMap((each) => membersOf(each, String(name)));
  return [...new Set(at.flatMap(keysOf))];
}

function keysOf(schema: z.core.$ZodType): readonly string[] {
  return alternativesOf(schema).flatMap(({ _zod: { def } }) => (def.type === 'object' ? Object.keys(def.shape) : []));
}

function membersOf(schema: z.core.$ZodType, name: string): readonly z.core.$ZodType[] {
  return alternativesOf(schema).flatMap(({ _zod: { def } }) => {
    if (def.type === 'object') return def.shape[name] ?? [];
    if (def.type === 'record') return def.valueType;
    return def.type === 'array' ? def.element : [];
  });
}

/** The schemas that a value may be held against, without what only wraps them. */
function alternativesOf(schema: z.core.$ZodType): readonly z.core.$ZodTypes[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'optional':
      return alternativesOf(def.innerType);
    case 'lazy':
      return alternativesOf(def.getter());
    case 'union':
      return def.options.flatMap(alternativesOf);
    default:
      return [schema as z.core.$ZodTypes];
  }
}
