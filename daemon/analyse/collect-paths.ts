/**
 * Which paths of a text the machine should be asked about before the analysis: every word that could be one, seen from every
 * folder that a literal `cd` can lead to. More than needed is harmless; the number is bounded, so a hostile text cannot make
 * the daemon look up without end.
 */
import type { Assignment, ParsedScript, Redirection, Word } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';
import type { Arg, Piece, Values } from './args.ts';
import type { Analysis, Facts } from './model.ts';
import { resolvePath } from './path-targets.ts';
import { allStatements } from './statements.ts';
import { expandWord } from './words.ts';

/** More paths than this are not asked about; their links stay unresolved. */
export const maxPaths = 256;
const maxFolders = 8;
const maxLength = 1024;

export function collectPaths(
  script: ParsedScript,
  base: { readonly home: string; readonly cwd: string; readonly workspace: string | undefined },
): readonly string[] {
  const variables = literalVariables(script);
  const values: Values = {
    home: base.home,
    cwd: base.cwd,
    oddSplitting: false,
    substitution: () => undefined,
    lookUp: (name) =>
      variables.get(name) ??
      (name === 'HOME'
        ? [[{ kind: 'known', text: base.home }]]
        : name === 'TMPDIR'
          ? [[{ kind: 'known', text: '/tmp' }]]
          : name === 'PWD'
            ? [[{ kind: 'known', text: base.cwd }]]
            : undefined),
  };
  const paths = new Set<string>([base.cwd, ...(base.workspace === undefined ? [] : [base.workspace])]);
  const folders = cdFolders(script, values, base.cwd);
  for (const folder of folders) paths.add(folder);
  for (const word of allWords(script)) {
    for (const text of candidateTexts(word, values)) {
      for (const folder of text.startsWith('/') ? [base.cwd] : folders) {
        if (paths.size >= maxPaths) return [...paths];
        const path = resolvePath(text, folder);
        if (path !== undefined) paths.add(path);
      }
    }
  }
  return [...paths];
}

/**
 * Paths that only the analysis finds, in text that is run in turn (`bash -c 'touch x'`) or named by an option's meaning.
 * Without a look at them nothing says where they lead, so nothing could be said to lie in the workspace.
 */
export function findUnseen(analysis: Analysis, facts: Facts): readonly string[] {
  const unseen = new Set<string>();
  for (const effect of [...analysis.effects, ...analysis.commands.flatMap(({ effects }) => effects)]) {
    if (!('target' in effect)) continue;
    const { path, prefix, confined } = effect.target;
    const place = path ?? (confined ? prefix?.replace(/(?<=.)\/[^/]*$/, '') : undefined);
    if (place !== undefined && !facts.paths.has(place) && place.length <= maxLength) unseen.add(place);
  }
  return [...unseen];
}

function candidateTexts(word: Word, values: Values): readonly string[] {
  const args =
    word.values === undefined
      ? expandWord(word, values).flat()
      : word.values.map((text) => ({ text, pieces: [] }) as Pick<Arg, 'text' | 'pieces'>);
  return args
    .flatMap(({ text, pieces }) => {
      // The folder of a glob: where it leads is where everything that the glob finds lies.
      if (text === undefined) return [folderOf(pieces)];
      if (text === '' || text.length > maxLength || text.includes('\n') || text.includes('\0')) return [];
      if (!text.startsWith('-')) {
        const equals = text.indexOf('=');
        return equals > 0 ? [text, text.slice(equals + 1)] : [text];
      }
      const equals = text.indexOf('=');
      if (equals > 0) return [text.slice(equals + 1)];
      // The value may stand right after a short option: `-Cdir`.
      return /^-[A-Za-z]./.test(text) ? [text.slice(2)] : [];
    })
    .filter((text) => text !== '');
}

function folderOf([first]: readonly Piece[]): string {
  const text = first?.kind === 'known' ? first.text : '';
  return text.length > maxLength || text.includes('\0') ? '' : text.slice(0, text.lastIndexOf('/') + 1);
}

/** The start and every folder that a literal `cd`, `pushd` or `-C` can reach from those known so far. */
function cdFolders(script: ParsedScript, values: Values, cwd: string): readonly string[] {
  const folders = [cwd];
  const add = (word: Word | undefined): void => {
    const text = word === undefined ? undefined : candidateTexts(word, values)[0];
    if (text === undefined) return;
    for (const folder of [...folders]) {
      const path = resolvePath(text, folder);
      if (path !== undefined && !folders.includes(path) && folders.length < maxFolders) folders.push(path);
    }
  };
  for (const { words } of script.commands) {
    const name = wordValue(words[0]);
    if (name === 'cd' || name === 'pushd')
      add(words.slice(1).find((word) => wordValue(word)?.startsWith('-') !== true));
    words.forEach((word, index) => {
      if (/^(?:-C|--directory|--prefix|--chdir)$/.test(wordValue(word) ?? '')) add(words[index + 1]);
    });
  }
  return folders;
}

function* allWords(script: ParsedScript): Generator<Word> {
  for (const command of script.commands) {
    yield* command.words;
    yield* assignmentWords(command.assignments);
    yield* redirectionWords(command.redirections);
  }
  for (const statement of allStatements(script.body)) {
    if (statement.type !== 'command') yield* redirectionWords(statement.redirections);
    if (statement.type === 'for' || statement.type === 'select') yield* statement.words ?? [];
  }
}

function* assignmentWords(assignments: readonly Assignment[]): Generator<Word> {
  for (const { value, elements } of assignments) {
    if (value !== undefined) yield value;
    yield* elements ?? [];
  }
}

function* redirectionWords(redirections: readonly Redirection[]): Generator<Word> {
  for (const { target, heredoc } of redirections) if (heredoc === undefined) yield target;
}

/** All literal values that each variable gets anywhere in the text. */
function literalVariables(script: ParsedScript): ReadonlyMap<string, readonly (readonly Piece[])[]> {
  const found = new Map<string, (readonly Piece[])[]>();
  const add = (name: string, text: string | undefined): void => {
    if (text === undefined) return;
    const list = found.get(name) ?? [];
    if (list.length < 4) found.set(name, [...list, [{ kind: 'known', text }]]);
  };
  for (const { assignments } of script.commands) for (const { name, value } of assignments) add(name, wordValue(value));
  for (const statement of allStatements(script.body)) {
    if (statement.type !== 'for') continue;
    for (const word of statement.words ?? []) for (const text of word.values ?? []) add(statement.variable, text);
  }
  return found;
}
