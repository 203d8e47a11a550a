/**
 * The files in which git keeps what it is in the middle of, and what each may hold. The host's git reads them when it goes
 * on with a merge, rebase or bisect, so whatever of them could name a program is looked at here.
 * Source: gitrepository-layout(5), gitrevisions(7); builtin/rebase.c, sequencer.c, builtin/am.c, bisect.c of git
 */
import { isHash, type ObjectFormat } from './object-format.ts';

/** Undefined when the file may be taken over as it is, otherwise why not. */
type Check = (text: string, format: ObjectFormat) => string | undefined;

const hashes: Check = (text, format) =>
  text.split('\n').every((line) => line === '' || isHash(format, line))
    ? undefined
    : 'it holds more than names of objects';
const anyText: Check = () => undefined;
const refused =
  (pattern: RegExp, because: string): Check =>
  (text) =>
    pattern.test(text) ? undefined : because;
const words = refused(/^[\w./+-]+(?:\n[\w./+-]+)*\n?$/, 'it is not of the form that git gives it');
const quoted = refused(/^(?:\s*'(?:[^']|'\\''|'\\!')*')*\s*$/, 'it is not quoted as git does');

/** In every working tree's own part of the git folder. */
export const stateFiles: ReadonlyMap<string, Check> = new Map<string, Check>([
  ...['ORIG_HEAD', 'MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'REBASE_HEAD', 'AUTO_MERGE', 'MERGE_AUTOSTASH'].map(
    (name) => [name, hashes] as const,
  ),
  ...['BISECT_EXPECTED_REV', 'BISECT_HEAD'].map((name) => [name, hashes] as const),
  ...[
    'FETCH_HEAD',
    'MERGE_MSG',
    'SQUASH_MSG',
    'COMMIT_EDITMSG',
    'TAG_EDITMSG',
    'NOTES_EDITMSG',
    'EDIT_DESCRIPTION',
  ].map((name) => [name, anyText] as const),
  ...['MERGE_MODE', 'MERGE_RR', 'BISECT_LOG', 'BISECT_ANCESTORS_OK', 'BISECT_FIRST_PARENT'].map(
    (name) => [name, anyText] as const,
  ),
  ['BISECT_NAMES', quoted],
  ['BISECT_START', words],
  ['BISECT_TERMS', words],
]);

/** Written anew by most commands: where both sides did, the host's is as good. */
export const passingFiles: ReadonlySet<string> = new Set([
  ...['ORIG_HEAD', 'FETCH_HEAD', 'SQUASH_MSG', 'COMMIT_EDITMSG', 'TAG_EDITMSG', 'NOTES_EDITMSG', 'EDIT_DESCRIPTION'],
]);

export const stateFolders: readonly string[] = ['rebase-merge', 'rebase-apply', 'sequencer'];

const strategies = /^(?:ort|recursive|resolve|octopus|ours|subtree)\n?$/;
const authorLine = /^(?:GIT_AUTHOR_(?:NAME|EMAIL|DATE)='(?:[^']|'\\'')*'\n?)*$/;

/** Git runs `git-merge-STRATEGY`, and once gave the author's file to a shell. */
const folderFiles: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['strategy', refused(strategies, 'it names a program as merge strategy')],
  ['author-script', refused(authorLine, 'it is not quoted as git does')],
  [
    'opts',
    (text) =>
      [...text.matchAll(/^\s*strategy\s*=\s*(.*)$/gim)].every(([, value]) => strategies.test(value ?? ''))
        ? undefined
        : 'it names a program as merge strategy',
  ],
]);

export function checkStateFile(
  folder: string | undefined,
  name: string,
  text: string,
  format: ObjectFormat,
): string | undefined {
  const check = folder === undefined ? stateFiles.get(name) : (folderFiles.get(name) ?? anyText);
  return check === undefined ? 'it is none of the files that git keeps there' : check(text, format);
}

/** Lines of a rebase's list that are given to a shell when the host goes on with it. */
export function findExecLines(name: string, text: string): readonly string[] {
  return name === 'git-rebase-todo' ? [...text.matchAll(/^\s*(?:exec|x)\s.*$/gm)].map(([line]) => line.trim()) : [];
}
