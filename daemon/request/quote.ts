/**
 * Writes an argv as bash text that bash reads back as exactly that argv. Ours rather than a library's because rules
 * match the text and people approve it: `--port=80` must stay `--port=80`, not become `--port\=80`.
 */

/** Characters that mean themselves anywhere in a word, except that a first word with `=` would be an assignment. */
const plain = /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+:,./=^-]*$/;

/** Reserved words are only recognised unquoted, and only where a command may begin. */
const reserved = new Set(
  'if then elif else fi time for in until while do done case esac coproc select function'.split(' '),
);

function quoteWord(word: string, isProgram: boolean): string {
  if (plain.test(word) && !(isProgram && (word.includes('=') || reserved.has(word)))) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Source: bash(1) "Single Quotes" and "Reserved Words". NUL bytes cannot be passed and must be refused before. */
export function quoteArgv(argv: readonly string[]): string {
  return argv.map((word, index) => quoteWord(word, index === 0)).join(' ');
}
