/** Effects that no argument names by itself: names in a destination folder, targets assumed by default, what a program always does. */
import { harmlessRoles, type Role } from './catalogue.ts';
import { type Draft, defaultReasons } from './interpretation.ts';
import type { Facts } from './model.ts';
import { makeTarget, resolvePath } from './path-targets.ts';
import type { Reading } from './read-arguments.ts';
import { apply } from './role-effects.ts';
import { makeArg } from './words.ts';

/** The names that sources get in the folder that they are put into. */
export function applyInto(reading: Reading, draft: Draft, facts: Facts): void {
  const all = [
    ...reading.operands,
    ...reading.options.flatMap(({ role, value }) => (value === undefined ? [] : [{ role, arg: value }])),
  ];
  const folder = all.find(({ role }) => role === 'write' || role === 'write-tree' || role === 'remote-write')?.arg;
  const path = folder?.text === undefined ? undefined : resolvePath(folder.text, draft.cwd);
  if (folder?.text === undefined || path === undefined) return;
  const isFolder =
    /(?:^|\/)\.{0,2}$/.test(folder.text) ||
    facts.paths.get(facts.paths.get(path)?.resolved ?? path)?.kind === 'directory';
  if (!isFolder && facts.paths.get(path)?.kind !== 'directory') return;
  for (const { role, arg } of all) {
    if (role !== 'read' && role !== 'read-tree' && role !== 'move' && role !== 'link' && role !== 'remote-read')
      continue;
    const name = /([^/]+)\/*$/.exec(arg.text ?? '')?.[1];
    if (name === undefined || name === '.' || name === '..') continue;
    const named = makeArg(arg.word, [{ kind: 'known', text: path === '/' ? `/${name}` : `${path}/${name}` }], false);
    const target = makeTarget(named, draft.cwd, facts, { recursive: true });
    if (target !== undefined) draft.writes.push({ arg: named, cwd: draft.cwd, target });
  }
}

export function applyImplicit(reading: Reading, draft: Draft, facts: Facts): void {
  for (const map of reading.implicit) {
    for (const [role, text] of Object.entries(map) as [Role, string][]) {
      const named =
        reading.operands.some((operand) => operand.role === role) ||
        reading.options.some((option) => option.role === role && option.value !== undefined);
      // A folder that is not known holds what it holds; only its names are shown.
      if (named || (role === 'list' && draft.cwd === undefined)) continue;
      const word = reading.options.at(-1)?.arg.word ?? {
        start: 0,
        end: 0,
        source: text,
        parts: [],
        values: [text],
        quoted: false,
      };
      apply(
        role,
        { word: { ...word, source: text }, pieces: [{ kind: 'known', text }], text, many: false },
        true,
        reading,
        { draft, facts, cwd: draft.cwd },
      );
      if (!harmlessRoles.has(role))
        draft.notReadOnly ??= `\`${reading.program.path}\` ${defaultReasons[role] ?? 'is not read-only'}`;
    }
  }
}

export function applyAlways(reading: Reading, draft: Draft, facts: Facts): void {
  for (const text of reading.program.data.also ?? []) {
    const [role = '', value] = text.split(' ');
    const span = { start: 0, end: 0 };
    if (role === 'connect') draft.effects.push({ kind: 'connect', host: value, url: undefined, span });
    else if (role === 'run') draft.effects.push({ kind: 'execute', what: reading.program.path, span });
    else if (value !== undefined) {
      const word = { start: 0, end: 0, source: value, parts: [], values: [value], quoted: false };
      apply(role as Role, makeArg(word, [{ kind: 'known', text: value }], false), true, reading, {
        draft,
        facts,
        cwd: draft.cwd,
      });
    }
    if (text === 'connect localhost') continue;
    draft.notReadOnly ??= `\`${reading.program.path}\` ${defaultReasons[role as Role] ?? 'is not read-only'}`;
  }
}
