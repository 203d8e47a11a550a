/**
 * Reads the text of a policy file. It reports every error with line and column, and still returns the restrictions that
 * can be read: a typo must never switch a deny off (RULES O36).
 */
import { findNodeAtLocation, getNodeValue, type Node } from 'jsonc-parser';
import { limitNames } from '../../client/protocol/limit-names.ts';
import type { Mode } from '../../client/protocol/messages.ts';
import { readFileLists } from './file-list.ts';
import { type Limits, strictest } from './limits.ts';
import { readNetwork } from './network-text.ts';
import { emptyLayer, type ParsedPolicy, type RuleExample, type Setting, type Settings } from './policy.ts';
import { PolicyDocument, type PolicySource } from './policy-document.ts';
import { modeNames, objectRuleSchema, policySchema, variableName } from './policy-schema.ts';
import { quoteText } from './quote-text.ts';
import type { Rule, RuleList } from './rule.ts';
import { parseRule } from './rule-text.ts';

export type { PolicySource } from './policy-document.ts';

const lists = ['allow', 'ask', 'deny'] as const satisfies readonly RuleList[];

/** Where each setting stands, and which value of several copies restricts. */
const places = {
  autoAllow: { path: ['permissions', 'autoAllow'], type: 'boolean', restricts: false },
  lockFlags: { path: ['permissions', 'lockFlags'], type: 'boolean', restricts: true },
  disableBypass: { path: ['permissions', 'disableBypass'], type: 'boolean', restricts: true },
  managedRulesOnly: { path: ['permissions', 'managedRulesOnly'], type: 'boolean', restricts: true },
  managedDomainsOnly: { path: ['permissions', 'managedDomainsOnly'], type: 'boolean', restricts: true },
  lockAutoAllow: { path: ['permissions', 'lockAutoAllow'], type: 'boolean', restricts: true },
  allowUnsandboxed: { path: ['sandbox', 'allowUnsandboxed'], type: 'boolean', restricts: false },
  allowShell: { path: ['sandbox', 'allowShell'], type: 'boolean', restricts: false },
  userNamespaces: { path: ['sandbox', 'userNamespaces'], type: 'boolean', restricts: false },
  import: { path: ['import'], type: 'boolean', restricts: true },
  profile: { path: ['profile'], type: 'string', restricts: undefined },
  idleMinutes: { path: ['daemon', 'idleMinutes'], type: 'number', restricts: undefined },
  workspace: { path: ['workspace'], type: 'string', restricts: undefined },
} as const;

export function parsePolicy(text: string, source: PolicySource): ParsedPolicy {
  return new PolicyReader(text, source).read();
}

class PolicyReader {
  readonly #document: PolicyDocument;
  readonly #rules: Rule[] = [];
  readonly #examples: RuleExample[] = [];

  constructor(text: string, source: PolicySource) {
    this.#document = new PolicyDocument(text, source);
  }

  read(): ParsedPolicy {
    const document = this.#document;
    this.#readRules();
    const network = readNetwork(document);
    // Rules and hosts are checked one by one, with better messages.
    document.validate(
      policySchema,
      document.tree,
      (path) =>
        (path[0] === 'permissions' || path[0] === 'network') &&
        lists.some((list) => list === path[1]) &&
        path.length > 2,
    );
    const { layer, file } = document.source;
    return {
      ...emptyLayer(layer, file),
      rules: this.#rules,
      examples: this.#examples,
      settings: this.#readSettings(),
      limits: this.#readLimits(),
      directories: this.#readDirectories(),
      env: this.#readVariables(),
      files: readFileLists(document),
      network,
      problems: document.problems,
      notes: document.notes,
    };
  }

  #readRules(): void {
    for (const list of lists) {
      for (const array of this.#document.membersAt(['permissions', list])) {
        if (array.type === 'array') for (const node of array.children ?? []) this.#readRule(node, list);
      }
    }
  }

  #readRule(node: Node, list: RuleList): void {
    const document = this.#document;
    if (node.type === 'string') {
      this.#rules.push(...this.#parseRuleNode(node, list));
      return;
    }
    const ruleNode = findNodeAtLocation(node, ['rule']);
    if (node.type !== 'object' || ruleNode?.type !== 'string') {
      document.problem(node.offset, 'a rule is a text, or an object with the key `rule`', 'write `"Bash(npm test *)"`');
      return;
    }
    const shape = objectRuleSchema.safeParse(getNodeValue(node));
    if (!shape.success) document.validate(objectRuleSchema, node, () => false);
    const sound = shape.success ? shape.data : undefined;
    const unlessNode = findNodeAtLocation(node, ['unless']);
    const unless =
      sound === undefined || unlessNode?.type !== 'array'
        ? []
        : (unlessNode.children ?? []).flatMap((child) => this.#parseRuleNode(child, list));
    if (unless.length > 0 && list === 'deny') {
      document.problem(
        unlessNode?.offset ?? node.offset,
        '`unless` cannot weaken a deny',
        'move the rule to `ask` or `allow`',
      );
    }
    const rules = this.#parseRuleNode(ruleNode, list).map((rule) => ({
      ...rule,
      reason: sound?.reason,
      unless: list === 'deny' ? [] : unless,
      sandbox: sound?.sandbox,
    }));
    this.#rules.push(...rules);
    for (const rule of rules) {
      for (const [key, expected] of [
        ['match', true],
        ['notMatch', false],
      ] as const) {
        (sound?.[key] ?? []).forEach((command, index) => {
          const at = findNodeAtLocation(node, [key, index]) ?? node;
          this.#examples.push({ rule, command, expected, origin: document.origin(at.offset) });
        });
      }
    }
  }

  #parseRuleNode(node: Node, list: RuleList): readonly Rule[] {
    const document = this.#document;
    const text: unknown = node.value;
    if (node.type !== 'string' || typeof text !== 'string') return [];
    const origin = document.origin(node.offset);
    const parsed = parseRule(text, { list, origin, anchor: document.source.anchor });
    if (parsed.kind === 'rules') return parsed.rules;
    if (parsed.kind === 'ignored') document.note(node.offset, parsed.note, parsed.help);
    else {
      document.problem(document.within(node, parsed.offset), `${quoteText(text)}: ${parsed.message}`, parsed.help);
    }
    return [];
  }

  /** One by one, so that a mistake elsewhere in the file takes no lock away. */
  #readSettings(): Settings {
    const found: Record<string, Setting<unknown>> = {};
    for (const [name, { path, type, restricts }] of Object.entries(places)) {
      const copies = this.#document.membersAt(path).filter((node) => node.type === type);
      const node = copies.find((copy) => copy.value === restricts) ?? copies[0];
      if (node !== undefined) found[name] = { value: node.value, origin: this.#originOf(node) };
    }
    const defaultMode = this.#readMode();
    return { ...(found as Settings), ...(defaultMode === undefined ? {} : { defaultMode }) };
  }

  /** A limit that is no number is a mistake of the file, and limits nothing. */
  #readLimits(): Limits {
    const found = limitNames.flatMap((name) =>
      this.#document.membersAt(['sandbox', 'limits', name]).flatMap((node): readonly Limits[] => {
        const value: unknown = node.value;
        if (typeof value !== 'number' || !(value > 0)) return [];
        return [{ [name]: { value, origin: this.#originOf(node) } }];
      }),
    );
    return strictest(found);
  }

  #readMode(): Setting<Mode> | undefined {
    const [node] = this.#document.membersAt(['permissions', 'defaultMode']);
    const name: unknown = node?.value;
    if (node === undefined || typeof name !== 'string' || !Object.hasOwn(modeNames, name)) return undefined;
    if (name === 'auto') this.#document.note(node.offset, 'the mode `auto` is read as `manual`', 'write `manual`');
    return { value: modeNames[name as keyof typeof modeNames], origin: this.#originOf(node) };
  }

  #readDirectories(): readonly Setting<string>[] {
    return this.#document
      .membersAt(['permissions', 'additionalDirectories'])
      .flatMap((array) => (array.type === 'array' ? (array.children ?? []) : []))
      .flatMap((node) => {
        const path: unknown = node.value;
        if (node.type !== 'string' || typeof path !== 'string' || path === '') return [];
        return [{ value: this.#document.absolute(path), origin: this.#document.origin(node.offset) }];
      });
  }

  /** What is no name is a mistake of the file, and grants nothing. */
  #readVariables(): readonly Setting<string>[] {
    return this.#document
      .membersAt(['sandbox', 'env'])
      .flatMap((array) => (array.type === 'array' ? (array.children ?? []) : []))
      .flatMap((node) => {
        const name: unknown = node.value;
        if (typeof name !== 'string' || !variableName.test(name)) return [];
        return [{ value: name, origin: this.#document.origin(node.offset) }];
      });
  }

  /** Where its key stands. */
  #originOf(node: Node): Setting<unknown>['origin'] {
    return this.#document.origin(node.parent?.offset ?? node.offset);
  }
}
