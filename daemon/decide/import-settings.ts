/**
 * Reads the settings file of the agent whose rules these are (RULES §10, O36, O38). It was not written for sbx, so what
 * sbx does not know is no mistake; but a restriction that cannot be read asks for its whole tool, and what would weaken
 * the sandbox is named and not taken.
 */
import { getNodeValue, type Node } from 'jsonc-parser';
import type { Mode } from '../../client/protocol/messages.ts';
import { findNearestName } from './nearest-name.ts';
import { emptyLayer, type ParsedPolicy, type SandboxDenial, type Setting, type Settings } from './policy.ts';
import { PolicyDocument, type PolicySource } from './policy-document.ts';
import { modeNames } from './policy-schema.ts';
import { quoteText } from './quote-text.ts';
import type { Rule, RuleList } from './rule.ts';
import { parseRule } from './rule-text.ts';

export interface ImportedSettings {
  readonly parsed: ParsedPolicy;
  /** Keys, as `sandbox.excludedCommands`, whose value would weaken the sandbox. */
  readonly weakening: readonly string[];
}

/** What denies something to the sandbox, and what that is. */
const denials = [
  { path: ['sandbox', 'filesystem', 'denyRead'], what: 'read' },
  { path: ['sandbox', 'filesystem', 'denyWrite'], what: 'write' },
  { path: ['sandbox', 'network', 'deniedDomains'], what: 'host' },
] as const;

/** Members of `sandbox` that only restrict, or say what holds in sbx anyway. Every other one would weaken it. */
const harmless: Readonly<Record<string, readonly unknown[] | 'any'>> = {
  enabled: [true],
  failIfUnavailable: 'any',
  autoAllowBashIfSandboxed: 'any',
  allowUnsandboxedCommands: [false],
  allowManagedDomainsOnly: 'any',
  allowManagedReadPathsOnly: 'any',
  denyRead: 'any',
  denyWrite: 'any',
  deniedDomains: 'any',
  enableWeakerNestedSandbox: [false],
  allowLocalBinding: [false],
  allowAllUnixSockets: [false],
};

export function importSettings(text: string, source: PolicySource): ImportedSettings {
  const document = new PolicyDocument(text, source);
  const rules = (['allow', 'ask', 'deny'] as const).flatMap((list) => readRules(document, list));
  return {
    parsed: {
      ...emptyLayer(source.layer, source.file),
      rules,
      settings: readSettings(document),
      directories: readDirectories(document),
      sandboxDenials: readDenials(document),
      problems: document.problems,
      notes: document.notes,
    },
    weakening: document.membersAt(['sandbox']).flatMap((node) => findWeakening(node, 'sandbox')),
  };
}

function readRules(document: PolicyDocument, list: RuleList): readonly Rule[] {
  return document.membersAt(['permissions', list]).flatMap((array) => {
    if (array.type !== 'array') return list === 'allow' ? [] : askFor(document, array, undefined);
    return (array.children ?? []).flatMap((node) => readRule(document, node, list));
  });
}

function readRule(document: PolicyDocument, node: Node, list: RuleList): readonly Rule[] {
  const text: unknown = node.value;
  if (node.type !== 'string' || typeof text !== 'string') {
    if (list !== 'allow') return askFor(document, node, undefined);
    document.note(node.offset, 'a rule that is no text is ignored');
    return [];
  }
  const { anchor } = document.source;
  const parsed = parseRule(text, { list, origin: document.origin(node.offset), anchor });
  if (parsed.kind === 'rules') return parsed.rules;
  if (parsed.kind === 'ignored') document.note(node.offset, parsed.note);
  else if (list !== 'allow') return askFor(document, node, text);
  else document.note(node.offset, `${quoteText(text)} is ignored: ${parsed.message}`);
  return [];
}

/**
 * A restriction that cannot be read asks for its tool (RULES O36), or for commands where even that is not known. Not as a
 * bare rule: under auto-allow a bare ask is the default prompt under another name and would restrict nothing (O11).
 */
function askFor(document: PolicyDocument, node: Node, text: string | undefined): readonly Rule[] {
  const name = /^\s*(\w+)/.exec(text ?? '')?.[1];
  const tool = name === undefined ? 'Bash' : (findNearestName(name, ['Bash', 'Read', 'Edit', 'WebFetch']) ?? 'Bash');
  const shown = quoteText(text ?? JSON.stringify(getNodeValue(node)) ?? 'nothing', 60);
  const reason = `${shown} cannot be read, so everything of its tool is asked about`;
  document.note(node.offset, reason);
  const whole = { Bash: 'Bash(**)', Read: 'Read(//**)', Edit: 'Edit(//**)', WebFetch: 'WebFetch' }[tool] ?? 'Bash(**)';
  const parsed = parseRule(whole, { list: 'ask', origin: document.origin(node.offset), anchor: '/' });
  if (parsed.kind !== 'rules') return [];
  return parsed.rules.map((rule) => ({ ...rule, text: text ?? tool, reason, unread: true as const }));
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
    document.note(node.offset, `the unknown mode ${quoteText(name)} is ignored`);
    return undefined;
  }
  if (name === 'auto') document.note(node.offset, 'the mode `auto` is read as `manual`');
  return { value: modeNames[name as keyof typeof modeNames], origin: document.origin(node.offset) };
}

function readDirectories(document: PolicyDocument): readonly Setting<string>[] {
  return texts(document, ['permissions', 'additionalDirectories']).map(({ value, origin }) => ({
    value: document.absolute(value),
    origin,
  }));
}

/** In these lists `/x` is absolute, and a trailing slash or `/**` says nothing more (RULES §13). */
function readDenials(document: PolicyDocument): readonly SandboxDenial[] {
  return denials.flatMap(({ path, what }) =>
    texts(document, path).map(({ value, origin }) => ({
      what,
      value:
        what === 'host' ? value : document.absolute(value.replace(/^\/\//, '/').replace(/\/(?:\*\*)?$/, '') || '/'),
      origin,
    })),
  );
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
