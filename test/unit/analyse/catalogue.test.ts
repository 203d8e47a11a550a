/**
 * Runs every example of the catalogue: the facts that it states about a command line must hold, and the effects that matter
 * (writes, removals, connections, executions, words that must be named) must be exactly those stated.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { AnalysedCommand, Effect } from '../../../daemon/analyse/model.ts';
import { type ProgramFile, programFileSchema } from '../../../daemon/analyse/program-schema.ts';
import { readData } from '../../../daemon/platform/catalogue-files.ts';
import { findPackageRoot } from '../../../daemon/platform/package-root.ts';
import { analyseText, facts } from './workbench.ts';

const folder = path.join(findPackageRoot(), 'policies');
const files = [
  ...readdirSync(path.join(folder, 'catalogue'))
    .filter((name) => name.endsWith('.jsonc'))
    .map((name) => path.join('catalogue', name)),
  'wrappers.jsonc',
];

for (const file of files) {
  const data: ProgramFile = readData(path.join(folder, file), programFileSchema);
  for (const [names, program] of Object.entries(data.programs)) {
    test(`${file}: ${names.slice(0, 60)}`, () => {
      const examples = Object.entries(program.examples ?? {});
      assert.ok(examples.length >= 2, 'an example that hits and one that misses');
      const outcomes = new Set(examples.map(([, expected]) => expected));
      assert.ok(outcomes.size >= 2, 'the examples must not all say the same');
      for (const [text, expected] of examples) checkExample(text, expected);
    });
  }
}

function checkExample(text: string, expected: string): void {
  const analysis = analyseText(text);
  assert.equal(analysis.script.kind, 'script', `\`${text}\` must be readable`);
  const [command] = analysis.commands;
  assert.ok(command !== undefined);
  const claims = expected.split(
    /; (?=(?:read-only|not read-only|known|unknown)(?:;|$)|(?:read|write|remove|connect|run|unnamed) )/,
  );
  const stated = (head: string): string[] =>
    claims
      .filter((claim) => claim.startsWith(`${head} `))
      .flatMap((claim) => splitNames(head, claim.slice(head.length + 1)))
      .sort();
  if (claims.includes('read-only')) assert.equal(command.notReadOnlyBecause, undefined, `\`${text}\` is read-only`);
  if (claims.includes('not read-only')) assert.equal(command.readOnly, false, `\`${text}\` is not read-only`);
  assert.equal(
    command.known,
    !claims.includes('unknown'),
    `\`${text}\` is ${claims.includes('unknown') ? 'unknown' : 'known'}`,
  );
  const seen = seenEffects(command);
  for (const kind of ['write', 'remove', 'connect', 'run'] as const) {
    assert.deepEqual([...new Set(seen[kind])].sort(), [...new Set(stated(kind))], `\`${text}\`: ${kind}`);
  }
  for (const name of stated('read'))
    assert.ok(seen.read.includes(name), `\`${text}\` reads ${name}, not ${seen.read.join(' ')}`);
  assert.deepEqual(
    [...new Set(command.unnamed.map((danger) => danger.name))].sort(),
    stated('unnamed'),
    `\`${text}\`: words that must be named`,
  );
}

function splitNames(head: string, text: string): string[] {
  return head === 'unnamed' || head === 'run' ? [text] : text.split(' ');
}

function seenEffects(command: AnalysedCommand): Record<'read' | 'write' | 'remove' | 'connect' | 'run', string[]> {
  const out: ReturnType<typeof seenEffects> = { read: [], write: [], remove: [], connect: [], run: [] };
  const shell = new Set(command.inner.flatMap((inner) => inner.effects));
  for (const effect of command.effects) {
    if (effect.kind === 'connect') out.connect.push(effect.host ?? '?');
    else if (effect.kind === 'execute') {
      // Shell text shows as what it does.
      if (command.inner.length === 0 || !shell.has(effect)) out.run.push(effect.what);
    } else if (effect.kind !== 'chdir') out[effect.kind].push(targetName(effect));
  }
  if (command.inner.length > 0)
    out.run = out.run.filter(
      (what) => !command.command.words.some((word) => word.source.endsWith(what) && /\s/.test(word.source)),
    );
  return out;
}

/** Relative to the folder of the tests; as written where it lies elsewhere. */
function targetName(effect: Effect & { kind: 'read' | 'write' | 'remove' }): string {
  const { path: place, source } = effect.target;
  if (place === undefined) return '?';
  if (place === facts.cwd) return '.';
  const relative = place.startsWith(`${facts.cwd}/`) ? place.slice(facts.cwd.length + 1) : place;
  return source === `./${relative}` ? source : relative;
}
