/**
 * Which changes of a repository's configuration are taken over: what a branch follows, and what is fetched of a remote that
 * the user already has. Any other setting can name a program, another folder, or another server, so it is told and left.
 */
import { isRefName } from './ref-name.ts';

type Values = ReadonlyMap<string, readonly (string | undefined)[]>;

export interface ConfigChange {
  readonly key: string;
  readonly section: string;
  /** As it is written. */
  readonly name: string;
  readonly before: readonly (string | undefined)[];
  readonly after: readonly (string | undefined)[];
  readonly isSafe: boolean;
}

/** @param real the user's own configuration, which alone says what remotes there are. */
export function listConfigChanges(base: Values, staged: Values, real: Values): readonly ConfigChange[] {
  const keys = new Set([...base.keys(), ...staged.keys()]);
  return [...keys].sort().flatMap((key) => {
    const before = base.get(key) ?? [];
    const after = staged.get(key) ?? [];
    if (before.length === after.length && before.every((value, index) => value === after[index])) return [];
    const dot = key.lastIndexOf('.');
    const section = key.slice(0, dot);
    const name = key.slice(dot + 1);
    return [{ key, section, name, before, after, isSafe: isSafeChange(section, name, after, real) }];
  });
}

function isSafeChange(section: string, name: string, after: readonly (string | undefined)[], real: Values): boolean {
  const branch = section.startsWith('branch.') ? section.slice('branch.'.length) : undefined;
  const remote = section.startsWith('remote.') ? section.slice('remote.'.length) : undefined;
  if (branch !== undefined && isRefName(`refs/heads/${branch}`) && isPlainText(branch)) {
    if (name === 'remote') return after.every((value) => value === '.' || hasRemote(real, value));
    if (name === 'merge') return after.every((value) => value !== undefined && isPlainText(value) && isRefName(value));
    if (name === 'rebase') return after.every((value) => /^(?:true|false|merges|interactive)$/.test(value ?? ''));
  }
  if (remote !== undefined && name === 'fetch' && hasRemote(real, remote)) {
    return after.length > 0 && after.every((value) => isPlainRefspec(value, remote));
  }
  return false;
}

const hasRemote = (real: Values, remote: string | undefined): boolean =>
  remote !== undefined && isPlainText(remote) && real.has(`remote.${remote}.url`);

/** Nothing that has a meaning in the configuration's syntax, or that a terminal acts upon. */
export const isPlainText = (text: string): boolean => /^[^\x00-\x20"#;\\\x7f-\x9f]+$/.test(text);

/** From anywhere, but only into what the host keeps of that remote: not into the user's own branches. */
export function isPlainRefspec(value: string | undefined, remote: string): boolean {
  const [, from = '', to = ''] = /^\+?([^:+^]+):([^:]+)$/.exec(value ?? '') ?? [];
  const stars = (text: string): number => text.split('*').length - 1;
  const isName = (text: string): boolean => stars(text) <= 1 && isRefName(text.replace('*', 'x')) && isPlainText(text);
  return isName(from) && isName(to) && stars(from) === stars(to) && to.startsWith(`refs/remotes/${remote}/`);
}
