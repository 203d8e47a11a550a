/**
 * What imported settings deny to the sandbox, as rules: files as `Read` and `Edit`, hosts as `WebFetch`. So they hold for
 * every decision, wherever the sandbox's own walls stand, and show like any other rule (RULES W4, W5, X6, X8, X9).
 */
import type { Node } from 'jsonc-parser';
import { literalPathPattern } from './path-pattern.ts';
import type { PolicyDocument } from './policy-document.ts';
import type { Rule } from './rule.ts';
import { parseRule } from './rule-text.ts';
import { askForTool } from './unread-restriction.ts';

const places = [
  { path: ['sandbox', 'filesystem', 'denyRead'], tool: 'Read' },
  { path: ['sandbox', 'filesystem', 'denyWrite'], tool: 'Edit' },
  { path: ['sandbox', 'network', 'deniedDomains'], tool: 'WebFetch' },
] as const;

export function readDenials(document: PolicyDocument): readonly Rule[] {
  const readable = document
    .membersAt(['sandbox', 'filesystem', 'allowRead'])
    .flatMap((array) => (array.type === 'array' ? (array.children ?? []) : []))
    .flatMap((node) => readReadable(document, node));
  return places.flatMap(({ path, tool }) =>
    document.membersAt(path).flatMap((array) => {
      if (array.type !== 'array') return askForTool(document, array, tool, undefined, 'write a list of texts');
      return (array.children ?? []).flatMap((node) => readDenial(document, node, tool, path[2], readable));
    }),
  );
}

function readDenial(
  document: PolicyDocument,
  node: Node,
  tool: 'Read' | 'Edit' | 'WebFetch',
  key: string,
  readable: readonly Readable[],
): readonly Rule[] {
  const value: unknown = node.value;
  if (node.type !== 'string' || typeof value !== 'string') return askForTool(document, node, tool);
  const place = tool === 'WebFetch' ? undefined : readPlace(document, value);
  const specifier = place === undefined ? `domain:${withoutPort(value)}` : place.specifier;
  const source = { list: 'deny', origin: document.origin(node.offset), anchor: document.source.anchor } as const;
  const parsed = parseRule(`${tool}(${specifier})`, source);
  if (parsed.kind !== 'rules' || value.trim() === '') return askForTool(document, node, tool, value);
  // Inside a denied folder what the same file lets be read stays readable: the more specific path wins (RULES X8).
  const within = tool === 'Read' && place?.folder !== undefined ? `${place.folder.replace(/\/$/, '')}/` : undefined;
  const unless =
    within === undefined ? [] : readable.filter(({ path }) => path.startsWith(within)).map((each) => each.rule);
  return parsed.rules.map((rule) => ({ ...rule, reason: `\`${key}\` of the sandbox`, unless }));
}

/** A port narrows what is denied; without it the whole host is, which is the reading that restricts more (RULES W5). */
function withoutPort(host: string): string {
  return host.trim().replace(/:(?:\d+|\*)$/, '');
}

interface Place {
  readonly specifier: string;
  /** Absolute; undefined where the path has wildcards. */
  readonly folder: string | undefined;
}

/** In these lists `/x` is absolute, and a trailing slash or `/**` says nothing more (RULES X6). */
function readPlace(document: PolicyDocument, value: string): Place {
  const kept =
    value
      .trim()
      .replace(/^\/\//, '/')
      .replace(/\/(?:\*\*)?$/, '') || '/';
  if (/[*?[]/.test(kept) && !kept.split('/').includes('..')) {
    return { specifier: kept.startsWith('~/') ? kept : `/${kept.replace(/^\.\//, '')}`, folder: undefined };
  }
  const folder = document.absolute(kept);
  return { specifier: folder === '/' ? '//**' : literalPathPattern(folder), folder };
}

interface Readable {
  readonly path: string;
  readonly rule: Rule;
}

function readReadable(document: PolicyDocument, node: Node): readonly Readable[] {
  const value: unknown = node.value;
  if (node.type !== 'string' || typeof value !== 'string' || value.trim() === '') return [];
  const { specifier, folder } = readPlace(document, value);
  if (folder === undefined) return [];
  const source = { list: 'allow', origin: document.origin(node.offset), anchor: document.source.anchor } as const;
  const parsed = parseRule(`Read(${specifier})`, source);
  return parsed.kind === 'rules' ? parsed.rules.map((rule) => ({ path: folder, rule })) : [];
}
