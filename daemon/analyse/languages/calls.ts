/**
 * Reads source text of scripting languages far enough to find the commands that it hands to the system: the literal words
 * in calls of the functions that the catalogue names (`subprocess.run(["rm", "x"])`, `execFile('rm', ['x'])`,
 * `system "rm x"`), quoting that runs a command (`` `rm x` ``, `qx{rm x}`), and code in strings of code. What is not
 * literal is left out: only restrictions see the result, so it can stop a command and never let one pass.
 */

/** How deep code in strings is followed, as in `exec("os.system('rm x')")`. */
const maxDepth = 3;
/** Longer sources are not read, and no more commands than these are reported. */
const maxSource = 20_000;
const maxCommands = 16;
const maxTokens = 8_000;

type Token =
  | { readonly kind: 'name' | 'mark'; readonly text: string }
  /** `runs`: the quotes themselves run it. */
  | { readonly kind: 'string'; readonly text: string; readonly runs: boolean; readonly tick: boolean };

/** @param spawns names of functions that run a command, `*` for any ending; `` ` `` where backticks run one. */
export function commandsInCalls(source: string, spawns: readonly string[]): readonly string[] {
  if (spawns.length === 0 || source.length > maxSource) return [];
  const found = new Set<string>();
  collect(source, compileNames(spawns), spawns.includes('`'), 0, found);
  return [...found].slice(0, maxCommands);
}

function compileNames(spawns: readonly string[]): (name: string) => boolean {
  const exact = new Set(spawns);
  const starts = spawns.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (name) => exact.has(name) || starts.some((start) => name.startsWith(start));
}

function collect(
  source: string,
  isSpawn: (name: string) => boolean,
  ticksRun: boolean,
  depth: number,
  found: Set<string>,
): void {
  const tokens = tokenize(source);
  const assigned = assignedStrings(tokens);
  tokens.forEach((token, at) => {
    if (found.size >= maxCommands) return;
    if (token.kind === 'string') {
      if (token.runs || (token.tick && ticksRun)) add(found, token.text);
      else if (depth < maxDepth && /[(`]|\bqx\b|\s["']/.test(token.text))
        collect(token.text, isSpawn, ticksRun, depth + 1, found);
      return;
    }
    if (token.kind !== 'name' || !isSpawn(token.text)) return;
    // `"rm x".execute()` hands over what stands before it.
    const subject = isMark(tokens[at - 1], '.') ? tokens[at - 2] : undefined;
    const words = subject?.kind === 'string' ? [subject.text] : literalWords(tokens, at + 1, assigned);
    addCall(found, words);
  });
}

/** The strings of a call: to the bracket that closes it, or without brackets to the end of the statement. */
function literalWords(tokens: readonly Token[], from: number, assigned: Assigned): readonly string[] {
  const words: string[] = [];
  let open = 0;
  for (let at = from; at < tokens.length && words.length < 32; at += 1) {
    const token = tokens[at] as Token;
    if (token.kind === 'string') words.push(token.text);
    else if (token.kind === 'name')
      words.push(...(isMark(tokens[at + 1], '=') ? [] : (assigned.get(token.text) ?? [])));
    else if ('([{'.includes(token.text)) open += 1;
    else if (')]}'.includes(token.text)) {
      open -= 1;
      if (open < 0 || (open === 0 && !isMark(tokens[at + 1], ')') && !isMark(tokens[at + 1], ','))) break;
    } else if (open === 0 && (token.text === ';' || token.text === '\n')) break;
  }
  return words;
}

/** One word is shell text; of several the first is the program, and may be shell text beside options. */
function addCall(found: Set<string>, given: readonly string[]): void {
  // `open(F, "-|", "rm x")`, `open(F, "rm x|")`
  const words = given.map((word) => word.replace(/^\||\|$/g, '')).filter((word) => word !== '' && word !== '-');
  const [first, second] = words;
  if (first === undefined) return;
  if (words.length === 1 || /\s/.test(first)) add(found, first);
  // `execlp("rm", "rm", "x")` names the program and then the words, of which the first is its name again.
  const named = second === first || (second !== undefined && first.endsWith(`/${second}`)) ? words.slice(1) : words;
  if (named.length > 1) add(found, named.map(quoteWord).join(' '));
}

function add(found: Set<string>, text: string): void {
  const trimmed = text.trim();
  if (trimmed !== '') found.add(trimmed);
}

function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

type Assigned = ReadonlyMap<string, readonly string[]>;

/** `name = "text"` and `name = ["a", "b"]`: what the strings of the statement are. */
function assignedStrings(tokens: readonly Token[]): Assigned {
  const assigned = new Map<string, readonly string[]>();
  tokens.forEach((token, at) => {
    if (!isMark(token, '=') || isMark(tokens[at + 1], '=')) return;
    const before = tokens[at - 1];
    if (before?.kind !== 'name') return;
    const next = tokens[at + 1];
    const literal = next?.kind === 'string' || isMark(next, '[') || isMark(next, '(');
    const words = literal ? literalWords(tokens, at + 1, new Map()) : [];
    if (words.length > 0) assigned.set(before.text, words);
  });
  return assigned;
}

function isMark(token: Token | undefined, text: string): boolean {
  return token?.kind === 'mark' && token.text === text;
}

const closing: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '<': '>' };

/**
 * Strings with one, two or three quotes of a kind, the quoting operators of Perl and Ruby, names, line ends and single
 * characters. An open string ends with the text.
 */
function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length && tokens.length < maxTokens) {
    const char = source[at] as string;
    if (char === '"' || char === '`' || (char === "'" && !isApostrophe(source, at))) {
      const fence = char !== '`' && source.startsWith(char.repeat(3), at) ? char.repeat(3) : char;
      const [text, end] = readString(source, at + fence.length, fence);
      tokens.push({ kind: 'string', text, runs: false, tick: char === '`' });
      at = end;
      continue;
    }
    const operator = /^(?:q[qxw]?|%[xwWqQ])(?=[([{<|!/])/.exec(source.slice(at, at + 4))?.[0];
    if (operator !== undefined && !/[\w$]/.test(source[at - 1] ?? '')) {
      const open = source[at + operator.length] as string;
      const [text, end] = readString(source, at + operator.length + 1, closing[open] ?? open);
      if (/w$/i.test(operator))
        for (const word of text.split(/\s+/)) tokens.push({ kind: 'string', text: word, runs: false, tick: false });
      else tokens.push({ kind: 'string', text, runs: operator.endsWith('x'), tick: false });
      at = end;
      continue;
    }
    const name = /^[A-Za-z_$][\w$]*(?:-[A-Za-z]\w*)*/.exec(source.slice(at, at + 80))?.[0];
    if (name !== undefined) {
      tokens.push({ kind: 'name', text: name });
      at += name.length;
      continue;
    }
    if (!/[ \t\r]/.test(char)) tokens.push({ kind: 'mark', text: char });
    at += 1;
  }
  return tokens;
}

/** Closed on no later place of its line, as in a comment; code does not break such a string. */
function isApostrophe(source: string, at: number): boolean {
  if (source.startsWith("'''", at)) return false;
  const line = source.slice(at + 1).split('\n', 1)[0] ?? '';
  return !line.includes("'");
}

function readString(source: string, from: number, fence: string): readonly [text: string, end: number] {
  let text = '';
  let at = from;
  while (at < source.length && !source.startsWith(fence, at)) {
    const char = source[at] as string;
    if (char === '\\' && at + 1 < source.length) {
      const next = source[at + 1] as string;
      text += escapes[next] ?? next;
      at += 2;
    } else {
      text += char;
      at += 1;
    }
  }
  return [text, at + fence.length];
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
