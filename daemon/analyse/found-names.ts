/**
 * What `{}` stands for in the words of a command that `find` or `fd` runs: a place below the folders that are searched, or
 * a name that is looked for.
 */
import { type Arg, makeArg } from './args.ts';
import type { Reading } from './reading.ts';

const maxNames = 4;

/** Names that `find -name` looks for, where they are plain and nothing negates them: `{}` ends with one of them. */
export function namesFound(args: readonly Arg[], reading: Reading): readonly (string | undefined)[] {
  if (args.some(({ text }) => text === '!' || text === '-not')) return [undefined];
  const names = reading.options
    .filter(({ option }) => option.spellings.includes('-name'))
    .map(({ value }) => value?.text);
  const plain = names.every((name) => name !== undefined && !/[*?[\\]/.test(name));
  return plain && names.length > 0 && names.length <= maxNames ? names : [undefined];
}

/** How the targets of commands that `find` runs are written. */
export const foundPath = '{}';

/** `fd -x cat` puts what it finds behind the words where none of them says where. Source: fd(1). */
export function withPlace(words: readonly Arg[], { options }: Reading): readonly Arg[] {
  const [first] = words;
  const appends = options.some(({ option, command }) => command === words && option.meaning.appends);
  if (!appends || first === undefined || words.some(({ text }) => /\{(?:\/{0,2}|\/?\.)\}/.test(text ?? '')))
    return words;
  return [...words, makeArg({ ...first.word, source: foundPath }, [{ kind: 'known', text: foundPath }], false)];
}

/** `{}` of `find -exec` stands for a place below the roots that `find` was given. */
export function fillBraces(words: readonly Arg[], reading: Reading, name: string | undefined): readonly Arg[] {
  const roots = reading.operands.filter(({ role }) => role.endsWith('-tree')).map((operand) => operand.arg.text);
  const filtered = reading.filtered || reading.operands.some(({ role }) => role === 'text');
  const root = roots.length === 0 ? '.' : roots.every((text) => text === roots[0]) || !filtered ? roots[0] : undefined;
  // It goes into no folder through a link unless it is told so.
  const below = !reading.options.some(({ option }) => option.spelling === '-L' || option.spelling === '-follow');
  return words.map((arg) => {
    if (arg.text?.includes('{}') !== true) return arg;
    const word = { ...arg.word, source: foundPath };
    const [before = '', ...after] = arg.text.split('{}');
    const hole = { kind: 'value', variable: undefined, assigned: true, empty: false, below } as const;
    if (root !== undefined && !filtered && before === '' && after.join('') === '') {
      return makeArg(word, [{ kind: 'known', text: root }], false);
    }
    if (root === undefined) return makeArg(word, [{ kind: 'known', text: before }, hole], false);
    const end = `${name === undefined ? '' : `/${name}`}${after.join('')}`;
    return makeArg(
      word,
      [{ kind: 'known', text: `${before}${root.replace(/\/$/, '')}/` }, hole, { kind: 'known', text: end }],
      false,
    );
  });
}
