/**
 * `WebFetch(domain:HOST)`: compares whole labels, never characters, so that `example.*` cannot be met by
 * `example.evil.com` and `*.example.com` not by `notexample.com` (RULES W1–W3).
 */

export interface HostPattern {
  readonly text: string;
  /** Labels from the left; undefined stands for every host. */
  readonly labels: readonly string[] | undefined;
  /** Began with `*.`: any depth below. */
  readonly below: boolean;
}

/** @returns the pattern, or one phrase that says what is wrong. */
export function parseHostPattern(source: string): HostPattern | string {
  const text = canonicalHost(source);
  if (text === '*') return { text, labels: undefined, below: false };
  const below = text.startsWith('*.');
  const labels = (below ? text.slice(2) : text).split('.');
  for (const label of labels) {
    if (label === '') return 'a host name has an empty label';
    if (!/^[a-z0-9_*-]+$/.test(label) && !/[^\x00-\x7f]/.test(label)) return `${label} is no part of a host name`;
  }
  return { text, labels, below };
}

export function matchesHost(pattern: HostPattern | undefined, host: string): boolean {
  if (pattern?.labels === undefined) return true;
  const labels = canonicalHost(host).split('.');
  const extra = labels.length - pattern.labels.length;
  if (pattern.below ? extra < 1 : extra !== 0) return false;
  return pattern.labels.every((label, index) => matchesLabel(label, labels[index + extra] ?? ''));
}

/** Lower case, without the root's trailing dot. */
export function canonicalHost(host: string): string {
  return host.trim().toLowerCase().replace(/\.$/, '');
}

function matchesLabel(pattern: string, label: string): boolean {
  const pieces = pattern.split('*');
  if (pieces.length === 1) return pattern === label;
  const first = pieces[0] ?? '';
  const last = pieces[pieces.length - 1] ?? '';
  if (label.length < first.length + last.length || !label.startsWith(first) || !label.endsWith(last)) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = label.indexOf(piece, at);
    if (found < 0 || found + piece.length > label.length - last.length) return false;
    at = found + piece.length;
  }
  return true;
}
