/** Whether a shell glob could expand to a name. Errs towards yes: what is not understood matches. */

/** One segment against one name, both in the same letter case. A leading dot must be written, as in bash. */
export function globMatches(pattern: string, name: string): boolean {
  if (!/[*?[\]{}()|!@+]/.test(pattern)) return pattern === name;
  if (name.startsWith('.') && /^[*?]/.test(pattern) && !pattern.startsWith('?(') && !pattern.startsWith('*('))
    return false;
  const units = readUnits(pattern);
  return units === undefined || meets(units, name);
}

/** A pattern whose every character is a wildcard: it names all that a directory holds. */
export function matchesEverything(pattern: string): boolean {
  return /^(?:\.?[*?]+|\.\[[^\]]*\]\*?|\.\?\?\*|\{[*.,?]+\})$/.test(pattern);
}

/** Any text, any one character, or the character itself. */
const anyText = Symbol('*');
const anyOne = Symbol('?');
type Unit = typeof anyText | typeof anyOne | string;

/** Undefined for extended patterns, which are taken to match. */
function readUnits(pattern: string): readonly Unit[] | undefined {
  if (/[?*+@!]\(/.test(pattern) || /[{}]/.test(pattern)) return undefined;
  const units: Unit[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? '';
    if (char === '*') units.push(anyText);
    else if (char === '?') units.push(anyOne);
    else if (char === '[') {
      const end = pattern.indexOf(']', at + 2);
      if (end < 0) return undefined;
      // A class is taken to match any one character: the cost is a question, never a miss.
      units.push(anyOne);
      at = end;
    } else units.push(char);
  }
  return units;
}

/**
 * Only the last `*` is ever tried again, so the work is at most the product of the lengths. A regular expression would try
 * every way to share the name out among the wildcards; `*?*?*?*?` is enough to keep it busy.
 */
function meets(units: readonly Unit[], name: string): boolean {
  let at = 0;
  let star = -1;
  let taken = 0;
  for (let index = 0; index < name.length; ) {
    const unit = units[at];
    if (unit === anyText) {
      star = at++;
      taken = index;
    } else if (unit === anyOne || (unit !== undefined && unit === name[index])) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++taken;
    } else return false;
  }
  while (units[at] === anyText) at++;
  return at === units.length;
}
