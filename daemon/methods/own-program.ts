/**
 * sbx itself, where it lies in a folder that commands may write: somebody works on it, or runs it out of the project. A
 * command that could write there would be the next daemon.
 */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import type { FileRule } from '../decide/file-rules.ts';
import { findPackageRoot } from '../platform/package-root.ts';

/** What is run as it stands. Sources are not among them: they are what somebody who works on sbx is there to change. */
const programNames = ['dist', 'node_modules', 'policies', 'scripts'];

function pinOf(place: string): FileRule {
  const covers = (candidate: string): boolean => candidate === place || candidate.startsWith(`${place}/`);
  return {
    effect: 'pin',
    text: place,
    because: 'it is the program of the sbx that runs here; to change it, run another copy of sbx',
    top: place,
    literal: true,
    byName: false,
    covers,
    mayHold: (folder) => place.startsWith(`${folder}/`),
    mustHold: false,
    rank: 2,
    final: true,
  };
}

export function ownProgramRules(root = findPackageRoot()): FileRule[] {
  return programNames
    .map((name) => path.join(root, name))
    .filter((place) => lstatSync(place, { throwIfNoEntry: false }) !== undefined)
    .map(pinOf);
}
