/** Names and values of references. A name becomes a path, so nothing that git would refuse is ever looked up. */
import { isHash, type ObjectFormat } from './object-format.ts';

const maxNameLength = 1024;
const maxDepth = 64;

/** Looking through deeper folders than any name needs would be slow. */
export const isTooDeep = (name: string): boolean => name.length > maxNameLength || name.split('/').length > maxDepth;

/** Source: git-check-ref-format(1), rules 1 to 10. */
export function isRefName(name: string): boolean {
  return (
    name.startsWith('refs/') &&
    name.length <= maxNameLength &&
    !/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.$/.test(name) &&
    name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
  );
}

const symbolic = 'ref: ';

/** What a loose reference or HEAD holds: an object's name, or `ref: ` and a reference's. */
export function parseRefValue(bytes: Uint8Array, format: ObjectFormat): string | undefined {
  const text = Buffer.from(bytes).toString().trimEnd();
  if (isHash(format, text)) return text;
  const target = /^ref:\s*(.*)$/s.exec(text)?.[1];
  return target !== undefined && isRefName(target) ? `${symbolic}${target}` : undefined;
}

/** The reference that a value leads to. */
export function targetOf(value: string | undefined): string | undefined {
  return value?.startsWith(symbolic) ? value.slice(symbolic.length) : undefined;
}

/** Kept by each worktree for itself. Source: git-worktree(1) "REFS" */
export const isPerWorktree = (name: string): boolean => /^refs\/(bisect|worktree|rewritten)\//.test(name);
