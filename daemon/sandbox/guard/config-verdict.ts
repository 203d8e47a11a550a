/**
 * Which entries of a repository's configuration can do no harm when a later git of the host reads them. The list is of what
 * may stay: git gains names that run programs with every version, so an unknown one is never harmless.
 *
 * Source: git-config(1).
 */
import path from 'node:path';
import type { ConfigEntry } from './git-config.ts';

type ValueRule = (value: string, setting: ConfigSetting) => boolean;

export interface ConfigSetting {
  readonly gitFolder: string;
  /** Folder that the repository's working tree may be in. */
  readonly tree: string;
}

const any: ValueRule = () => true;
const word: ValueRule = (value) => /^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(value) && !value.includes('..');

/** `::` names a program to fetch with; what starts with a dash could be read as an option of ssh. */
const url: ValueRule = (value) =>
  !value.includes('::') && !value.startsWith('-') && !/\p{Cc}/u.test(value) && /^(?!ext:|fd:)/i.test(value);

/** A remote's name, the repository itself, or an address. */
const remote: ValueRule = (value, setting) => value === '.' || url(value, setting);
const inTree: ValueRule = (value, { gitFolder, tree }) => {
  const named = path.resolve(gitFolder, value);
  return named === tree || named.startsWith(`${tree}/`);
};
const oneOf =
  (...values: string[]): ValueRule =>
  (value) =>
    values.includes(value.toLowerCase());

/** By section and name; `*` is for sections that have a subsection. */
const harmless: Readonly<Record<string, ValueRule>> = {
  ...Object.fromEntries(
    ['filemode', 'bare', 'ignorecase', 'symlinks', 'logallrefupdates', 'precomposeunicode', 'sharedrepository']
      .concat(['autocrlf', 'eol', 'safecrlf', 'quotepath', 'abbrev', 'compression', 'longpaths'])
      .map((name) => [`core.${name}`, any] as const),
  ),
  'core.repositoryformatversion': oneOf('0', '1'),
  'core.worktree': inTree,
  'extensions.objectformat': word,
  'extensions.refstorage': oneOf('files', 'reftable'),
  'extensions.partialclone': word,
  ...{ 'user.name': any, 'user.email': any, 'user.useconfigonly': any },
  ...{ 'author.name': any, 'author.email': any, 'committer.name': any, 'committer.email': any },
  ...{ 'init.defaultbranch': word, 'color.ui': word, 'advice.*': any },
  ...{
    'pull.rebase': word,
    'pull.ff': word,
    'push.default': word,
    'push.autosetupremote': word,
    'push.followtags': word,
  },
  ...{ 'fetch.prune': word, 'fetch.prunetags': word, 'merge.ff': word, 'merge.conflictstyle': word },
  ...{ 'rebase.autosquash': word, 'rebase.autostash': word, 'rerere.enabled': word, 'gc.auto': word },
  ...{ 'remote.*.url': url, 'remote.*.pushurl': url, 'remote.*.fetch': any, 'remote.*.push': any },
  ...{ 'remote.*.tagopt': oneOf('--tags', '--no-tags'), 'remote.*.prune': word, 'remote.*.mirror': word },
  ...{ 'remote.*.promisor': word, 'remote.*.partialclonefilter': any, 'remote.*.skipfetchall': word },
  ...{ 'branch.*.remote': remote, 'branch.*.pushremote': remote, 'branch.*.merge': any, 'branch.*.rebase': word },
  ...{ 'branch.*.description': any, 'remote.pushdefault': remote },
  ...{ 'submodule.*.url': url, 'submodule.*.active': any, 'submodule.active': any, 'submodule.*.branch': any },
  ...{ 'submodule.*.ignore': word, 'submodule.*.update': oneOf('checkout', 'rebase', 'merge', 'none') },
};

export function isHarmless(entry: ConfigEntry, setting: ConfigSetting): boolean {
  const key = `${entry.section}.${entry.subsection === undefined ? '' : '*.'}${entry.name}`;
  const rule = Object.hasOwn(harmless, key) ? harmless[key] : harmless[`${entry.section}.*`];
  return rule?.(entry.value ?? 'true', setting) ?? false;
}

/** As people write it. */
export function describeEntry({ section, subsection, name }: ConfigEntry): string {
  return [section, ...(subsection === undefined ? [] : [subsection]), name].join('.');
}

export function writeGitConfig(entries: readonly ConfigEntry[]): string {
  const quote = (text: string): string =>
    `"${text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;
  let text = '';
  let header = '';
  for (const { section, subsection, name, value } of entries) {
    const own = subsection === undefined ? `[${section}]` : `[${section} "${subsection.replace(/["\\]/g, '\\$&')}"]`;
    if (own !== header) text += `${own}\n`;
    header = own;
    text += value === undefined ? `\t${name}\n` : `\t${name} = ${/^[\w./@:-]+$/.test(value) ? value : quote(value)}\n`;
  }
  return text;
}
