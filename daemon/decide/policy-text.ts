/**
 * Reads the text of a policy file. It reports every error with line and column, and still returns the restrictions that
 * can be read: a typo must never switch a deny off (RULES O36).
 */
import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import type { z } from 'zod';
import type { Origin } from '../../client/protocol/decision.ts';
import type { Mode } from '../../client/protocol/messages.ts';
import { normaliseRelative } from './command-pattern.ts';
import { findNearestName } from './nearest-name.ts';
import type { ParsedPolicy, PolicyProblem, RuleExample } from './policy.ts';
import { modeNames, objectRuleSchema, policySchema } from './policy-schema.ts';
import { quoteText } from './quote-text.ts';
import type { Rule, RuleList } from './rule.ts';
import { parseRule } from './rule-text.ts';
import { placeInString, type TextPlaces, textPlaces } from './text-places.ts';

export interface PolicySource {
  readonly layer: Origin['layer'];
  /** Path for messages; undefined for text that is no file. */
  readonly file: string | undefined;
  /** Absolute folder that `/x` in path rules and relative additional directories refer to (RULES P3). */
  readonly anchor: string;
  readonly home: string;
}

const lists = ['allow', 'ask', 'deny'] as const satisfies readonly RuleList[];

export function parsePolicy(text: string, source: PolicySource): ParsedPolicy {
  const reader = new PolicyReader(text, source);
  return reader.read();
}

class PolicyReader {
  readonly #text: string;
  readonly #source: PolicySource;
  readonly #places: TextPlaces;
  readonly #problems: PolicyProblem[] = [];
  readonly #notes: string[] = [];
  readonly #rules: Rule[] = [];
  readonly #examples: RuleExample[] = [];

  constructor(text: string, source: PolicySource) {
    this.#text = text.startsWith('\ufeff') ? ` ${text.slice(1)}` : text;
    this.#source = source;
    this.#places = textPlaces(this.#text);
  }

  read(): ParsedPolicy {
    const errors: ParseError[] = [];
    const tree = parseTree(this.#text, errors, { allowTrailingComma: true, allowEmptyContent: true });
    for (const error of errors) this.#problem(error.offset, describeSyntax(error), undefined);
    if (tree !== undefined) {
      this.#findRepeatedKeys(tree);
      this.#readRules(tree);
    }
    const document = tree === undefined ? {} : this.#validate(tree);
    const permissions = document?.permissions;
    return {
      layer: this.#source.layer,
      rules: this.#rules,
      examples: this.#examples,
      defaultMode: this.#mode(permissions?.defaultMode),
      autoAllow: permissions?.autoAllow,
      // A lock holds even in a file whose other parts are wrong.
      lockFlags: permissions?.lockFlags ?? valueAt(tree, ['permissions', 'lockFlags']) === true,
      additionalDirectories: (permissions?.additionalDirectories ?? []).map((path) => this.#absolute(path)),
      idleMinutes: document?.daemon?.idleMinutes,
      problems: this.#problems,
      notes: this.#notes,
    };
  }

  #validate(tree: Node): z.infer<typeof policySchema> | undefined {
    const result = policySchema.safeParse(getNodeValue(tree));
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
      // Rules are checked one by one, with better messages.
      if (path[0] === 'permissions' && lists.some((list) => list === path[1]) && path.length > 2) continue;
      if (issue.code === 'unrecognized_keys') {
        const known = knownKeys(path);
        for (const key of issue.keys) this.#unknownKey(findNodeAtLocation(tree, path), key, known);
      } else {
        const node = findNodeAtLocation(tree, path) ?? tree;
        this.#problem(node.offset, `${path.join('.') || 'the file'}: ${describeIssue(issue, node)}`, undefined);
      }
    }
    return undefined;
  }

  #readRules(tree: Node): void {
    for (const list of lists) {
      // A repeated key is an error, but the restrictions of every copy stay.
      for (const permissions of propertyValues(tree, 'permissions')) {
        for (const array of propertyValues(permissions, list)) {
          if (array.type === 'array') for (const node of array.children ?? []) this.#readRule(node, list);
        }
      }
    }
  }

  #readRule(node: Node, list: RuleList): void {
    if (node.type === 'string') {
      this.#rules.push(...this.#parseRuleNode(node, list));
      return;
    }
    const ruleNode = findNodeAtLocation(node, ['rule']);
    if (node.type !== 'object' || ruleNode?.type !== 'string') {
      this.#problem(node.offset, 'a rule is a text, or an object with the key `rule`', undefined);
      return;
    }
    const shape = objectRuleSchema.safeParse(getNodeValue(node));
    if (!shape.success) this.#reportObjectRule(node, shape.error.issues);
    const sound = shape.success ? shape.data : undefined;
    const unlessNode = findNodeAtLocation(node, ['unless']);
    const unless =
      sound === undefined || unlessNode?.type !== 'array'
        ? []
        : (unlessNode.children ?? []).flatMap((child) => this.#parseRuleNode(child, list));
    if (unless.length > 0 && list === 'deny') {
      this.#problem(
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
          this.#examples.push({ rule, command, expected, origin: this.#origin(at.offset) });
        });
      }
    }
  }

  #reportObjectRule(node: Node, issues: readonly z.core.$ZodIssue[]): void {
    for (const issue of issues) {
      const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys)
          this.#unknownKey(findNodeAtLocation(node, path), key, Object.keys(objectRuleSchema.shape));
      } else {
        const at = findNodeAtLocation(node, path) ?? node;
        this.#problem(at.offset, `${path.join('.')}: ${describeIssue(issue, at)}`, undefined);
      }
    }
  }

  #parseRuleNode(node: Node, list: RuleList): readonly Rule[] {
    const text: unknown = node.value;
    if (node.type !== 'string' || typeof text !== 'string') return [];
    const parsed = parseRule(text, { list, origin: this.#origin(node.offset), anchor: this.#source.anchor });
    if (parsed.kind === 'rules') return parsed.rules;
    if (parsed.kind === 'ignored') this.#notes.push(`${this.#show(node.offset)}: ${parsed.note}`);
    else {
      const offset =
        node.offset + placeInString(this.#text.slice(node.offset, node.offset + node.length), parsed.offset);
      this.#problem(offset, `${quoteText(text)}: ${parsed.message}`, parsed.help);
    }
    return [];
  }

  #findRepeatedKeys(node: Node): void {
    const seen = new Set<string>();
    for (const child of node.children ?? []) {
      const key = child.type === 'property' ? child.children?.[0] : undefined;
      if (key !== undefined) {
        const name = String(key.value);
        if (seen.has(name))
          this.#problem(key.offset, `the key ${quoteText(name)} stands twice`, 'merge the two into one');
        seen.add(name);
      }
      this.#findRepeatedKeys(child);
    }
  }

  #unknownKey(object: Node | undefined, key: string, known: readonly string[]): void {
    const property = object?.children?.find((child) => child.children?.[0]?.value === key);
    const near = findNearestName(key, known);
    const help =
      near !== undefined
        ? `did you mean ${quoteText(near)}?`
        : known.length > 0
          ? `known keys: ${known.join(', ')}`
          : 'this version knows no keys here';
    this.#problem(property?.offset ?? object?.offset ?? 0, `unknown key ${quoteText(key)}`, help);
  }

  #mode(name: keyof typeof modeNames | undefined): Mode | undefined {
    if (name === undefined) return undefined;
    const mode = modeNames[name];
    if (mode === 'manual' && name !== 'manual' && name !== 'default') {
      this.#notes.push(`${this.#source.file ?? this.#source.layer}: the mode ${quoteText(name)} is read as \`manual\``);
    }
    return mode;
  }

  #absolute(path: string): string {
    if (path === '~' || path.startsWith('~/')) return normaliseRelative(this.#source.home + path.slice(1));
    return normaliseRelative(path.startsWith('/') ? path : `${this.#source.anchor}/${path}`);
  }

  #problem(offset: number, message: string, help: string | undefined): void {
    this.#problems.push({ message, help, origin: this.#origin(offset) });
  }

  #origin(offset: number): Origin {
    const { layer, file } = this.#source;
    return { layer, ...(file === undefined ? {} : { file }), ...this.#places.at(offset) };
  }

  #show(offset: number): string {
    const { line, column } = this.#places.at(offset);
    return `${this.#source.file ?? this.#source.layer}:${line}:${column}`;
  }
}

function propertyValues(node: Node, name: string): readonly Node[] {
  if (node.type !== 'object') return [];
  return (node.children ?? []).flatMap((property) => {
    const value = property.children?.[1];
    return property.children?.[0]?.value === name && value !== undefined ? [value] : [];
  });
}

function valueAt(tree: Node | undefined, path: readonly string[]): unknown {
  const node = tree === undefined ? undefined : findNodeAtLocation(tree, [...path]);
  return node === undefined ? undefined : getNodeValue(node);
}

function knownKeys(path: readonly (string | number)[]): readonly string[] {
  const keysOf = (schema: { readonly shape: object }): readonly string[] => Object.keys(schema.shape);
  if (path.length === 0) return keysOf(policySchema);
  if (path[0] === 'permissions' && path.length === 1) return keysOf(policySchema.shape.permissions.unwrap());
  if (path[0] === 'daemon') return keysOf(policySchema.shape.daemon.unwrap());
  return [];
}

function describeIssue(issue: z.core.$ZodIssue, node: Node): string {
  const found = node.type === 'string' ? quoteText(String(node.value)) : (node.type as string);
  if (issue.code === 'invalid_type') return `expected ${issue.expected}, found ${found}`;
  if (issue.code === 'invalid_value') {
    const near = findNearestName(String(node.value), issue.values.map(String));
    const hint = near === undefined ? '' : `; did you mean ${quoteText(near)}?`;
    return `expected one of ${issue.values.map((value) => quoteText(String(value))).join(', ')}, found ${found}${hint}`;
  }
  return `${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
}

/** `CommaExpected` becomes `expected a comma`. */
function describeSyntax(error: ParseError): string {
  const words = printParseErrorCode(error.error)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  const expected = /^(.*) expected$/.exec(words)?.[1];
  return expected === undefined
    ? `the file is not valid JSON: ${words}`
    : `the file is not valid JSON: expected a ${expected}`;
}
