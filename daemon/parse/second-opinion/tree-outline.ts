/**
 * The third opinion's facts, from the concrete tree of tree-sitter-bash. Every node type must be listed here with the
 * role it plays; an unlisted one makes the text unsupported. The tree's shape is not trusted (this grammar hangs a
 * redirection on a whole list, and takes the command after `>file` for a second target), only which stretches of the
 * text are commands, words, assignments and redirections.
 */
import type { Node, Tree, TreeCursor } from 'web-tree-sitter';
import { maxTreeNodes } from '../limits.ts';
import { Stop } from '../stop.ts';
import type { Fact, FactKind } from './outline.ts';

export interface TreeOutline {
  readonly facts: readonly Fact[];
  /** Where the tree has a command or process substitution. */
  readonly substitutions: ReadonlySet<number>;
}

/** Statements and what holds statements. */
const structures = new Set([
  ...['program', 'list', 'pipeline', 'negated_command', 'for_statement', 'c_style_for_statement', 'while_statement'],
  ...['do_group', 'if_statement', 'elif_clause', 'else_clause', 'case_statement', 'case_item', 'compound_statement'],
  ...['subshell', 'command_substitution', 'process_substitution', 'heredoc_body', 'function_definition'],
  ...['redirected_statement', 'test_command', 'variable_assignments', 'command_name'],
]);

/** Words and what is inside of words, arithmetic and tests. */
const pieces = new Set([
  ...[
    'word',
    'string',
    'string_content',
    'raw_string',
    'ansi_c_string',
    'translated_string',
    'concatenation',
    'number',
  ],
  ...['simple_expansion', 'expansion', 'variable_name', 'special_variable_name', 'subscript', 'arithmetic_expansion'],
  ...['brace_expression', 'array', 'regex', 'extglob_pattern', 'binary_expression', 'unary_expression'],
  ...['ternary_expression', 'postfix_expression', 'parenthesized_expression', 'test_operator', 'file_descriptor'],
  ...['heredoc_content', 'heredoc_start', 'heredoc_end'],
]);

interface Child {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** @throws {Stop} syntax-error with the place of an ERROR or MISSING node, unsupported-syntax, too-complex */
export function outlineTree(tree: Tree, text: string): TreeOutline {
  if (tree.rootNode.hasError) throw findError(tree.rootNode);
  const facts: Fact[] = [];
  const substitutions = new Set<number>();
  const cursor = tree.walk();
  try {
    new TreeReader(cursor, text, facts, substitutions).visit('');
  } finally {
    cursor.delete();
  }
  return { facts, substitutions };
}

function findError(node: Node): Stop {
  let place = node;
  for (;;) {
    const child = place.children.find((candidate) => candidate?.hasError);
    if (place.isError || place.isMissing || !child) break;
    place = child;
  }
  const message = 'a second parser finds a syntax error here';
  return new Stop('syntax-error', message, place.startIndex, Math.max(place.endIndex, place.startIndex + 1));
}

class TreeReader {
  private readonly cursor: TreeCursor;
  private readonly text: string;
  private readonly facts: Fact[];
  private readonly substitutions: Set<number>;
  private nodes = 0;

  constructor(cursor: TreeCursor, text: string, facts: Fact[], substitutions: Set<number>) {
    this.cursor = cursor;
    this.text = text;
    this.facts = facts;
    this.substitutions = substitutions;
  }

  /** Reads the node under the cursor. */
  visit(parent: string): void {
    const { cursor } = this;
    if (++this.nodes > maxTreeNodes) throw new Stop('too-complex', 'the text has too many parts', 0, this.text.length);
    if (!cursor.nodeIsNamed) return;
    const type = cursor.nodeType;
    const start = cursor.startIndex;
    if (type === 'command') this.visitCommand(start);
    else if (type === 'declaration_command' || type === 'unset_command') this.visitBuiltin(start);
    else if (type === 'variable_assignment') this.visitAssignment(parent);
    else if (type === 'file_redirect' || type === 'herestring_redirect') this.visitRedirect(type);
    else if (type === 'heredoc_redirect') this.visitHeredoc();
    else if (type === 'redirected_statement') this.visitRedirected();
    else if (structures.has(type) || pieces.has(type)) this.visitOther(type, start);
    else if (type !== 'comment') {
      throw new Stop('unsupported-syntax', `this syntax (${type}) is not supported`, start, cursor.endIndex);
    }
  }

  private visitOther(type: string, start: number): void {
    const { endIndex: end } = this.cursor;
    if (type === 'variable_assignments') this.add('command', start, 0);
    if (type === 'function_definition') this.add('function', start, 0);
    if (type === 'command_substitution' || type === 'process_substitution') {
      // The grammar counts blanks in front of a substitution in double quotes to it.
      this.substitutions.add(start + this.text.slice(start, end).search(/\S/));
    }
    this.eachChild(() => this.visit(type));
  }

  private add(kind: FactKind, start: number, end: number, detail?: string): void {
    this.facts.push({ kind, start, end, detail });
  }

  /** Calls `read` with the cursor on each child in turn. */
  private eachChild(read: (child: Child) => void): void {
    const { cursor } = this;
    if (!cursor.gotoFirstChild()) return;
    do read({ type: cursor.nodeType, start: cursor.startIndex, end: cursor.endIndex });
    while (cursor.gotoNextSibling());
    cursor.gotoParent();
  }

  private visitCommand(start: number): void {
    const words: Child[] = [];
    let first: number | undefined;
    this.eachChild((child) => {
      if (child.type === 'variable_assignment') {
        first ??= child.start;
        this.visitAssignment('command');
      } else if (child.type.endsWith('_redirect')) {
        for (const extra of this.visitRedirect(child.type)) words.push(extra);
      } else {
        first ??= child.start;
        words.push(child);
        this.visit('command');
      }
    });
    this.add('command', first ?? start, 0);
    this.addWords(words);
  }

  private visitBuiltin(start: number): void {
    const words: Child[] = [];
    this.eachChild((child) => {
      words.push(child);
      if (child.type === 'variable_assignment') this.eachChild(() => this.visit('declaration_command'));
      else this.visit('declaration_command');
    });
    this.add('command', start, 0);
    this.addWords(words);
  }

  /** What touches without a blank between is one word to bash, in however many nodes the grammar puts it. */
  private addWords(words: readonly Child[]): void {
    const sorted = [...words].sort((one, other) => one.start - other.start);
    let start = sorted[0]?.start ?? 0;
    for (const [index, word] of sorted.entries()) {
      const next = sorted[index + 1];
      if (next?.start === word.end) continue;
      this.add('word', start, word.end);
      start = next?.start ?? 0;
    }
  }

  private visitAssignment(parent: string): void {
    const { startIndex: start, endIndex: end } = this.cursor;
    const isArithmetic = parent === 'c_style_for_statement' || parent.endsWith('_expression');
    if (!isArithmetic) {
      if (parent !== 'command' && parent !== 'variable_assignments') this.add('command', start, 0);
      this.add('assignment', start, end);
    }
    this.eachChild(() => this.visit('variable_assignment'));
  }

  /** @returns the words that the grammar takes for further targets */
  private visitRedirect(type: string): Child[] {
    const { startIndex: start } = this.cursor;
    const words: Child[] = [];
    let operator = type === 'herestring_redirect' ? '<<<' : '';
    this.eachChild((child) => {
      if (child.type === 'file_descriptor') return;
      if (!this.cursor.nodeIsNamed && /^[<>&|-]+$/.test(child.type)) {
        operator = child.type;
        if (/-$/.test(child.type)) words.push({ type: 'word', start: child.end - 1, end: child.end });
        return;
      }
      const last = words.at(-1);
      if (last?.end === child.start) words[words.length - 1] = { ...last, end: child.end };
      else words.push(child);
      this.visit('file_redirect');
    });
    const [target, ...extras] = words;
    this.add('redirection', target?.start ?? start, target?.end ?? start, operator.replace(/-$/, ''));
    return extras;
  }

  private visitRedirected(): void {
    const extras: Child[] = [];
    let hasBody = false;
    this.eachChild((child) => {
      if (child.type === 'file_redirect' || child.type === 'herestring_redirect') {
        extras.push(...this.visitRedirect(child.type));
      } else {
        hasBody ||= child.type !== 'heredoc_redirect';
        this.visit('redirected_statement');
      }
    });
    if (!hasBody && extras[0] !== undefined) this.add('command', extras[0].start, 0);
    this.addWords(extras);
  }

  /** A here-document is shown with nothing else on its line. */
  private visitHeredoc(): void {
    let operator = '';
    this.eachChild((child) => {
      if (child.type === '<<' || child.type === '<<-') operator = child.type;
      else if (child.type === 'heredoc_start') this.add('redirection', child.start, child.end, operator);
      else if (child.type === 'heredoc_end') this.add('heredoc', this.findLineStart(child.start), 0);
      else this.visit('heredoc_redirect');
    });
  }

  private findLineStart(position: number): number {
    let start = position;
    while (this.text[start - 1] === '\t') start--;
    return start;
  }
}
