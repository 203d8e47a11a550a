/** Loads the presets of hosts that ship with the package, once. */
import path from 'node:path';
import { compilePresets, type NetworkPresets, networkPresetsSchema } from '../decide/network-presets.ts';
import { readData } from './catalogue-files.ts';
import { findPackageRoot } from './package-root.ts';

let loaded: NetworkPresets | undefined;

/** @throws {SbxError} `bad-policy` when the package's data is damaged. */
export function loadNetworkPresets(): NetworkPresets {
  loaded ??= compilePresets(
    readData(path.join(findPackageRoot(), 'policies', 'network-presets.jsonc'), networkPresetsSchema),
  );
  return loaded;
}
