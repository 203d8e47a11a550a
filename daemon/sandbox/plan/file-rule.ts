/** What a policy asks of the sandbox about files, as the planning sees it. Who reads policies makes these. */

export interface FileRule {
  /** `hide`: not readable. `show`: readable inside a hidden folder. `pin`: read-only. `open`: writable. */
  readonly effect: 'hide' | 'show' | 'pin' | 'open' | 'unprotect';
  /** The pattern as written. */
  readonly text: string;
  /** For people: the entry and its place. */
  readonly because: string;
  /** Absolute folder in which to look, or the one path that is meant. */
  readonly top: string;
  readonly literal: boolean;
  /** A name alone, wherever it lies: it matches again after a folder above was renamed. */
  readonly byName: boolean;
  /** What it covers, and whether something below a folder may be covered. */
  readonly covers: (path: string) => boolean;
  readonly mayHold: (folder: string) => boolean;
  /** Whether it is an error that it cannot be held. */
  readonly mustHold: boolean;
  /** What is hidden is shown again only by the same or a higher one; places of credentials by 2. */
  readonly rank: number;
  /** The one rule inside whose hiding it shows something. */
  readonly onlyIn?: FileRule;
  /** Nothing shows again what it hides. */
  readonly final: boolean;
}

/** What a policy says about the sandbox of its commands. */
export interface FilePolicy {
  readonly rules: readonly FileRule[];
  /** Commands may make user namespaces of their own. */
  readonly userNamespaces: boolean;
  /** Equal for policies that mean the same to the sandbox. */
  readonly key: string;
}

export const noFilePolicy: FilePolicy = { rules: [], userNamespaces: false, key: '[]' };
