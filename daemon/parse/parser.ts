/**
 * The parse stage's one verb. Our reader builds the model; two independent parsers must confirm its list of simple
 * commands, words, assignments and redirections, or the text is unparsable and will be asked about. Total: whatever the
 * text, the answer is data, never a throw.
 */
import type { GrammarFiles } from '../platform/grammar.ts';
import { maxCommands } from './limits.ts';
import type { ParseResult } from './model.ts';
import { readScript } from './reader.ts';
import { requireAgreement } from './second-opinion/agreement.ts';
import { confirmScript } from './second-opinion/confirm.ts';
import { outlineModel } from './second-opinion/outline.ts';
import { createTreeSitter, type TreeSitter } from './second-opinion/tree-sitter.ts';
import { outlineUnbash } from './second-opinion/unbash-outline.ts';
import { Stop, toUnparsable } from './stop.ts';

export interface BashParser {
  /** Never throws. The same text always gets the same answer. */
  parse(text: string): ParseResult;
}

/** @throws {Error} when the WebAssembly files are not what they should be */
export async function createParser(files: GrammarFiles): Promise<BashParser> {
  const treeSitter = await createTreeSitter(files);
  return { parse: (text) => parseText(text, treeSitter) };
}

function parseText(text: string, treeSitter: TreeSitter): ParseResult {
  try {
    const script = readScript(text);
    if (script.commands.length > maxCommands) {
      throw new Stop('too-complex', `the text has more than ${maxCommands} commands`, 0, text.length);
    }
    requireAgreement(outlineModel(script), outlineUnbash(text));
    confirmScript(script, treeSitter);
    return script;
  } catch (error) {
    if (error instanceof Stop) return toUnparsable(text, error);
    const tooDeep = error instanceof RangeError;
    const stop = tooDeep
      ? new Stop('too-complex', 'the text is nested too deeply', 0, text.length)
      : new Stop('parser-failure', 'a parser failed on this text', 0, text.length);
    return toUnparsable(text, stop);
  }
}
