/** Effects that no argument names by itself: names in a destination folder, targets assumed by default, what a program always does. */
import { makeArg } from './args.ts';
import { rewriteRepository } from './git-paths.ts';
import { type Draft, defaultReasons } from './interpretation.ts';
import type { Facts } from './model.ts';
import { makeTarget, resolvePath } from './path-targets.ts';
import type { Reading } from './reading.ts';
import { apply } from './role-effects.ts';
import { harmlessRoles, type Role } from './roles.ts';

/** The names that sources get in the folder that they are put into; a folder that is assumed is the current one. */
export function applyInto(reading: Reading, draft: Draft, facts: Facts): void {
  const all = [
    ...reading.operands,
    ...reading.options.flatMap(({ role, value }) => (value === undefined ? [] : [{ role, arg: value }])),
  ];
  const writes = draft.effects.filter((effect) => effect.kind === 'write');
  const folder = all.find(({ role }) => role === 'write' || role === 'write-tree' || role === 'remote-write')?.arg;
  const text = folder === undefined && writes.length > 0 ? '.' : folder?.text;
  const path = text === undefined ? undefined : resolvePath(text, draft.cwd);
  if (text === undefined || path === undefined) return;
  const isFolder =
    /(?:^|\/)\.{0,2}$/.test(text) || facts.paths.get(facts.paths.get(path)?.resolved ?? path)?.kind === 'directory';
  if (!isFolder && facts.paths.get(path)?.kind !== 'directory') return;
  const names: string[] = [];
  for (const { role, arg } of all) {
    const name = nameInFolder(role, arg.text ?? '');
    if (name === undefined || name === '.' || name === '..') continue;
    const named = makeArg(arg.word, [{ kind: 'known', text: path === '/' ? `/${name}` : `${path}/${name}` }], false);
    const target = makeTarget(named, draft.cwd, facts, { recursive: true });
    if (target === undefined) continue;
    draft.writes.push({ arg: named, cwd: draft.cwd, target });
    if (target.path !== undefined) names.push(target.path);
  }
  if (names.length === 0) return;
  draft.effects = draft.effects.map((effect) =>
    effect.kind === 'write' && effect.target.path === path
      ? { ...effect, target: { ...effect.target, names } }
      : effect,
  );
}

const moved: ReadonlySet<Role> = new Set<Role>(['read', 'read-tree', 'move', 'link']);

/** The last part of a path, of the path on another machine, or of an address without its query. */
function nameInFolder(role: Role, text: string): string | undefined {
  if (role === 'url') return /^(?:[a-z][a-z0-9+.-]*:\/\/)?[^/]+\/(?:[^?#]*\/)?([^/?#]+)/i.exec(text)?.[1];
  if (role === 'remote-read') return /([^/:]+)\/*$/.exec(text)?.[1];
  return moved.has(role) ? /([^/]+)\/*$/.exec(text)?.[1] : undefined;
}

export function applyImplicit(reading: Reading, draft: Draft, facts: Facts): void {
  for (const map of reading.implicit) {
    for (const [role, text] of Object.entries(map) as [Role, string][]) {
      const named =
        ((role === 'rewrite' || role === 'clean') && reading.operands.length > 0) ||
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
    else if (role === 'rewrite') rewriteRepository(draft, facts);
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
