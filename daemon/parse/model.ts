/**
 * The parse stage's own model of bash text: what every later stage reasons about. It promises that each simple command
 * bash could run from the text is in `ParsedScript.commands`, or that the result is `Unparsable`. It is built by us from
 * the concrete syntax tree, so no type of a parsing library leaves `daemon/parse`.
 */

/** Half-open range of UTF-16 code units in the text that was parsed. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type ParseResult = ParsedScript | Unparsable;

/** Why a text has no model. Every code leads to `ask`; none is ever looser than that. */
export type UnparsableCode =
  | 'syntax-error'
  | 'parsers-disagree'
  | 'unsupported-syntax'
  | 'control-character'
  | 'too-long'
  | 'too-complex'
  | 'parser-failure';

export interface Unparsable {
  readonly kind: 'unparsable';
  readonly text: string;
  readonly code: UnparsableCode;
  /** One clear lower-case sentence fragment, without a final period, ready for a person. */
  readonly message: string;
  /** The place in the text, as near as it is known. */
  readonly span: Span;
}

export interface ParsedScript {
  readonly kind: 'script';
  readonly text: string;
  readonly body: readonly Statement[];
  /** Every simple command in source order, those of substitutions, loops, functions and here-documents included. */
  readonly commands: readonly SimpleCommand[];
}

interface StatementBase extends Span {
  /** Redirections of a compound command; a simple command carries its own. */
  readonly redirections: readonly Redirection[];
  /** Followed by `&`. */
  readonly background: boolean;
}

export type Statement =
  | (StatementBase & { readonly type: 'command'; readonly command: SimpleCommand })
  /** `time` and `!` are reserved words of the pipeline, not commands. */
  | (StatementBase & {
      readonly type: 'pipeline';
      readonly stages: readonly Statement[];
      readonly negated: boolean;
      readonly timed: boolean;
    })
  | (StatementBase & {
      readonly type: 'and-or';
      readonly left: Statement;
      readonly operator: '&&' | '||';
      readonly right: Statement;
    })
  | (StatementBase & { readonly type: 'group'; readonly body: readonly Statement[] })
  | (StatementBase & { readonly type: 'subshell'; readonly body: readonly Statement[] })
  | (StatementBase & {
      readonly type: 'if';
      readonly branches: readonly { readonly condition: readonly Statement[]; readonly body: readonly Statement[] }[];
      readonly otherwise: readonly Statement[];
    })
  | (StatementBase & {
      readonly type: 'while' | 'until';
      readonly condition: readonly Statement[];
      readonly body: readonly Statement[];
    })
  | (StatementBase & {
      readonly type: 'for' | 'select';
      readonly variable: string;
      /** Undefined when the loop runs over the positional parameters. */
      readonly words: readonly Word[] | undefined;
      readonly body: readonly Statement[];
    })
  | (StatementBase & {
      readonly type: 'arithmetic-for';
      readonly expressions: readonly Arithmetic[];
      readonly body: readonly Statement[];
    })
  | (StatementBase & {
      readonly type: 'case';
      readonly subject: Word;
      readonly items: readonly { readonly patterns: readonly Word[]; readonly body: readonly Statement[] }[];
    })
  | (StatementBase & { readonly type: 'function'; readonly name: string; readonly body: Statement })
  | (StatementBase & { readonly type: 'coproc'; readonly name: string | undefined; readonly body: Statement })
  /** `[[ … ]]`: the operands are words whose expansions run; `words` lists them with operators such as `-f` and `==`. */
  | (StatementBase & { readonly type: 'conditional'; readonly words: readonly Word[] })
  /** `(( … ))`. */
  | (StatementBase & { readonly type: 'arithmetic'; readonly expression: Arithmetic });

/** Where a simple command stands. Several can hold at once. */
export type Position =
  | 'pipeline'
  | 'substitution'
  | 'process-substitution'
  | 'subshell'
  | 'loop'
  | 'branch'
  | 'function'
  | 'background'
  | 'coproc'
  | 'heredoc'
  | 'condition';

export interface SimpleCommand extends Span {
  /** Index in `ParsedScript.commands`. */
  readonly id: number;
  readonly positions: readonly Position[];
  /** Leading `NAME=value`, `NAME+=value`, `NAME[i]=value`, `NAME=(…)`; alone on the line when `words` is empty. */
  readonly assignments: readonly Assignment[];
  /**
   * The program name first. Empty for a bare assignment or a bare redirection. An argument `NAME=(…)` of `declare` and
   * its kin is one word of unknown value with the parts of its elements.
   */
  readonly words: readonly Word[];
  readonly redirections: readonly Redirection[];
  /** What the command's standard output feeds, when it stands before a `|`: the first command of the next stage. */
  readonly pipedTo: number | undefined;
}

export interface Assignment extends Span {
  readonly name: string;
  readonly append: boolean;
  /** Source text of the subscript in `NAME[subscript]=`; bash evaluates it. */
  readonly subscript: Word | undefined;
  /** Undefined for `NAME=(…)`, whose elements are in `elements`. */
  readonly value: Word | undefined;
  readonly elements: readonly Word[] | undefined;
}

export type RedirectionOperator = '<' | '>' | '>>' | '>|' | '<>' | '&>' | '&>>' | '<&' | '>&' | '<<' | '<<-' | '<<<';

export interface Redirection extends Span {
  readonly operator: RedirectionOperator;
  /** The number or `{name}` before the operator, as written. */
  readonly descriptor: string | undefined;
  /** The target word; for a here-document its delimiter as written; for `<&`/`>&` a number, `-`, or a file name. */
  readonly target: Word;
  readonly heredoc: Heredoc | undefined;
}

export interface Heredoc extends Span {
  /** The delimiter was quoted: the body is literal text. */
  readonly quoted: boolean;
  /** The body; for an unquoted delimiter its expansions are parts, otherwise one literal. */
  readonly body: Word;
}

/** An arithmetic expression: its text and every expansion in it. Variables in it are evaluated recursively by bash. */
export interface Arithmetic extends Span {
  readonly text: string;
  readonly expansions: readonly WordPart[];
  /** Only digits, operators and blanks: nothing in it is looked up. */
  readonly constant: boolean;
}

export interface Word extends Span {
  /** The text as written. */
  readonly source: string;
  readonly parts: readonly WordPart[];
  /**
   * The words that bash makes of this one, when that is known from the text alone: quotes removed, escapes decoded,
   * literal braces expanded. Undefined when anything depends on the machine (variables, substitutions, globs, `~`).
   */
  readonly values: readonly string[] | undefined;
  /** Any quoting or escaping occurs in the word. */
  readonly quoted: boolean;
}

export type WordPart =
  /** Text with quoting resolved. */
  | (Span & { readonly type: 'literal'; readonly value: string; readonly quoted: boolean })
  /** Unquoted `*`, `?`, `[…]` or an extglob, as written. */
  | (Span & { readonly type: 'glob'; readonly value: string })
  /** Leading `~`, `~user`, `~+`, `~-`; `value` is what stands after the tilde up to the slash. */
  | (Span & { readonly type: 'tilde'; readonly value: string })
  /** `{a,b}` or `{1..3}` that is not literal; `words` are its elements as far as they can be told apart. */
  | (Span & { readonly type: 'brace'; readonly words: readonly Word[] })
  /**
   * `$name`, `${name…}`. `operator` is what follows the name (`:-`, `#`, `/`, `@P`, `[`, …), `operands` the words after
   * it, whose expansions run; with a subscript it begins with `[` (`[:-` in `${a[i]:-x}`) and the subscript is the first
   * operand. `indirect` is `${!name}`; `length` is `${#name}`.
   */
  | (Span & {
      readonly type: 'parameter';
      readonly name: string;
      readonly operator: string | undefined;
      readonly operands: readonly Word[];
      readonly indirect: boolean;
      readonly length: boolean;
      readonly quoted: boolean;
    })
  | (Span & { readonly type: 'substitution'; readonly body: readonly Statement[]; readonly quoted: boolean })
  | (Span & { readonly type: 'process'; readonly direction: '<' | '>'; readonly body: readonly Statement[] })
  | (Span & { readonly type: 'arithmetic'; readonly expression: Arithmetic; readonly quoted: boolean });

/** The single value of a word, when it is exactly one and known. */
export function wordValue(word: Word | undefined): string | undefined {
  return word?.values?.length === 1 ? word.values[0] : undefined;
}
