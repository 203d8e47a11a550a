/**
 * tree-sitter with its bash grammar, as a bounded, restartable engine. A crash inside the WebAssembly ends only this
 * text's reading: its memory is not trusted again, and a new instance takes its place. Until that is there, some
 * milliseconds, every text is asked about.
 */
import type { Parser, Tree } from 'web-tree-sitter';
import type { GrammarFiles } from '../../platform/grammar.ts';
import { maxRestarts, maxTreeSitterSteps } from '../limits.ts';
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
  let parser: Parser | undefined = await startParser(files, false);
  let restarts = 0;

  /** Never deleted: that would run C code over the memory in which the crash happened. */
  const abandoned: Parser[] = [];

  function restart(crashed: Parser): void {
    abandoned.push(crashed);
    parser = undefined;
    if (++restarts > maxRestarts) return;
    startParser(files, true).then(
      (started) => {
        parser = started;
      },
      () => undefined,
    );
  }

  return {
    withTree(text, read) {
      if (parser === undefined) throw failure(text);
      const current = parser;
      let tree: Tree | undefined;
      try {
        tree = parseText(current, text);
        const result = read(tree);
        tree.delete();
        return result;
      } catch (error) {
        try {
          // A stack that ran out may have left a text half read, and the next would be read on from there.
          if (error instanceof RangeError) current.reset();
          if (error instanceof Stop || error instanceof RangeError) {
            tree?.delete();
            throw error;
          }
        } catch (second) {
          if (second === error) throw error;
        }
        restart(current);
        throw failure(text);
      }
    },
  };
}

async function startParser(files: GrammarFiles, fresh: boolean): Promise<Parser> {
  const { Language, Parser } = await files.importRuntime(fresh);
  await Parser.init({ wasmBinary: files.runtime });
  const language = await Language.load(files.bash);
  const parser = new Parser();
  parser.setLanguage(language);
  return parser;
}

function parseText(parser: Parser, text: string): Tree {
  let steps = 0;
  const tree = parser.parse((from) => text.slice(from, from + chunkLength), null, {
    progressCallback: () => ++steps > maxTreeSitterSteps,
  });
  if (tree !== null) return tree;
  parser.reset();
  throw new Stop('too-complex', 'the text takes too many steps to parse', 0, text.length);
}

function failure(text: string): Stop {
  return new Stop('parser-failure', 'the tree-sitter parser failed on this text', 0, text.length);
}
