/** What lints want to know of a program, from the catalogue. */
import type { Catalogue } from '../analyse/compile-catalogue.ts';

export function kindOfProgram(catalogue: Catalogue, name: string): 'wrapper' | 'runs-code' | undefined {
  const bare = name.slice(name.lastIndexOf('/') + 1);
  if (catalogue.wrappers.has(bare)) {
    const by = catalogue.wrappers.get(bare)?.data.wrapper;
    // Only what grants see through grants nothing; the other wrappers run whatever follows them.
    return by === 'always' || by === 'bare' ? 'wrapper' : 'runs-code';
  }
  return catalogue.programs.get(bare)?.data.purpose === 'run' ? 'runs-code' : undefined;
}
