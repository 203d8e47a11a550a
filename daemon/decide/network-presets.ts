/** The lists of hosts that come with sbx (`policies/network-presets.jsonc`), and a network policy with those that it chose. */
import { z } from 'zod';
import type { Origin } from '../../client/protocol/decision.ts';
import { isMistake, parseNetworkEntry } from './network-entry.ts';
import { type NetworkEntry, type NetworkPolicy, type PresetName, presetNames } from './network-policy.ts';
import { networkEntrySchema } from './network-schema.ts';

const presetSchema = z.array(z.strictObject({ why: z.string().min(1), hosts: z.array(networkEntrySchema).min(1) }));

export const networkPresetsSchema = z.record(z.enum(presetNames), presetSchema);

/** Entries by preset; each takes its place from the policy that chose the preset. */
export type NetworkPresets = Readonly<Record<PresetName, readonly NetworkEntry[]>>;

const nowhere: Origin = { layer: 'built-in' };

/** @throws {Error} for an entry with a mistake, which the package's own data must not have. */
export function compilePresets(data: z.infer<typeof networkPresetsSchema>): NetworkPresets {
  const compile = (name: PresetName): readonly NetworkEntry[] =>
    data[name].flatMap(({ why, hosts }) =>
      hosts.map((written) => {
        const parsed = parseNetworkEntry(written, { list: 'allow', origin: nowhere });
        if (isMistake(parsed)) throw new Error(`${JSON.stringify(written)}: ${parsed.message}`);
        return { ...parsed, reason: why, preset: name };
      }),
    );
  return { registries: compile('registries'), 'code-hosts': compile('code-hosts'), models: compile('models') };
}

export function withPresets(network: NetworkPolicy, presets: NetworkPresets): NetworkPolicy {
  const own = network.entries.filter(({ preset }) => preset === undefined);
  const chosen = network.presets.flatMap(({ value, origin }) => presets[value].map((entry) => ({ ...entry, origin })));
  return { ...network, entries: [...own, ...chosen] };
}
