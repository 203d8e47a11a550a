/**
 * How much work one text may cost. Every bound counts characters, nodes or steps, never time, so that the same text gets
 * the same answer on every machine. Attack: text that is small to write and expensive to read (nesting, thousands of
 * substitutions, huge brace products) must end in `ask`, not in a daemon that answers nobody.
 */

/** Beyond this nothing is parsed at all; the daemon's frame limit is of the same order. UTF-16 code units. */
export const maxTextLength = 1_048_576;

/** Longest analysed text, the bodies of quoted here-documents not counted. */
export const maxCountedLength = 10_000;

/** Deepest nesting of substitutions, quotes inside expansions and compound commands. No command written for a purpose comes near. */
export const maxDepth = 100;

/** Steps of our own reader: about one per token and one per character of a word. Linear in the text, so seldom reached. */
export const maxReaderSteps = 400_000;

/**
 * Calls of tree-sitter's progress callback for one text: about eight a millisecond on an ordinary machine. The worst
 * texts within the length limit that were found take under 600; this is the bound for those that were not.
 */
export const maxTreeSitterSteps = 1_500;

/** Nodes of a tree-sitter tree that are visited. */
export const maxTreeNodes = 60_000;

/** Words that one literal brace expression may expand to before its value counts as unknown. */
export const maxBraceWords = 1_000;

/** Pieces of all the words that one brace expression expands to, taken together. */
export const maxBraceSize = 50_000;

/** Opening braces in one word; matching them is quadratic. */
export const maxBracesInWord = 100;

/**
 * Simple commands of one text. What the later stages do with each is what large texts cost most, up to half a millisecond;
 * long scripts of people and agents hold some two hundred.
 */
export const maxCommands = 500;

/** New instances of a crashed WebAssembly. Each keeps its memory, so a text that crashes it at will must not get more. */
export const maxRestarts = 20;
