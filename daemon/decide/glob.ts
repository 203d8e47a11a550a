/**
 * Patterns as token lists, and one question asked of them: is there a text that both sides describe? A known text is a
 * list of literal tokens, a text with unknown pieces has wildcards too, so the same function answers "matches" and
 * "could match". Work is bounded by the product of the two lengths; hostile patterns and texts cannot make it explode,
 * which a backtracking regular expression would allow.
 */

/** One UTF-16 unit, a wildcard, or a jump that makes the next `skip` tokens optional. */
export type Token = string | Wild | { readonly skip: number };

export interface Wild {
  /** Any number of units; otherwise exactly one. */
  readonly many: boolean;
  /** Whether the unit may stand here; `first` when the wildcard has consumed nothing yet. */
  readonly accepts: (unit: string, first: boolean) => boolean;
}

/** `*` of a command rule, and an unknown piece of a word. */
export const anyText: Wild = { many: true, accepts: () => true };
/** `*` of a path rule. */
export const anyInSegment: Wild = { many: true, accepts: (unit) => unit !== '/' };
/** `?` of a path rule. */
export const oneInSegment: Wild = { many: false, accepts: (unit) => unit !== '/' };
/** A number, perhaps with a sign. */
export const digits: Wild = { many: true, accepts: (unit) => /[-0-9]/.test(unit) };
/** A shell glob at the start of a path segment. Source: bash(1) "Pathname Expansion": a leading dot is matched explicitly. */
export const visibleInSegment: Wild = {
  many: true,
  accepts: (unit, first) => unit !== '/' && !(first && unit === '.'),
};

export function literalTokens(text: string): readonly Token[] {
  return text.split('');
}

/** The longest text that everything described by the list contains; a quick way to tell that a text is not. */
export function requiredText(tokens: readonly Token[]): string {
  let longest = '';
  let run = '';
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    if (typeof token === 'string') {
      run += token;
      if (run.length > longest.length) longest = run;
      continue;
    }
    run = '';
    if (token !== undefined && 'skip' in token) index += token.skip;
  }
  return longest;
}

/**
 * Whether some text is described by both lists. Where two wildcards meet they are taken to share a unit, so the answer
 * errs towards yes. Units of `other` whose index is in `pinned` can be matched by a literal only.
 */
export function intersects(pattern: readonly Token[], other: readonly Token[], pinned?: ReadonlySet<number>): boolean {
  const width = other.length + 1;
  const seen = new Uint8Array((pattern.length + 1) * width * 4);
  // A state is a place in both lists and, for each side, whether its wildcard has consumed something.
  const stack: number[] = [0];
  seen[0] = 1;
  const push = (i: number, j: number, insideLeft: number, insideRight: number): void => {
    const state = ((i * width + j) << 2) | (insideLeft << 1) | insideRight;
    if (seen[state] === 1) return;
    seen[state] = 1;
    stack.push(state);
  };
  for (;;) {
    const state = stack.pop();
    if (state === undefined) return false;
    const insideRight = state & 1;
    const insideLeft = (state >> 1) & 1;
    const place = state >> 2;
    const i = Math.floor(place / width);
    const j = place % width;
    if (i === pattern.length && j === other.length) return true;
    const left = pattern[i];
    const right = other[j];
    if (typeof left === 'object' && 'skip' in left) {
      push(i + 1, j, 0, insideRight);
      push(i + 1 + left.skip, j, 0, insideRight);
      continue;
    }
    if (typeof right === 'object' && 'skip' in right) {
      push(i, j + 1, insideLeft, 0);
      push(i, j + 1 + right.skip, insideLeft, 0);
      continue;
    }
    if (typeof left === 'object' && left.many) push(i + 1, j, 0, insideRight);
    if (typeof right === 'object' && right.many) push(i, j + 1, insideLeft, 0);
    if (left === undefined || right === undefined) continue;
    if (!shareUnit(left, right, insideLeft === 0, insideRight === 0)) continue;
    if (pinned?.has(j) === true && typeof left === 'object') continue;
    const leftStays = typeof left === 'object' && left.many;
    const rightStays = typeof right === 'object' && right.many;
    push(leftStays ? i : i + 1, rightStays ? j : j + 1, leftStays ? 1 : 0, rightStays ? 1 : 0);
  }
}

function shareUnit(left: string | Wild, right: string | Wild, firstLeft: boolean, firstRight: boolean): boolean {
  if (typeof left === 'string') return typeof right === 'string' ? left === right : right.accepts(left, firstRight);
  if (typeof right === 'string') return left.accepts(right, firstLeft);
  return true;
}
