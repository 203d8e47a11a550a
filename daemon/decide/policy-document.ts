/** A JSON text with comments as the readers of policies walk it: every value with its place, every mistake collected. */
import {
  createScanner,
  findNodeAtLocation,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import type { z } from 'zod';
import type { Origin } from '../../client/protocol/decision.ts';
import { normaliseRelative } from './command-pattern.ts';
import type { PolicyNote, PolicyProblem } from './policy.ts';
import { quoteText } from './quote-text.ts';
import { findMistakes } from './schema-mistakes.ts';
import { placeInString, type TextPlaces, textPlaces } from './text-places.ts';

export interface PolicySource {
  readonly layer: Origin['layer'];
  /** Path for messages; undefined for text that is no file. */
  readonly file: string | undefined;
  /** Absolute folder that `/x` in path rules and relative additional directories refer to (RULES P3). */
  readonly anchor: string;
  readonly home: string;
}

export class PolicyDocument {
  readonly source: PolicySource;
  readonly tree: Node | undefined;
  readonly problems: PolicyProblem[] = [];
  readonly notes: PolicyNote[] = [];
  readonly #text: string;
  readonly #places: TextPlaces;

  constructor(text: string, source: PolicySource) {
    this.source = source;
    this.#text = text.startsWith('\ufeff') ? ` ${text.slice(1)}` : text;
    this.#places = textPlaces(this.#text);
    const errors: ParseError[] = [];
    const tooDeep = findDepth(this.#text);
    if (tooDeep !== undefined) this.problem(tooDeep, 'the file is nested too deeply', 'a policy needs five levels');
    // What stands before still restricts.
    this.tree = parseTree(this.#text.slice(0, tooDeep), errors, { allowTrailingComma: true, allowEmptyContent: true });
    for (const error of errors) this.problem(error.offset, describeSyntax(error), syntaxHelp);
    if (this.tree !== undefined) this.#findRepeatedKeys(this.tree);
  }

  problem(offset: number, message: string, help: string | undefined): void {
    const origin = this.origin(offset);
    // One missing brace of several says all that there is to say.
    const isSame = (known: PolicyProblem): boolean =>
      known.message === message && known.origin.line === origin.line && known.origin.column === origin.column;
    if (!this.problems.some(isSame)) this.problems.push({ message, help, origin });
  }

  note(offset: number, message: string, help?: string): void {
    this.notes.push({ message, origin: this.origin(offset), ...(help === undefined ? {} : { help }) });
  }

  origin(offset: number): Origin {
    const { layer, file } = this.source;
    return { layer, ...(file === undefined ? {} : { file }), ...this.#places.at(offset) };
  }

  /** Offset in the text of unit `index` of a string's value. */
  within(node: Node, index: number): number {
    return node.offset + placeInString(this.#text.slice(node.offset, node.offset + node.length), index);
  }

  /** Every copy of a member: a repeated key is a mistake, but a restriction in any copy stays. */
  membersAt(path: readonly string[]): readonly Node[] {
    let found = this.tree === undefined ? [] : [this.tree];
    for (const name of path) found = found.flatMap((node) => propertyValues(node, name));
    return found;
  }

  find(path: readonly (string | number)[]): Node | undefined {
    return this.tree === undefined ? undefined : findNodeAtLocation(this.tree, [...path]);
  }

  absolute(path: string): string {
    if (path === '~' || path.startsWith('~/')) return normaliseRelative(this.source.home + path.slice(1));
    return normaliseRelative(path.startsWith('/') ? path : `${this.source.anchor}/${path}`);
  }

  /** Compares with a schema and reports what does not fit. */
  validate(schema: z.ZodType, within: Node | undefined, skips: (path: readonly (string | number)[]) => boolean): void {
    if (within === undefined) return;
    for (const { path, offset, message, help } of findMistakes(schema, within)) {
      if (skips(path)) continue;
      const named = message.startsWith('unknown key') ? message : `${path.join('.') || 'the file'}: ${message}`;
      this.problem(offset, named, help);
    }
  }

  #findRepeatedKeys(node: Node): void {
    const seen = new Set<string>();
    for (const child of node.children ?? []) {
      const key = child.type === 'property' ? child.children?.[0] : undefined;
      if (key !== undefined) {
        const name = String(key.value);
        if (seen.has(name))
          this.problem(key.offset, `the key ${quoteText(name)} stands twice`, 'merge the two into one');
        seen.add(name);
      }
      this.#findRepeatedKeys(child);
    }
  }
}

/** Above any policy; below what the reader's recursion, or anybody's eye, can take. */
const maxDepth = 64;

/** Where the text opens more lists and objects in each other than that. */
function findDepth(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (let kind: number = scanner.scan(); kind !== token.end; kind = scanner.scan()) {
    if (kind === token.openBrace || kind === token.openBracket) depth++;
    else if (kind === token.closeBrace || kind === token.closeBracket) depth--;
    if (depth > maxDepth) return scanner.getTokenOffset();
  }
  return undefined;
}

/** The library's names for these exist at compile time only. Source: jsonc-parser, `SyntaxKind`. */
const token = { openBrace: 1, closeBrace: 2, openBracket: 3, closeBracket: 4, end: 17 } as const;

function propertyValues(node: Node, name: string): readonly Node[] {
  if (node.type !== 'object') return [];
  return (node.children ?? []).flatMap((property) => {
    const value = property.children?.[1];
    return property.children?.[0]?.value === name && value !== undefined ? [value] : [];
  });
}

const syntaxHelp = 'correct the JSON there; comments and a last comma are fine';

/** `CommaExpected` becomes `expected a comma`. */
function describeSyntax(error: ParseError): string {
  const words = printParseErrorCode(error.error)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  const expected = /^(.*) expected$/.exec(words)?.[1];
  if (expected === undefined) return `the file is not valid JSON: ${words}`;
  return `the file is not valid JSON: expected ${/^[aeiou]/.test(expected) ? 'an' : 'a'} ${expected}`;
}
