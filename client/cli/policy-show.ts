/** `sbx policy show`: the merged policy, grouped as decisions use it: deny before ask before allow. */
import type { Origin } from '../protocol/decision.ts';
import type { PolicyReport } from '../protocol/policy-report.ts';
import { showText } from '../protocol/visible.ts';
import type { Caller } from './caller.ts';
import { choosePaint, type Paint } from './colour.ts';
import { loadPolicyTools } from './offline-engine.ts';
import { type PolicyShowOptions, readPlace } from './policy.ts';
import { formatOrigin } from './report.ts';
import { measureText } from './table.ts';

interface Entry {
  readonly text: string;
  readonly origin: Origin;
}

/** Places stand in one column, as far as the entries allow. */
const maxTextWidth = 48;

function listEntries(title: string, entries: readonly Entry[], paint: Paint): string[] {
  if (entries.length === 0) return [];
  const shown = entries.map(({ text, origin }) => ({
    text: showText(text),
    place: showText(formatOrigin({ origin })),
  }));
  const width = Math.min(maxTextWidth, Math.max(...shown.map(({ text }) => measureText(text))));
  const lines = shown.map(
    ({ text, place }) => `  ${text}${' '.repeat(Math.max(width - measureText(text), 0))}  ${paint.dim(place)}`,
  );
  return ['', paint.bold(title), ...lines];
}

function describeLayer(
  { layer, file, state, because, foreign = [], imported }: PolicyReport['layers'][number],
  paint: Paint,
): string {
  const colour = { broken: paint.red, untrusted: paint.yellow, ignored: paint.yellow, 'locked-out': paint.yellow };
  const shade = state === 'used' ? (text: string) => text : state === 'absent' ? paint.dim : colour[state];
  const others = foreign.length === 0 ? '' : `${foreign.length} of its rules are for tools that sbx does not have`;
  const more = [imported ? 'imported' : '', others, because ?? ''].filter((text) => text !== '').join('; ');
  const place = file === undefined ? 'given with the request' : showText(file);
  return `  ${layer.padEnd(13)} ${shade(state.padEnd(10))} ${place}${more === '' ? '' : paint.dim(`  (${showText(more)})`)}`;
}

/** A preset is one line; `--json` has its hosts. */
function listNetwork({ network }: PolicyReport): Entry[] {
  const { default: unnamed, entries, hostPorts, presets } = network;
  const sizeOf = (name: string): number => entries.filter(({ preset }) => preset === name).length;
  return [
    ...entries
      .filter(({ preset }) => preset === undefined)
      .map(({ list, entry, reason, origin }) => ({
        text: `${list} ${entry}${reason === undefined ? '' : ` (${reason})`}`,
        origin,
      })),
    ...presets.map(({ name, origin }) => ({ text: `allow preset ${name}, ${sizeOf(name)} hosts`, origin })),
    ...hostPorts.map(({ port, origin }) => ({ text: `allow port ${port} of this machine`, origin })),
    { text: `${unnamed.value} other hosts`, origin: unnamed.origin },
  ];
}

export function describePolicy(report: PolicyReport, paint: Paint): string[] {
  const rulesOf = (list: 'deny' | 'ask' | 'allow'): Entry[] =>
    report.rules
      .filter((rule) => rule.list === list)
      .map(({ rule, origin, unless, reason, sandbox }) => ({
        text: [
          rule,
          ...unless.map((each) => `unless ${each}`),
          ...(sandbox === undefined ? [] : ['in the sandbox only']),
          ...(reason === undefined ? [] : [`(${reason})`]),
        ].join(' '),
        origin,
      }));
  return [
    `workspace ${report.workspace === undefined ? 'none' : showText(report.workspace)}`,
    '',
    paint.bold('layers, the highest first'),
    ...report.layers.map((layer) => describeLayer(layer, paint)),
    ...listEntries('deny', rulesOf('deny'), paint),
    ...listEntries('ask', rulesOf('ask'), paint),
    ...listEntries('allow', rulesOf('allow'), paint),
    ...listEntries(
      'settings',
      report.settings.map(({ key, value, origin }) => ({ text: `${key} ${value}`, origin })),
      paint,
    ),
    ...listEntries(
      'files in the sandbox',
      report.files.map(({ list, path, origin }) => ({ text: `${list} ${path}`, origin })),
      paint,
    ),
    ...listEntries('network', listNetwork(report), paint),
    ...listEntries(
      'variables that are passed on',
      report.env.map(({ name, origin }) => ({ text: name, origin })),
      paint,
    ),
    ...listEntries(
      'further folders',
      report.additionalDirectories.map(({ path, origin }) => ({ text: path, origin })),
      paint,
    ),
    ...listEntries(
      'without effect',
      withReason(report, true).map(({ what, because, origin }) => ({ text: `${what}: ${because}`, origin })),
      paint,
    ),
    ...listEntries(
      'notes',
      withReason(report, false).map(({ what, origin }) => ({ text: what, origin })),
      paint,
    ),
    ...listEntries(
      'mistakes',
      report.problems.map(({ message, help, origin }) => ({
        text: `${message}${help === undefined ? '' : `; ${help}`}`,
        origin,
      })),
      paint,
    ),
  ];
}

/** A remark says itself what became of its entry. */
function withReason({ ignored }: PolicyReport, has: boolean): PolicyReport['ignored'] {
  return ignored.filter(({ because }) => (because !== '') === has);
}

/** 125 while a managed file is broken: nothing is decided then. @throws {SbxError} */
export async function showPolicy(options: PolicyShowOptions, caller: Caller): Promise<number> {
  const { engine, config, chooseWorkspace, reportPolicy } = await loadPolicyTools();
  const { cwd, workspace } = chooseWorkspace(readPlace(options, caller), config.home);
  const flags = {
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.import ? {} : { import: false as const }),
  };
  const report = reportPolicy(engine.policyOf({ cwd, workspace, home: config.home, flags }), workspace);
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else process.stdout.write(`${describePolicy(report, choosePaint(1, caller.env)).join('\n')}\n`);
  return report.layers.some(({ layer, state }) => layer === 'managed' && state === 'broken') ? 125 : 0;
}
