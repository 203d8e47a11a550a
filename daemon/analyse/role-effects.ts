/** What an argument does by its role: the one table from the catalogue's words to effects. */
import { applyDatabase, applyGitAddress, applyUrl } from './address-effects.ts';
import { type Arg, argFrom, makeArg, prefixOf } from './args.ts';
import { applyProgramText, applyScript, nameOf } from './embedded-text.ts';
import {
  applyGitObject,
  applyGitPath,
  namesWorkingTree,
  rewriteRepository,
  rewriteTree,
  switchedTo,
} from './git-paths.ts';
import type { Place } from './interpretation.ts';
import { readAwk } from './languages/awk.ts';
import { readJq } from './languages/jq.ts';
import { readSed } from './languages/sed.ts';
import { readSql } from './languages/sql.ts';
import type { Facts, PathTarget } from './model.ts';
import { mountSource } from './mount-sources.ts';
import { makeTarget } from './path-targets.ts';
import type { Reading } from './reading.ts';
import { connectionOf, isRemotePath, originOf } from './remote-targets.ts';
import type { Role } from './roles.ts';

/** How much of what is read is shown. */
const shown: Partial<Record<Role, Pick<PathTarget, 'searched' | 'namesOnly'>>> = {
  search: { searched: true },
  list: { namesOnly: true },
  'list-tree': { namesOnly: true },
};

/** Notes what an argument of this role does. */
export function apply(
  role: Role,
  arg: Arg,
  hasValue: boolean,
  reading: Reading,
  place: Place,
  marks: readonly string[] | undefined = reading.program.data.shellAfter,
): void {
  const { draft, facts, cwd } = place;
  const span = { start: arg.word.start, end: arg.word.end };
  const path = (kind: 'read' | 'write' | 'remove', recursive: boolean): void => {
    if (!hasValue || arg.text === '-') return;
    const named = makeTarget(arg, cwd, facts, { recursive });
    if (named === undefined) return;
    const target = kind === 'remove' ? ownLink({ ...named, ...shown[role] }, arg, facts) : { ...named, ...shown[role] };
    draft.effects.push({ kind, target });
    if (kind !== 'read') draft.writes.push({ arg, cwd, target });
    if (kind === 'remove') draft.removals.push({ arg, cwd, recursive, filtered: reading.filtered });
  };
  switch (role) {
    case 'read':
    case 'read-tree':
    case 'search':
      path('read', role === 'read-tree');
      return;
    case 'write':
    case 'write-tree':
      path('write', role === 'write-tree');
      return;
    case 'remove':
    case 'remove-tree':
      path('remove', role === 'remove-tree');
      return;
    case 'move':
      path('read', true);
      path('remove', true);
      return;
    case 'link': {
      // What a folder holds can be read by the other name.
      path('read', true);
      const target = makeTarget(arg, cwd, facts, { recursive: false });
      if (target !== undefined) draft.writes.push({ arg, cwd, target });
      return;
    }
    case 'list-tree':
      path('read', true);
      return;
    case 'list':
      // Names of a place that is not known are nobody's contents.
      if (arg.text !== undefined) path('read', false);
      return;
    case 'format':
      if (/^\+/.test(prefixOf(arg))) return;
      draft.notReadOnly ??= `\`${arg.word.source}\` may set what \`${reading.program.path}\` shows`;
      return;
    case 'suffix':
      // A suffix with a slash or star is a place of its own for the copies. Source: sed manual "-i".
      if (!hasValue || !/[/*]/.test(arg.text ?? '/')) return;
      apply('write', makeArg(arg.word, [...arg.pieces, { kind: 'glob', text: '*' }], false), true, reading, place);
      return;
    case 'git-object':
      applyGitObject(arg, draft, facts);
      return;
    case 'git-path':
      if (namesWorkingTree(reading)) applyGitPath(arg, draft, facts);
      return;
    case 'git-switch':
      switch (switchedTo(arg, reading, draft, facts)) {
        case 'path':
          applyGitPath(arg, draft, facts);
          return;
        case 'branch':
          // A word that is not known is no more a path than the name of a branch.
          if (arg.text !== undefined) path('write', false);
          rewriteRepository(draft, facts);
      }
      return;
    case 'rewrite':
      // As a target that is assumed, `.` is the folder; everything else is about all that git tracks.
      if (arg.text === '.' && reading.program.data.implicit?.rewrite === '.') rewriteTree(arg, draft, facts);
      else rewriteRepository(draft, facts);
      return;
    case 'clean':
      // It spares what git tracks, so what a restriction covers may be left.
      draft.removals.push({ arg, cwd, recursive: true, filtered: reading.filtered });
      return;
    case 'git-url':
      if (arg.text !== undefined && !isRemotePath(arg.text)) {
        // The name of a remote, or a repository on this machine.
        if (/^\w[\w.-]*$/.test(arg.text))
          draft.effects.push({ kind: 'connect', host: undefined, url: undefined, span });
        else path('read', true);
        return;
      }
      applyGitAddress(arg, draft);
      return;
    case 'url':
      applyUrl(arg, place);
      return;
    case 'host':
      draft.effects.push({ kind: 'connect', ...connectionOf(arg.text, role === 'host'), span });
      return;
    case 'remote-read':
    case 'remote-write':
    case 'remote-mirror':
      if (arg.text !== undefined && isRemotePath(arg.text))
        draft.effects.push({ kind: 'connect', ...connectionOf(arg.text, true), span });
      else {
        path(role === 'remote-read' ? 'read' : 'write', true);
        if (role === 'remote-mirror') path('remove', true);
      }
      return;
    case 'cookie':
      // Without `=` it names a file. Source: curl(1) `--cookie`.
      if (arg.text?.includes('=') !== true) path('read', false);
      return;
    case 'upload': {
      const file = /^(?:[^=@<]*=)?[@<]([^;,]+)/.exec(arg.text ?? '')?.[1];
      const target =
        file === undefined || file === '-'
          ? undefined
          : makeTarget(makeArg(arg.word, [{ kind: 'known', text: file }], false), cwd, facts, { recursive: false });
      if (target !== undefined) draft.effects.push({ kind: 'read', target });
      return;
    }
    case 'field': {
      const sign = /^[^=@:]*(?::?=)?@/.exec(prefixOf(arg))?.[0];
      if (sign !== undefined) apply('read', argFrom(arg, sign.length), hasValue, reading, place);
      return;
    }
    case 'mount': {
      const source = mountSource(arg);
      const target = source === undefined ? undefined : makeTarget(source, cwd, facts, { recursive: false });
      if (target !== undefined) draft.effects.push({ kind: 'read', target });
      return;
    }
    case 'named-read': {
      const name = /^[\w.-]+=/.exec(prefixOf(arg))?.[0] ?? '';
      apply('read', argFrom(arg, name.length), hasValue, reading, place);
      return;
    }
    case 'origin': {
      const origin = originOf(arg.text);
      if (origin !== undefined) draft.effects.push({ kind: 'connect', ...origin, span });
      return;
    }
    case 'forward': {
      const host = /^(?:(?:\[[^\]]*\]|[^:[\]]*):)?(?:\d+):(\[[^\]]+\]|[^:]+):\d+$/.exec(arg.text ?? '')?.[1];
      if (host !== undefined) draft.effects.push({ kind: 'connect', ...connectionOf(host, true), span });
      return;
    }
    case 'connect':
      draft.effects.push({ kind: 'connect', host: undefined, url: undefined, span });
      return;
    case 'script':
      applyScript(arg, marks, draft);
      return;
    case 'run':
    case 'task':
    case 'code':
      draft.effects.push({ kind: 'execute', what: hasValue ? nameOf(arg) : reading.program.path, span });
      return;
    case 'load':
      // Code that the program fetches itself: `deno run https://host/x.ts`.
      if (/^https?:\/\//i.test(arg.text ?? ''))
        draft.effects.push({ kind: 'connect', ...connectionOf(arg.text, false), span });
      else path('read', false);
      draft.effects.push({ kind: 'execute', what: nameOf(arg), span });
      return;
    case 'shell':
    case 'shell-line':
    case 'typed':
      draft.shellTexts.push(arg);
      if (arg.text === undefined) draft.effects.push({ kind: 'execute', what: arg.word.source, span });
      return;
    case 'assignment':
      draft.environment.push(arg);
      return;
    case 'name':
      draft.names.push(arg);
      return;
    case 'setting':
      draft.settings.push(arg);
      return;
    case 'sed':
      applyProgramText(readSed(arg), arg, draft, facts, reading);
      return;
    case 'awk':
      applyProgramText(readAwk(arg, settingsOf(reading)), arg, draft, facts, reading);
      return;
    case 'jq':
      applyProgramText(readJq(arg), arg, draft, facts, reading);
      return;
    case 'sql':
      applyProgramText(readSql(arg), arg, draft, facts, reading);
      return;
    case 'database':
    case 'database-host':
      applyDatabase(role, arg, draft);
      return;
    case 'send':
      draft.routes.push({ word: arg.word, address: false });
      path('read', false);
      return;
    case 'route':
      draft.routes.push({ word: arg.word, address: false });
      draft.effects.push({ kind: 'connect', ...connectionOf(arg.text, true), span });
      return;
    default:
      return;
  }
}

/** Removing or moving a link leaves what it leads to as it is. */
function ownLink(target: PathTarget, arg: Arg, facts: Facts): PathTarget {
  const { path } = target;
  if (path === undefined || facts.paths.get(path)?.kind !== 'link' || /\/\.{0,2}$/.test(arg.text ?? '')) return target;
  const slash = path.lastIndexOf('/');
  const folder = facts.paths.get(path.slice(0, slash))?.resolved;
  return folder === undefined ? target : { ...target, resolved: `${folder}${path.slice(slash)}` };
}

/** What options of the role `setting` give to the variables of a program. */
function settingsOf({ options }: Reading): ReadonlyMap<string, readonly string[]> {
  const settings = new Map<string, readonly string[]>();
  for (const { role, value } of options) {
    const match = role === 'setting' ? /^(\w+)=([\s\S]*)$/.exec(value?.text ?? '') : null;
    if (match?.[1] !== undefined) settings.set(match[1], [...(settings.get(match[1]) ?? []), match[2] ?? '']);
  }
  return settings;
}
