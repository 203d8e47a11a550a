/**
 * The block `network` of a policy file. A restriction with a mistake must never be left out silently: in its place every
 * host is asked about (RULES O36).
 */
import { getNodeValue, type Node } from 'jsonc-parser';
import type { Origin } from '../../client/protocol/decision.ts';
import { type EntryObject, isMistake, parseNetworkEntry } from './network-entry.ts';
import { type NetworkEntry, type ParsedNetwork, presetNames } from './network-policy.ts';
import { entryObjectSchema } from './network-schema.ts';
import type { Setting } from './policy.ts';
import type { PolicyDocument } from './policy-document.ts';
import { quoteText } from './quote-text.ts';
import type { RuleList } from './rule.ts';

const lists = ['allow', 'ask', 'deny'] as const satisfies readonly RuleList[];

export function readNetwork(document: PolicyDocument): ParsedNetwork {
  return {
    entries: lists.flatMap((list) =>
      document.membersAt(['network', list]).flatMap((array) => {
        if (array.type !== 'array') return insteadOf(document, array, list);
        return (array.children ?? []).flatMap((node) => readEntry(document, node, list));
      }),
    ),
    presets: readValues(document, ['network', 'presets']).flatMap(({ value, origin }) => {
      const known = value === 'none' ? value : presetNames.find((name) => name === value);
      return known === undefined ? [] : [{ value: known, origin }];
    }),
    default: readDefault(document),
    hostPorts: readValues(document, ['network', 'hostPorts']).flatMap(({ value, origin }) =>
      typeof value === 'number' && isPort(value) ? [{ value, origin }] : [],
    ),
  };
}

const isPort = (value: number): boolean => Number.isInteger(value) && value > 0 && value < 65_536;

function readEntry(document: PolicyDocument, node: Node, list: RuleList): readonly NetworkEntry[] {
  const written = readWritten(document, node);
  if (written === undefined) return insteadOf(document, node, list);
  const parsed = parseNetworkEntry(written, { list, origin: document.origin(node.offset) });
  if (!isMistake(parsed)) return [parsed];
  const text = typeof written === 'string' ? written : written.host;
  document.problem(node.offset, `${quoteText(text)}: ${parsed.message}`, parsed.help);
  return insteadOf(document, node, list);
}

function readWritten(document: PolicyDocument, node: Node): string | EntryObject | undefined {
  const value: unknown = getNodeValue(node);
  if (typeof value === 'string') return value;
  const shape = entryObjectSchema.safeParse(value);
  if (shape.success) return shape.data;
  if (node.type === 'object') document.validate(entryObjectSchema, node, () => false);
  else document.problem(node.offset, 'an entry is a text, or an object with the key `host`', 'write `"example.com"`');
  return undefined;
}

function insteadOf(document: PolicyDocument, node: Node, list: RuleList): readonly NetworkEntry[] {
  return list === 'allow' ? [] : [askAboutAll(JSON.stringify(getNodeValue(node)), document.origin(node.offset))];
}

function askAboutAll(text: string, origin: Origin): NetworkEntry {
  return {
    list: 'ask',
    text,
    origin,
    reason: 'it cannot be read, so every host is asked about',
    host: { kind: 'every' },
    ports: undefined,
    methods: undefined,
    paths: undefined,
    speaks: undefined,
    unless: [],
    unread: true,
  };
}

function readDefault(document: PolicyDocument): ParsedNetwork['default'] {
  const copies = document.membersAt(['network', 'default']);
  const node = copies.find(({ value }) => value === 'deny') ?? copies[0];
  if (node?.value !== 'ask' && node?.value !== 'deny') return undefined;
  return { value: node.value, origin: document.origin(node.parent?.offset ?? node.offset) };
}

function readValues(document: PolicyDocument, path: readonly string[]): readonly Setting<unknown>[] {
  return document
    .membersAt(path)
    .flatMap((array) => (array.type === 'array' ? (array.children ?? []) : []))
    .map((node) => ({ value: node.value as unknown, origin: document.origin(node.offset) }));
}
