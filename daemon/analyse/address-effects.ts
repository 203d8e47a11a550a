/**
 * What a word does that names a place of the network: an address, a repository that git fetches, a database. Attack:
 * `ext::COMMAND` and `file:///etc/shadow` look like addresses and are a program and a file.
 */
import { type Arg, argFrom, couldBeOption, makeArg, prefixOf } from './args.ts';
import type { Draft, Place } from './interpretation.ts';
import { makeTarget } from './path-targets.ts';
import { connectionOf } from './remote-targets.ts';

export function applyUrl(arg: Arg, { draft, facts, cwd }: Place): void {
  const span = { start: arg.word.start, end: arg.word.end };
  draft.routes.push({ word: arg.word, address: true });
  if (/^file:/i.test(prefixOf(arg))) {
    const local = argFrom(arg, /^file:(?:\/\/(?:localhost)?(?=\/|$))?/i.exec(prefixOf(arg))?.[0].length ?? 0);
    const target = makeTarget(local, cwd, facts, { recursive: false });
    if (target !== undefined) draft.effects.push({ kind: 'read', target });
    return;
  }
  draft.effects.push({ kind: 'connect', ...connectionOf(arg.text, false), span });
}

/** A repository that is on another machine, or could be. */
export function applyGitAddress(arg: Arg, draft: Draft): void {
  const span = { start: arg.word.start, end: arg.word.end };
  draft.effects.push({ kind: 'connect', ...connectionOf(arg.text, false), span });
  applyTransport(arg, draft);
  if (arg.text === undefined ? couldBeOption(arg) : /^[A-Za-z0-9]+::/.test(arg.text)) {
    draft.unnamed.push({
      word: arg.word,
      name: arg.word.source,
      because: 'a transport of this kind runs a program',
    });
    draft.notReadOnly ??= `\`${arg.word.source}\` can run a program`;
  }
}

/** `ext::COMMAND`: git runs the words; `%S` and its like stand for names of services. Source: git-remote-ext(1). */
function applyTransport(arg: Arg, draft: Draft): void {
  const command = /^ext::([\s\S]+)$/.exec(arg.text ?? '')?.[1];
  if (command !== undefined) draft.embedded.push(makeArg(arg.word, [{ kind: 'known', text: command }], false));
}

/** A database on this machine is no place of the network: a plain name, a socket, a loopback address. */
export function applyDatabase(role: 'database' | 'database-host', arg: Arg, draft: Draft): void {
  const plain = role === 'database' ? /^[\w.@-]+$/ : /^(?:localhost|127\.\d+\.\d+\.\d+|::1|\/[^:]*)$/;
  const local = /^postgres(?:ql)?:\/\/(?:[^@/?#]*@)?(?:localhost|127\.0\.0\.1|\[::1\])?(?::\d+)?\/[\w.-]*$/;
  if (arg.text !== undefined && (plain.test(arg.text) || (role === 'database' && local.test(arg.text)))) return;
  const { start, end } = arg.word;
  draft.effects.push({ kind: 'connect', ...connectionOf(arg.text, true), span: { start, end } });
  draft.notReadOnly ??= `\`${arg.word.source}\` may be on another machine`;
}
