/**
 * Looks at a git folder that a command made: is there anything in it that a later git of the host would run, or that makes
 * it write elsewhere? Only files are read, each without following links, and git itself never runs.
 *
 * Source: gitrepository-layout(5); git's setup.c for what counts as a git folder.
 */
import { closeSync, constants, type Dirent, openSync, readdirSync } from 'node:fs';
import { showText } from '../../../client/protocol/visible.ts';
import { findExecLines } from '../git/state-names.ts';
import { type ConfigSetting, describeEntry, isHarmless } from './config-verdict.ts';
import { type ConfigEntry, parseGitConfig } from './git-config.ts';
import { rawText } from './raw-name.ts';
import { below, readSmallFile, statBelow } from './verified-folder.ts';

export interface Offence {
  /** Raw names from the git folder on. */
  readonly entry: readonly string[];
  /**
   * `config`: lines can be taken out of it; `entry`: it can be moved away alone; `whole`: the repository is beyond repair;
   * `told`: it stays, because nothing runs before a person goes on with it.
   */
  readonly part: 'config' | 'entry' | 'whole' | 'told';
  readonly why: string;
}

export const maxConfigBytes = 256 * 1024;
const maxSmallBytes = 64 * 1024;
const maxEntries = 20_000;
const maxDepth = 40;
const maxExecLines = 3;

/** @param folder open descriptor of the git folder. */
export function inspectRepository(folder: number, setting: ConfigSetting): readonly Offence[] {
  const search: Search = { left: maxEntries, offences: [] };
  inspectFolder(folder, [], setting, search);
  return search.offences;
}

interface Search {
  left: number;
  readonly offences: Offence[];
}

function inspectFolder(folder: number, at: readonly string[], setting: ConfigSetting, search: Search): void {
  const report = (part: Offence['part'], names: readonly string[], why: string): void => {
    search.offences.push({ part, entry: [...at, ...names], why });
  };
  inspectConfig(folder, setting, report);
  // read only when the configuration says so, and that is no harmless entry; but other programs are less strict
  if (statBelow(folder, 'config.worktree') !== undefined)
    report('entry', ['config.worktree'], 'it holds configuration');
  if (statBelow(folder, 'commondir') !== undefined) report('entry', ['commondir'], 'it leads to another git folder');
  for (const name of listNames(folder, 'hooks', search)) {
    if (!name.endsWith('.sample')) report('entry', ['hooks', name], 'git runs it as a hook');
  }
  inspectAttributes(folder, report);
  inspectRebase(folder, report);
  inspectAlternates(folder, report);
  findLinks(folder, at, search, 0);
  openInside(folder, 'modules', (modules) =>
    inspectModules(modules, [...at, 'modules'], `${setting.gitFolder}/modules`, setting.tree, search),
  );
}

type Report = (part: Offence['part'], names: readonly string[], why: string) => void;

function inspectConfig(folder: number, setting: ConfigSetting, report: Report): void {
  if (statBelow(folder, 'config') === undefined) return;
  const entries = readConfig(folder);
  if (entries === undefined) {
    report('whole', ['config'], 'its configuration cannot be read with certainty');
    return;
  }
  const wrong = entries.filter((entry) => !isHarmless(entry, setting)).map(describeEntry);
  if (wrong.length > 0)
    report('config', ['config'], `its configuration sets \`${[...new Set(wrong)].slice(0, 4).join('`, `')}\``);
}

export function readConfig(folder: number): readonly ConfigEntry[] | undefined {
  const bytes = readSmallFile(folder, 'config', maxConfigBytes);
  return bytes === undefined || bytes.includes(0) ? undefined : parseGitConfig(bytes.toString());
}

/** A filter or driver that the user's own configuration defines would be run on files that the command chose. */
function inspectAttributes(folder: number, report: Report): void {
  const info = ['info', 'attributes'];
  if (statBelow(folder, 'info/attributes') === undefined) return;
  const lines = readSmallFile(folder, 'info/attributes', maxSmallBytes)?.toString().split('\n');
  const isHarmless = lines?.every((line) => /^\s*(?:#|$)/.test(line) || !/\b(?:filter|diff|merge)\b/.test(line));
  if (isHarmless !== true) report('entry', info, 'it can name filters that git runs');
}

function inspectRebase(folder: number, report: Report): void {
  const entry = ['rebase-merge', 'git-rebase-todo'];
  if (statBelow(folder, entry.join('/')) === undefined) return;
  const text = readSmallFile(folder, entry.join('/'), maxConfigBytes)?.toString();
  if (text === undefined) report('entry', entry, 'the list of its rebase cannot be read');
  for (const line of findExecLines('git-rebase-todo', text ?? '').slice(0, maxExecLines)) {
    report('told', entry, `the rebase that is under way in it runs \`${showText(line)}\` when it goes on`);
  }
}

/** Objects are taken from where a local clone names them, which is harmless; a list that cannot be read is not. */
function inspectAlternates(folder: number, report: Report): void {
  const entry = ['objects', 'info', 'alternates'];
  if (statBelow(folder, entry.join('/')) === undefined) return;
  if (readSmallFile(folder, entry.join('/'), maxSmallBytes) === undefined) report('whole', entry, 'it cannot be read');
}

/**
 * git writes through links: one at `logs/HEAD` that leads to a start-up file makes the next commit append to it. Loose
 * objects are never opened for writing, so their 256 folders are not looked into.
 */
function findLinks(folder: number, at: readonly string[], search: Search, depth: number): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(`/proc/self/fd/${folder}/.`, { withFileTypes: true, encoding: 'latin1' });
  } catch {
    search.offences.push({ part: 'whole', entry: at, why: 'it cannot be read' });
    return;
  }
  for (const entry of entries) {
    const { name } = entry;
    if (--search.left < 0 || depth > maxDepth) {
      if (search.left < -1) return;
      search.left = -1;
      search.offences.push({ part: 'whole', entry: at, why: 'it is too large to be looked through' });
      return;
    }
    if (entry.isSymbolicLink())
      search.offences.push({ part: 'whole', entry: [...at, name], why: `\`${rawText(name)}\` in it is a link` });
    if (!entry.isDirectory() || (at.at(-1) === 'objects' && /^[0-9a-f]{2}$/.test(name))) continue;
    openInside(folder, name, (inner) => findLinks(inner, [...at, name], search, depth + 1));
  }
}

/** Git folders of submodules may lie at any depth of `modules`; each has a HEAD. */
function inspectModules(folder: number, at: readonly string[], gitFolder: string, tree: string, search: Search): void {
  if (at.length > maxDepth) return;
  for (const name of listNames(folder, '.', search)) {
    openInside(folder, name, (inner) => {
      const own = `${gitFolder}/${rawText(name)}`;
      if (statBelow(inner, 'HEAD') === undefined) inspectModules(inner, [...at, name], own, tree, search);
      else inspectFolder(inner, [...at, name], { gitFolder: own, tree }, search);
    });
  }
}

function openInside(folder: number, name: string, use: (inner: number) => void): void {
  let inner: number;
  try {
    inner = openSync(below(folder, name), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch {
    return;
  }
  try {
    use(inner);
  } finally {
    closeSync(inner);
  }
}

function listNames(folder: number, name: string, search: Search): string[] {
  const names: string[] = [];
  openInside(folder, name, (inner) => {
    for (const entry of readdirSync(`/proc/self/fd/${inner}/.`, 'latin1')) {
      if (--search.left < 0) return;
      names.push(entry);
    }
  });
  return names;
}
