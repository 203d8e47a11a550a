/**
 * Reads the settings file of the agent whose rules these are (RULES §10, O36, O38). It was not written for sbx, so what
 * sbx does not know is no mistake; but a restriction that cannot be read asks for its whole tool, and what would weaken
 * the sandbox is named and not taken.
 */
import type { Node } from 'jsonc-parser';
import type { Mode } from '../../client/protocol/messages.ts';
import { readDenials } from './import-denials.ts';
import { findNearestName } from './nearest-name.ts';
import { emptyLayer, type ParsedPolicy, type Setting, type Settings } from './policy.ts';
import { PolicyDocument, type PolicySource } from './policy-document.ts';
import { modeNames } from './policy-schema.ts';
import { quoteText } from './quote-text.ts';
import { type Rule, type RuleList, tools } from './rule.ts';
import { parseRule } from './rule-text.ts';
import { askForTool } from './unread-restriction.ts';

export interface ImportedSettings {
  readonly parsed: ParsedPolicy;
  /** Rules for tools that sbx does not have, as written. */
  readonly foreign: readonly string[];
  /** Keys, as `sandbox.excludedCommands`, whose value would weaken the sandbox. */
  readonly weakening: readonly string[];
}

/** Members of `sandbox` that only restrict, or say what holds in sbx anyway. Every other one would weaken it. */
const harmless: Readonly<Record<string, readonly unknown[] | 'any'>> = {
  enabled: [true],
  failIfUnavailable: 'any',
  autoAllowBashIfSandboxed: 'any',
  allowUnsandboxedCommands: [false],
  allowManagedDomainsOnly: 'any',
  allowManagedReadPathsOnly: 'any',
  denyRead: 'any',
  // Inside `denyRead` of the same file only.
  allowRead: 'any',
  denyWrite: 'any',
  deniedDomains: 'any',
  enableWeakerNestedSandbox: [false],
  allowLocalBinding: [false],
  allowAllUnixSockets: [false],
};

export function importSettings(text: string, source: PolicySource): ImportedSettings {
  const document = new PolicyDocument(text, source);
  const foreign: string[] = [];
  const rules = (['allow', 'ask', 'deny'] as const).flatMap((list) => readRules(document, list, foreign));
  return {
    parsed: {
      ...emptyLayer(source.layer, source.file),
      rules: [...rules, ...readDenials(document)],
      settings: readSettings(document),
      directories: readDirectories(document),
      problems: document.problems,
      notes: document.notes.map((note) => ({ ...note, quiet: true as const })),
    },
    foreign,
    weakening: document.membersAt(['sandbox']).flatMap((node) => findWeakening(node, 'sandbox')),
  };
}

function readRules(document: PolicyDocument, list: RuleList, foreign: string[]): readonly Rule[] {
  return document.membersAt(['permissions', list]).flatMap((array) => {
    if (array.type !== 'array') {
      return list === 'allow' ? [] : askForTool(document, array, 'Bash', undefined, 'write a list of rules');
    }
    return (array.children ?? []).flatMap((node) => readRule(document, node, list, foreign));
  });
}

function readRule(document: PolicyDocument, node: Node, list: RuleList, foreign: string[]): readonly Rule[] {
  const text: unknown = node.value;
  if (node.type !== 'string' || typeof text !== 'string') {
    if (list !== 'allow') return askForTool(document, node, 'Bash', undefined, 'write it as a text');
    document.note(node.offset, 'a rule that is no text is ignored', 'write it as a text');
    return [];
  }
  const { anchor } = document.source;
  const parsed = parseRule(text, { list, origin: document.origin(node.offset), anchor });
  if (parsed.kind === 'rules') return parsed.rules;
  if (parsed.kind === 'ignored') {
    if (parsed.foreign) foreign.push(text);
    else document.note(node.offset, parsed.note, parsed.help);
  } else if (list === 'allow') {
    document.note(node.offset, `${quoteText(text)} is ignored: ${parsed.message}`, parsed.help);
  } else return askForTool(document, node, findTool(text), text, parsed.help);
  return [];
}

/** The tool that a rule with a mistake is most likely for. */
function findTool(text: string): (typeof tools)[number] {
  const name = /^\s*(\w+)/.exec(text)?.[1];
  const nearest = name === undefined ? undefined : findNearestName(name, tools);
  return tools.find((tool) => tool === nearest) ?? 'Bash';
}

function readSettings(document: PolicyDocument): Settings {
  const mode = readMode(document);
  const [disabled] = document.membersAt(['permissions', 'disableBypassPermissionsMode']);
  const [autoAllow] = document.membersAt(['sandbox', 'autoAllowBashIfSandboxed']);
  const [unsandboxed] = document.membersAt(['sandbox', 'allowUnsandboxedCommands']);
  const off = (node: Node | undefined): Setting<boolean> | undefined =>
    node?.value === false ? { value: false, origin: document.origin(node.offset) } : undefined;
  const noAutoAllow = off(autoAllow);
  const noUnsandboxed = off(unsandboxed);
  return {
    ...(mode === undefined ? {} : { defaultMode: mode }),
    ...(disabled?.value === 'disable'
      ? { disableBypass: { value: true, origin: document.origin(disabled.offset) } }
      : {}),
    ...(noAutoAllow === undefined ? {} : { autoAllow: noAutoAllow }),
    ...(noUnsandboxed === undefined ? {} : { allowUnsandboxed: noUnsandboxed }),
  };
}

function readMode(document: PolicyDocument): Setting<Mode> | undefined {
  const [node] = document.membersAt(['permissions', 'defaultMode']);
  const name: unknown = node?.value;
  if (node === undefined || typeof name !== 'string') return undefined;
  if (!Object.hasOwn(modeNames, name)) {
    document.note(
      node.offset,
      `the unknown mode ${quoteText(name)} is ignored`,
      `write one of ${Object.keys(modeNames).join(', ')}`,
    );
    return undefined;
  }
  if (name === 'auto') document.note(node.offset, 'the mode `auto` is read as `manual`', 'write `default`');
  return { value: modeNames[name as keyof typeof modeNames], origin: document.origin(node.offset) };
}

function readDirectories(document: PolicyDocument): readonly Setting<string>[] {
  return texts(document, ['permissions', 'additionalDirectories']).map(({ value, origin }) => ({
    value: document.absolute(value),
    origin,
  }));
}

function texts(document: PolicyDocument, path: readonly string[]): readonly Setting<string>[] {
  return document
    .membersAt(path)
    .flatMap((array) => (array.type === 'array' ? (array.children ?? []) : []))
    .flatMap((node) => {
      const value: unknown = node.value;
      if (node.type !== 'string' || typeof value !== 'string' || value === '') return [];
      return [{ value, origin: document.origin(node.offset) }];
    });
}

function findWeakening(node: Node, name: string): readonly string[] {
  if (node.type !== 'object') return [name];
  return (node.children ?? []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    if (key === undefined || value === undefined) return [];
    const own = String(key.value);
    if (value.type === 'object') return findWeakening(value, `${name}.${own}`);
    const fine = Object.hasOwn(harmless, own) ? harmless[own] : undefined;
    return fine === 'any' || fine?.includes(value.value) ? [] : [`${name}.${own}`];
  });
}
