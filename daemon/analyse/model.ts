/**
 * The analyse stage's answer: per simple command what it would do and the forms in which rules see it. Data only; the
 * decide stage reads it, `sbx check` prints it.
 */
import type { ParsedScript, Redirection, SimpleCommand, Span, Unparsable, Word } from '../parse/model.ts';

/**
 * Facts about the machine that were looked up between parse and analyse, so that analyse and decide stay pure.
 * Tests inject them. All paths are absolute and normalised.
 */
export interface Facts {
  readonly home: string;
  /** The writable workspace, or undefined where there is none. */
  readonly workspace: string | undefined;
  /** Where the command starts. */
  readonly cwd: string;
  /** Further folders the policy lets commands work in. */
  readonly additionalDirectories: readonly string[];
  /** Folders for temporary files that a command may write without a question. */
  readonly temporaryDirectories: readonly string[];
  /** What `lstat`/`realpath` said, for each absolute path asked about; a path not in the map was not asked about. */
  readonly paths: ReadonlyMap<string, PathFact>;
}

export interface PathFact {
  readonly kind: 'missing' | 'file' | 'directory' | 'link' | 'other';
  /** Where the path leads after all links, as far as it exists (the missing tail appended). */
  readonly resolved: string;
  /** Git root that encloses the resolved path, if any. */
  readonly repository: string | undefined;
}

export interface Analysis {
  readonly script: ParsedScript | Unparsable;
  /** One per simple command of the script, in the same order. Empty when unparsable. */
  readonly commands: readonly AnalysedCommand[];
  readonly findings: readonly Finding[];
  /** Effects of redirections of compound commands that hold no simple command (`[[ a ]] > f`); usually empty. */
  readonly effects: readonly Effect[];
  /** One English sentence for the whole text, good enough to approve on. */
  readonly description: string;
  readonly risk: Risk;
}

export interface Risk {
  readonly level: 'low' | 'medium' | 'high';
  readonly why: string;
}

export interface AnalysedCommand {
  readonly command: SimpleCommand;
  /** Working directory in force, absolute; undefined when `cd` to an unknown place came before. */
  readonly cwd: string | undefined;
  /** A `cd` came before it in the same shell and led (or may have led) out of the folder the text started in. */
  readonly changedDirectory: boolean;
  /** The forms rules are matched against, outermost first. Never empty for a command with words. */
  readonly layers: readonly Layer[];
  /** The program of the last layer that a grant may see, when its name is known. */
  readonly program: string | undefined;
  /** The catalogue knows this program (and its subcommand, where it has some). */
  readonly known: boolean;
  /**
   * The built-in read-only set covers it: nothing that it names can write, run, connect or leak. Does not cover its
   * redirections, which are effects of their own.
   */
  readonly readOnly: boolean;
  /** Why it is not read-only, as one phrase for `sbx check`; undefined when it is. */
  readonly notReadOnlyBecause: string | undefined;
  /** The function of the same text that this command calls; its body's commands are judged on their own (RULES O34). */
  readonly callsFunction: string | undefined;
  readonly effects: readonly Effect[];
  /**
   * Words or options that a broad grant does not cover (RULES O16, O24): the rule must name them literally or be exact.
   * `swap` marks those that exchange the interpreter or the code of a program whose purpose is running code.
   */
  readonly unnamed: readonly UnnamedDanger[];
  /** Words that say where a connection goes, or send a file with it: a grant that names a host must name them. */
  readonly routes?: readonly Route[];
  /** Trees in which it changes files that it does not name: what git tracks there. */
  readonly rewrites?: readonly PathTarget[];
  /** Simple commands that this one runs: `bash -c` text, `find -exec`, `xargs`, `sudo`, `env`. Seen by restrictions only. */
  readonly inner: readonly AnalysedCommand[];
  readonly description: string;
}

export interface Route {
  readonly word: Word;
  /** The address itself, not an option that changes the way to it. */
  readonly address: boolean;
}

export interface UnnamedDanger {
  readonly word: Word;
  /** The option or word as a person would name it, for example `--pre`. */
  readonly name: string;
  readonly because: string;
}

/** One form of a simple command (RULES O2, O30). */
export interface Layer {
  /** Source text without redirections, blanks outside quotes collapsed to one. */
  readonly text: string;
  /** The same with quoting resolved, where every word is known; otherwise undefined. */
  readonly resolved: string | undefined;
  /** The words of this form, program first. */
  readonly words: readonly Word[];
  /** How this form came from the one before. */
  readonly removed: 'nothing' | 'assignment' | 'wrapper' | 'inner' | 'path';
  /** A grant may match here (N1–N4, harmless assignments and fixed wrappers only). Restrictions match everywhere. */
  readonly grants: boolean;
}

export type Effect =
  | { readonly kind: 'read' | 'write' | 'remove'; readonly target: PathTarget }
  | {
      readonly kind: 'connect';
      readonly host: string | undefined;
      readonly url: string | undefined;
      readonly span: Span;
    }
  | { readonly kind: 'execute'; readonly what: string; readonly span: Span }
  | { readonly kind: 'chdir'; readonly target: PathTarget };

export interface PathTarget {
  readonly span: Span;
  /** As written. */
  readonly source: string;
  /** Absolute, `.` and `..` resolved as text; undefined when it cannot be told. */
  readonly path: string | undefined;
  /** Absolute path after links, where the facts say. */
  readonly resolved: string | undefined;
  /** The known text before the first unknown part, absolute, when `path` is undefined and the beginning is known. */
  readonly prefix: string | undefined;
  /** The whole path where its unknown parts are globs and numbers, with `*` for a number. */
  readonly pattern?: string;
  /** The unknown part is a glob or a number only: it cannot lead out of the folder of `prefix`. */
  readonly confined: boolean;
  /** Whole tree below it, not only this one file. */
  readonly recursive: boolean;
  /** Paths of what is put into it, where it is a folder and the command names them. */
  readonly names?: readonly string[];
  /** From a redirection, not from an operand. */
  readonly redirection: Redirection | undefined;
  /** The simple command of the script whose output, or a line of it, is the path. */
  readonly printedBy?: number;
  /** Looked through or measured: only parts of it, or numbers, are shown. */
  readonly searched?: boolean;
  /** Only names in it are shown, and facts about them. */
  readonly namesOnly?: boolean;
}

export type FindingClass =
  | 'deception'
  | 'escape'
  | 'undecidable'
  | 'environment'
  | 'inner-code'
  | 'network'
  | 'destructive'
  | 'secret';

/** A finding turns allow into ask (RULES O23). Ids are stable and never reused. */
export interface Finding {
  readonly id: string;
  readonly class: FindingClass;
  readonly severity: 'low' | 'medium' | 'high';
  /** One plain sentence fragment: what was found and why it matters. */
  readonly message: string;
  readonly span: Span;
  /** `SimpleCommand.id`, when it belongs to one. */
  readonly command: number | undefined;
  /** Never auto-approved, not even by an exact rule: K2 (critical removals), K3 (protected paths), class deception. */
  readonly neverAutoApproved: boolean;
}
