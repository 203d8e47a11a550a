/**
 * Loads the tree-sitter runtime and the bash grammar: the one I/O of the parse stage, done when a parser is made. Both
 * are WebAssembly, so that a defect in their C code under hostile text cannot touch the daemon's memory.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

export interface GrammarFiles {
  /** Bytes of `web-tree-sitter.wasm`. */
  readonly runtime: Uint8Array;
  /** Bytes of `tree-sitter-bash.wasm`. */
  readonly bash: Uint8Array;
}

/**
 * V8's quick compiler is all that the grammar gets. Its lexer is one function of 160 KB with a loop around it, which V8 takes
 * for hot after a dozen characters; optimising it costs 1.2 s of processor time and 60 MB, and the code is no faster.
 */
function compileQuickly(): void {
  setFlagsFromString('--no-wasm-dynamic-tiering');
  setFlagsFromString('--no-wasm-tier-up');
}

/** Before the files are compiled, V8 is told how. @throws {Error} when the packages are not installed. */
export async function loadGrammarFiles(): Promise<GrammarFiles> {
  compileQuickly();
  const [runtime, bash] = await Promise.all(
    ['web-tree-sitter/web-tree-sitter.wasm', 'tree-sitter-bash/tree-sitter-bash.wasm'].map((file) =>
      readFile(fileURLToPath(import.meta.resolve(file))),
    ),
  );
  return { runtime: runtime as Uint8Array, bash: bash as Uint8Array };
}
