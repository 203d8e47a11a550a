/**
 * tree-sitter with its bash grammar, as a bounded, restartable engine. A crash inside the WebAssembly ends only this
 * text's reading; the next text gets a new parser.
 */
import { Language, Parser, type Tree } from 'web-tree-sitter';
import type { GrammarFiles } from '../../platform/grammar.ts';
import { maxTreeSitterSteps } from '../limits.ts';
import { Stop } from '../stop.ts';

export interface TreeSitter {
  /**
   * Parses `text` and hands its tree to `read`; the tree is freed afterwards.
   * @throws {Stop} syntax-error, too-complex, parser-failure
   */
  withTree<Result>(text: string, read: (tree: Tree) => Result): Result;
}

/**
 * Characters handed over at a time. The lexer asks again whenever it steps back, and each time copies all it is given:
 * with a whole text that is quadratic. UTF-16 code units.
 */
const chunkLength = 256;

/** @throws {Error} when the WebAssembly files are damaged or do not fit together. */
export async function createTreeSitter(files: GrammarFiles): Promise<TreeSitter> {
  await Parser.init({ wasmBinary: files.runtime });
  const language = await Language.load(files.bash);
  let parser: Parser | undefined;

  function parse(text: string): Tree {
    if (parser === undefined) {
      parser = new Parser();
      parser.setLanguage(language);
    }
    let steps = 0;
    const tree = parser.parse((from) => text.slice(from, from + chunkLength), null, {
      progressCallback: () => ++steps > maxTreeSitterSteps,
    });
    if (tree !== null) return tree;
    parser.reset();
    throw new Stop('too-complex', 'the text takes too many steps to parse', 0, text.length);
  }

  return {
    withTree(text, read) {
      let tree: Tree | undefined;
      try {
        tree = parse(text);
        return read(tree);
      } catch (error) {
        if (error instanceof Stop || error instanceof RangeError) throw error;
        parser = undefined;
        throw new Stop('parser-failure', 'the tree-sitter parser failed on this text', 0, text.length);
      } finally {
        tree?.delete();
      }
    },
  };
}
