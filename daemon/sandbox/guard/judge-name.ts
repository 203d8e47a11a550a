/** What a name in a watched folder means for the guard, from the name, what stands there, and what the folder is to it. */
import { isFilledByTools, type NameList } from './protected-names.ts';
import type { Suspect } from './settle-suspects.ts';

export type Shape = 'file' | 'folder' | 'link' | 'other';

/**
 * `git`: a git folder, of which only what a later git would run is of interest. `filled`: a folder of tools that holds a
 * submodule somewhere, or in which a protected name begins, and only that is of interest.
 */
export type Role = 'plain' | 'git' | 'filled';

export interface SeenName {
  /** Of the folder that it is in. */
  readonly role: Role;
  /** From the workspace on, the name last. */
  readonly segments: readonly string[];
  readonly shape: Shape;
}

export interface NameContext {
  readonly names: NameList;
  /** A submodule is there or below, whatever folder that is. */
  readonly leadsToSubmodule: (path: string) => boolean;
  /** Why a new thing is not to stay, beside the protected names. */
  readonly denies: (segments: readonly string[]) => string | undefined;
}

export type NameVerdict =
  | { readonly is: 'suspect'; readonly suspect: Suspect }
  /** To be looked through. */
  | { readonly is: 'folder'; readonly role: Role }
  /** No folder, and at no protected name. */
  | { readonly is: 'plain' }
  | { readonly is: 'ignored' };

export function judgeName({ role, segments, shape }: SeenName, context: NameContext): NameVerdict {
  const name = segments.at(-1) ?? '';
  if (role === 'git') {
    return shape === 'folder' && (name === 'hooks' || name === 'info') ? { is: 'folder', role } : { is: 'ignored' };
  }
  if (name.toLowerCase() === '.git') {
    const because = 'hooks and configuration in it run programs';
    return { is: 'suspect', suspect: { segments, kind: 'repository', because } };
  }
  const entry = context.names.find(segments);
  if (
    entry !== undefined &&
    (shape === 'link' || entry.kind === 'any' || (shape === 'folder') === (entry.kind === 'directory'))
  ) {
    // in a folder of tools only a name that begins with that folder
    if (role === 'filled' && context.names.find(segments.slice(-1)) !== undefined) return { is: 'ignored' };
    return { is: 'suspect', suspect: { segments, kind: 'name', because: entry.because } };
  }
  if (role === 'filled' || (shape === 'folder' && isFilledByTools(name))) {
    const leadsOn = context.leadsToSubmodule(segments.join('/')) || context.names.leadsOn(segments);
    return shape === 'folder' && leadsOn ? { is: 'folder', role: 'filled' } : { is: 'ignored' };
  }
  if (shape === 'folder') return { is: 'folder', role: 'plain' };
  const because = context.denies(segments);
  if (because !== undefined) return { is: 'suspect', suspect: { segments, kind: 'name', because } };
  return { is: 'plain' };
}
