/**
 * Whether a rule meets a command, for one of two intents. A grant must be certain; a restriction also answers `maybe`,
 * where some reading of the command would be met (RULES O1). The only place where rules and commands meet.
 */
import type { Facts } from '../analyse/model.ts';
import { type CommandPattern, matchesPattern } from './command-pattern.ts';
import type { CommandView } from './command-view.ts';
import { intersects, literalTokens } from './glob.ts';
import type { GrantForm } from './grant-forms.ts';
import { matchesHost, parseHostPattern } from './host-pattern.ts';
import { exemptsPath, grantsPath, restrictsPath, type TargetView } from './path-match.ts';
import type { CommandRule, Rule } from './rule.ts';
import type { WideForm } from './wide-forms.ts';

export type Match =
  | 'no'
  /** Restrictions only: an unknown piece could complete the pattern. */
  | 'maybe'
  | 'yes'
  /** Grants only: the rule is the whole text of the command. */
  | 'exact';

export function matches(rule: Rule, view: CommandView, facts: Facts, intent: 'grant' | 'restrict'): Match {
  if (intent === 'restrict') return restricts(rule, view, facts);
  return rule.tool === 'Bash' ? grants(rule, view, facts) : 'no';
}

function grants(rule: CommandRule, view: CommandView, facts: Facts): Match {
  // What narrows a grant is a restriction: it counts when it could match.
  if (rule.unless.some((each) => restricts(each, view, facts) !== 'no')) return 'no';
  const { pattern } = rule;
  // The whole tool covers every program, but no environment that could change what a program does (RULES N1, O33).
  if (pattern === undefined)
    return view.grants.length === 0 || view.grants.some((form) => !form.assigned) ? 'yes' : 'no';
  let best: Match = 'no';
  for (const form of view.grants) {
    if (pattern.exact) {
      if (form.text !== pattern.text) continue;
      if (form.whole) return 'exact';
      best = 'yes';
    } else if (
      matchesPattern(pattern, form.text) &&
      (form.straight === form.text || matchesPattern(pattern, form.straight)) &&
      leavesPinned(pattern, form) &&
      staysAtHost(pattern, form)
    )
      best = 'yes';
  }
  return best;
}

function leavesPinned(pattern: CommandPattern, form: GrantForm): boolean {
  if (form.pinned === undefined) return false;
  const named = pattern.text.search(/\*/);
  const inner = form.inner.flatMap(({ from, pinned }) => (named >= from ? pinned : []));
  if (form.pinned.size === 0 && inner.length === 0) return true;
  return intersects(pattern.tokens, literalTokens(form.text), new Set([...form.pinned, ...inner]));
}

/**
 * A grant that names a host covers no second address and nothing that leads elsewhere: a wildcard for a path must not
 * stand for `-x proxy` or another URL.
 */
function staysAtHost(pattern: CommandPattern, form: GrantForm): boolean {
  const { hosts, pinned } = form;
  if (pinned === undefined || hosts.length === 0) return true;
  const meetsWith = (units: Iterable<number>): boolean =>
    intersects(pattern.tokens, literalTokens(form.text), new Set([...pinned, ...units]));
  const below = /:\/\/(\*\.[^/\s"'*]+)/.exec(pattern.text)?.[1];
  if (below !== undefined) {
    const allowed = parseHostPattern(below);
    return hosts.every(({ host }) => typeof allowed !== 'string' && host !== undefined && matchesHost(allowed, host));
  }
  if (!hosts.some(({ host, from }) => host !== undefined && meetsWith([from]))) return true;
  return meetsWith(hosts.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index)));
}

function restricts(rule: Rule, view: CommandView, facts: Facts): Match {
  // An exemption is a grant: it must be certain (RULES O4).
  const { unless } = rule;
  if (unless.some((each) => each.tool === 'Bash' && grants(each, view, facts) !== 'no')) return 'no';
  switch (rule.tool) {
    case 'Bash': {
      const { pattern } = rule;
      return pattern === undefined ? 'yes' : worst(view.wide, (form) => meets(pattern, form));
    }
    case 'WebFetch':
      // A host or port that the text does not name is the network's business: the same rule decides there, on the real one.
      if (rule.port !== undefined) return 'no';
      return worst(view.connections, ({ host }) => {
        if (host === undefined || !matchesHost(rule.pattern, host)) return 'no';
        const exempts = (each: Rule): boolean =>
          each.tool === 'WebFetch' && each.port === undefined && matchesHost(each.pattern, host);
        return unless.some(exempts) ? 'no' : 'yes';
      });
    case 'Read':
    case 'Edit':
      return worst(view.targets, (target) => {
        // A Read restriction also holds for writing (RULES P7).
        if (rule.tool === 'Edit' && target.kind === 'read') return 'no';
        const exempt = unless.some((each) => each.tool === rule.tool && exemptsPath(each.pattern, target, facts));
        return exempt
          ? 'no'
          : restrictsPath(rule.pattern, target, facts, rule.tool === 'Edit' && target.kind !== 'read');
      });
  }
}

/** Whether allow rules cover writing this file: what it is called and where it leads, by one rule or by two (RULES P6). */
export function grantWrite(rules: readonly Rule[], view: TargetView, facts: Facts): boolean {
  const { path, resolved } = view.target;
  const places = path === undefined || resolved === undefined || path === resolved ? [view.target] : [path, resolved];
  return places.every((place) => {
    const target = typeof place === 'string' ? { ...view.target, path: place, resolved: place } : place;
    return rules.some((rule) => grantsWrite(rule, { ...view, target }, facts) && !isExcepted(rule, view, facts));
  });
}

/** Whether an allow rule covers writing this file. */
export function grantsWrite(rule: Rule, target: TargetView, facts: Facts): boolean {
  if (rule.tool !== 'Edit' || !grantsPath(rule.pattern, target, facts)) return false;
  return !isExcepted(rule, target, facts);
}

function isExcepted(rule: Rule, target: TargetView, facts: Facts): boolean {
  return rule.unless.some((each) => each.tool === 'Edit' && restrictsPath(each.pattern, target, facts) !== 'no');
}

function meets(pattern: CommandPattern, form: WideForm): Match {
  const own = meetsForm(pattern, form);
  if (own === 'yes' || pattern.plain === undefined) return own;
  const plain = meetsForm(pattern.plain, form);
  return plain === 'no' ? own : plain;
}

function meetsForm(pattern: CommandPattern, form: WideForm): Match {
  if (form.texts.some((text) => matchesPattern(pattern, text))) return 'yes';
  if (form.shape === undefined) return 'no';
  const start = pattern.forms[0]?.[0]?.trimEnd() ?? '';
  const common = Math.min(start.length, form.shapeStart.length);
  if (start.slice(0, common) !== form.shapeStart.slice(0, common)) return 'no';
  return intersects(pattern.tokens, form.shape) ? 'maybe' : 'no';
}

function worst<T>(items: readonly T[], judge: (item: T) => Match): Match {
  let result: Match = 'no';
  for (const item of items) {
    const match = judge(item);
    if (match === 'yes') return 'yes';
    if (match === 'maybe') result = 'maybe';
  }
  return result;
}
