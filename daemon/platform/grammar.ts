/**
 * Loads the tree-sitter runtime and the bash grammar: the one I/O of the parse stage, done when a parser is made, and once
 * more when its WebAssembly has crashed. Both are WebAssembly, so that a defect in their C code under hostile text cannot
 * touch the daemon's memory.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

type Runtime = typeof import('web-tree-sitter');

export interface GrammarFiles {
  /** Bytes of `web-tree-sitter.wasm`. */
  readonly runtime: Uint8Array;
  /** Bytes of `tree-sitter-bash.wasm`. */
  readonly bash: Uint8Array;
  /** The module around the runtime; `fresh` gives one with a memory of its own, which nothing before has touched. */
  readonly importRuntime: (fresh: boolean) => Promise<Runtime>;
}

let instances = 0;

/** @throws {Error} when the packages are not installed. */
export async function loadGrammarFiles(): Promise<GrammarFiles> {
  const [runtime, bash] = await Promise.all(
    ['web-tree-sitter/web-tree-sitter.wasm', 'tree-sitter-bash/tree-sitter-bash.wasm'].map((file) =>
      readFile(fileURLToPath(import.meta.resolve(file))),
    ),
  );
  return { runtime: runtime as Uint8Array, bash: bash as Uint8Array, importRuntime };
}

/** Node keeps one instance of a module for each address. */
async function importRuntime(fresh: boolean): Promise<Runtime> {
  if (!fresh) return await import('web-tree-sitter');
  const address = `${import.meta.resolve('web-tree-sitter')}?instance=${++instances}`;
  return (await import(address)) as Runtime;
}
