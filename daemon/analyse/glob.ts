/** Whether a shell glob could expand to a name. Errs towards yes: what is not understood matches. */

const cache = new Map<string, RegExp | undefined>();

/** One segment against one name, both in the same letter case. A leading dot must be written, as in bash. */
export function globMatches(pattern: string, name: string): boolean {
  if (!/[*?[\]{}()|!@+]/.test(pattern)) return pattern === name;
  if (name.startsWith('.') && /^[*?]/.test(pattern) && !pattern.startsWith('?(') && !pattern.startsWith('*('))
    return false;
  let compiled = cache.get(pattern);
  if (!cache.has(pattern)) {
    compiled = compile(pattern);
    if (cache.size > 500) cache.clear();
    cache.set(pattern, compiled);
  }
  return compiled === undefined || compiled.test(name);
}

/** A pattern whose every character is a wildcard: it names all that a directory holds. */
export function matchesEverything(pattern: string): boolean {
  return /^(?:\.?[*?]+|\.\[[^\]]*\]\*?|\.\?\?\*|\{[*.,?]+\})$/.test(pattern);
}

/** Undefined for extended patterns, which are taken to match. */
function compile(pattern: string): RegExp | undefined {
  if (/[?*+@!]\(/.test(pattern) || /[{}]/.test(pattern)) return undefined;
  let out = '^';
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? '';
    if (char === '*') out += '.*';
    else if (char === '?') out += '.';
    else if (char === '[') {
      const end = pattern.indexOf(']', at + 2);
      if (end < 0) return undefined;
      // A class is taken to match any one character: the cost is a question, never a miss.
      out += '.';
      at = end;
    } else out += char.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  }
  return new RegExp(`${out}$`, 's');
}
