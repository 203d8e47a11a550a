/**
 * Adds rules to the text of a policy file and takes them out. Comments and layout stay, and a comment behind a rule stays
 * with that rule: it may be the reason that somebody relies on.
 */
import {
  applyEdits,
  createScanner,
  findNodeAtLocation,
  modify,
  type Node,
  type ParseError,
  parseTree,
} from 'jsonc-parser';
import { SbxError } from '../../client/protocol/errors.ts';
import { textPlaces } from '../decide/text-places.ts';

type List = 'allow' | 'ask' | 'deny';

/** Rules that stand there already are not repeated. @throws {SbxError} `bad-policy` when the text is not valid. */
export function addRules(text: string, rules: readonly string[], list: List): string {
  let result = text.trim() === '' ? '{}\n' : text;
  for (const rule of new Set(rules)) {
    const array = findList(result, list);
    const present = array?.children ?? [];
    if (present.some((node) => node.type === 'string' && node.value === rule)) continue;
    result =
      array === undefined || present.length === 0
        ? insertFirst(result, list, array, rule)
        : insertAfterLast(result, array, present, rule);
  }
  return result;
}

/** @param index among the entries of the list. @throws {SbxError} `bad-policy` when the text is not valid. */
export function removeRule(text: string, list: List, index: number): string {
  const array = findList(text, list);
  const node = array?.children?.[index];
  if (array === undefined || node === undefined) return text;
  const end = node.offset + node.length;
  const after = trivia(text, end, array.children?.[index + 1]?.offset ?? array.offset + array.length - 1);
  let from = node.offset;
  let to = after.comma ?? end;
  let result = text;
  if (after.comma === undefined && index > 0) {
    const before = array.children?.[index - 1];
    const comma = before === undefined ? undefined : trivia(text, before.offset + before.length, node.offset).comma;
    if (comma !== undefined) {
      result = result.slice(0, comma - 1) + result.slice(comma);
      from--;
      to--;
    }
  }
  const lineStart = result.lastIndexOf('\n', from - 1) + 1;
  const lineEnd = result.indexOf('\n', to) < 0 ? result.length : result.indexOf('\n', to);
  const alone = result.slice(lineStart, from).trim() === '' && /^\s*(?:\/\/.*)?$/.test(result.slice(to, lineEnd));
  if (alone && lineStart > 0) return result.slice(0, lineStart) + result.slice(lineEnd + 1);
  const rest = result.slice(to).replace(/^ +/, '');
  return (rest.startsWith(']') ? result.slice(0, from).replace(/[ \t]+$/, '') : result.slice(0, from)) + rest;
}

/** The list's array, or undefined where it has to be made. */
function findList(text: string, list: List): Node | undefined {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const permissions = tree === undefined ? undefined : findNodeAtLocation(tree, ['permissions']);
  const array = permissions === undefined ? undefined : findNodeAtLocation(permissions, [list]);
  const sound =
    errors.length === 0 &&
    tree?.type === 'object' &&
    (permissions === undefined || permissions.type === 'object') &&
    (array === undefined || array.type === 'array');
  if (sound) return array;
  throw new SbxError('bad-policy', 'the policy file has errors, so it is not changed', {
    help: 'correct the file first: `sbx policy lint` shows where its errors are',
  });
}

const layout = { insertSpaces: true, tabSize: 2, eol: '\n' };

function insertFirst(text: string, list: List, array: Node | undefined, rule: string): string {
  // Comments in an empty list stay above the first rule.
  if (array !== undefined && /\S/.test(text.slice(array.offset + 1, array.offset + array.length - 1))) {
    const { end } = trivia(text, array.offset + 1, array.offset + array.length - 1);
    return `${text.slice(0, end)}\n${indentOf(text, array.offset)}  ${JSON.stringify(rule)}${text.slice(end)}`;
  }
  return applyEdits(text, modify(text, ['permissions', list], [rule], { formattingOptions: layout }));
}

function insertAfterLast(text: string, array: Node, present: readonly Node[], rule: string): string {
  const last = present[present.length - 1] as Node;
  const lastEnd = last.offset + last.length;
  const close = array.offset + array.length - 1;
  const { comma, end } = trivia(text, lastEnd, close);
  const value = JSON.stringify(rule);
  if (!text.slice(lastEnd, close).includes('\n')) {
    return `${text.slice(0, end)}${comma === undefined ? ', ' : ' '}${value}${comma === undefined ? '' : ','}${text.slice(end)}`;
  }
  const line = `\n${indentOf(text, last.offset)}${value}`;
  if (comma !== undefined) return `${text.slice(0, end)}${line},${text.slice(end)}`;
  return `${text.slice(0, lastEnd)},${text.slice(lastEnd, end)}${line}${text.slice(end)}`;
}

/** The library's names for these exist at compile time only. Source: jsonc-parser, `SyntaxKind`. */
const token = { comma: 5, lineBreak: 14, blanks: 15, end: 17 } as const;

/** What stands between two values: where a comma ends, if there is one, and where the last comment or comma ends. */
function trivia(text: string, from: number, to: number): { comma: number | undefined; end: number } {
  const scanner = createScanner(text, false);
  scanner.setPosition(from);
  let comma: number | undefined;
  let end = from;
  for (let kind: number = scanner.scan(); kind !== token.end && scanner.getTokenOffset() < to; kind = scanner.scan()) {
    if (kind === token.blanks || kind === token.lineBreak) continue;
    end = scanner.getTokenOffset() + scanner.getTokenLength();
    if (kind === token.comma) comma = end;
  }
  return { comma, end };
}

function indentOf(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  return /^\s*/.exec(line)?.[0] ?? '';
}

export interface ListedRule {
  readonly rule: string;
  readonly line: number;
  readonly column: number;
}

/** The entries of a list in their order, those that cannot be read as text of JSON. @throws {SbxError} `bad-policy` */
export function listRules(text: string, list: List): readonly ListedRule[] {
  const places = textPlaces(text);
  return (findList(text.trim() === '' ? '{}' : text, list)?.children ?? []).map((node) => {
    const rule = node.type === 'object' ? findNodeAtLocation(node, ['rule']) : node;
    return {
      rule: typeof rule?.value === 'string' ? rule.value : text.slice(node.offset, node.offset + node.length),
      ...places.at(node.offset),
    };
  });
}
