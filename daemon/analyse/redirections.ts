/** Redirections as effects of their own (RULES C6, O21, O32): targets are checked as reads and writes of files. */
import type { Redirection } from '../parse/model.ts';
import { type Arg, makeArg, type Values } from './args.ts';
import type { Effect, Facts, PathTarget } from './model.ts';
import { makeTarget } from './path-targets.ts';
import { expandWord } from './words.ts';

const writing = new Set(['>', '>>', '>|', '&>', '&>>', '<>', '>&']);

/** The arguments that a redirection's target can become; several for a variable with several known values. */
export function redirectionTargets(redirection: Redirection, values: Values): readonly Arg[] {
  const { operator, target } = redirection;
  if (operator === '<<' || operator === '<<-' || operator === '<<<') return [];
  return expandWord(target, values).map((args) => args[0] ?? makeArg(target, [], false));
}

export function redirectionEffects(
  redirections: readonly Redirection[],
  values: Values,
  facts: Facts,
): readonly Effect[] {
  const effects: Effect[] = [];
  for (const redirection of redirections) {
    for (const arg of redirectionTargets(redirection, values)) {
      if (isDescriptor(redirection, arg)) continue;
      const target = makeTarget(arg, values.cwd, facts, { recursive: false, redirection });
      if (target === undefined) continue;
      const network = networkTarget(target);
      if (network !== undefined) effects.push({ kind: 'connect', host: network, url: undefined, span: target.span });
      else if (redirection.operator === '<' || redirection.operator === '<&') effects.push({ kind: 'read', target });
      else if (writing.has(redirection.operator)) {
        if (redirection.operator === '<>') effects.push({ kind: 'read', target });
        effects.push({ kind: 'write', target });
      }
    }
  }
  return effects;
}

/** `2>&1`, `>&-`, `<&3-`: no file. An unknown word after `>&` may be one. */
function isDescriptor(redirection: Redirection, arg: Arg): boolean {
  if (redirection.operator !== '>&' && redirection.operator !== '<&') return false;
  return arg.text !== undefined && /^(?:\d+-?|-)$/.test(arg.text);
}

/** The host of bash's `/dev/tcp/HOST/PORT`. Source: bash(1) "REDIRECTION". */
export function networkTarget(target: PathTarget): string | undefined {
  const text = target.path ?? target.prefix;
  const match = /^\/dev\/(?:tcp|udp)\/([^/]*)/.exec(text ?? '');
  return match === null ? undefined : match[1] || 'unknown';
}
