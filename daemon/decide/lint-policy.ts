/**
 * Finds rules that do not do what their author most likely wanted: rules that can never match, that another rule makes
 * pointless, or that grant far more than they seem to (RULES O15). A lint changes no decision.
 */
import type { Origin } from '../../client/protocol/decision.ts';
import { matchesPattern } from './command-pattern.ts';
import { type Policy, showOrigin } from './policy.ts';
import { quoteText } from './quote-text.ts';
import type { CommandRule, PathRule, Rule } from './rule.ts';

export const lintIds = {
  'broad-grant': 'an allow of every command',
  'runs-code': 'an allow that covers any code, because running code is what the program is for',
  'wrapper-only': 'an allow that names only a wrapper, which grants nothing',
  'never-matches': 'a pattern that no single command can match',
  shadowed: 'a rule that another one always decides before',
  repeated: 'a rule that another one of the same list covers',
  'looks-absolute': 'a path that looks absolute and is not',
} as const;

export interface PolicyLint {
  readonly id: keyof typeof lintIds;
  readonly message: string;
  readonly help: string;
  readonly rule: string;
  readonly origin: Origin;
}

/** What the catalogue knows of a program: a wrapper that is seen through, or one whose purpose is running other code. */
export type ProgramKind = (program: string) => 'wrapper' | 'runs-code' | undefined;

export function lintPolicy(policy: Pick<Policy, 'allow' | 'ask' | 'deny'>, kindOf: ProgramKind): readonly PolicyLint[] {
  const lints: PolicyLint[] = [];
  // What could not be read has its own remark, and hides nothing that its author meant to hide.
  const written = { deny: policy.deny.filter(isRead), ask: policy.ask.filter(isRead), allow: policy.allow };
  for (const rule of [...written.deny, ...written.ask, ...written.allow]) {
    const report = (id: PolicyLint['id'], message: string, help: string): void => {
      lints.push({ id, message: `${quoteText(rule.text)} ${message}`, help, rule: rule.text, origin: rule.origin });
    };
    if (rule.tool === 'Bash') lintCommandRule(rule, kindOf, report);
    if (rule.tool === 'Read' || rule.tool === 'Edit') lintPathRule(rule, report);
    lintAgainstOthers(rule, written, report);
  }
  return lints;
}

const isRead = ({ unread }: Rule): boolean => unread !== true;

type Report = (id: PolicyLint['id'], message: string, help: string) => void;

function lintCommandRule(rule: CommandRule, kindOf: ProgramKind, report: Report): void {
  const { pattern } = rule;
  if (pattern === undefined) {
    if (rule.list === 'allow') report('broad-grant', 'allows every command', 'name the programs that may run');
    return;
  }
  const operator = /(?:^|\s)(?:&&?|\|\|?|;)(?=\s|$)|(?:^|\s)\d?>>?\s*\S/.exec(
    pattern.text.replace(/'[^']*'|"[^"]*"/g, '_'),
  );
  if (operator !== null) {
    const what = operator[0].includes('>') ? 'redirections' : 'operators';
    const help = what === 'operators' ? 'write one rule for each command' : 'write an `Edit` rule for the file';
    report('never-matches', `can never match: a rule sees one simple command, without ${what}`, help);
  }
  const colon = pattern.text.indexOf(':*');
  if (colon >= 0)
    report(
      'never-matches',
      'has a `:*` that does not end it and stands for a literal colon',
      'write a blank instead of the colon',
    );
  if (rule.list !== 'allow') return;
  const [program = '', ...rest] = pattern.text.split(' ');
  const open = rest.length === 0 ? program.endsWith('*') : rest[0] === '*';
  const kind = open ? kindOf(program.replace(/\*+$/, '')) : undefined;
  if (kind === 'wrapper') {
    report(
      'wrapper-only',
      `grants nothing: the command that ${quoteText(program)} runs decides`,
      'name that command as well',
    );
  }
  if (kind === 'runs-code')
    report('runs-code', 'allows any code at all', 'name the script, the task or the subcommand');
}

const rootFolders = new Set([
  'bin',
  'boot',
  'dev',
  'etc',
  'home',
  'lib',
  'mnt',
  'opt',
  'private',
  'proc',
  'root',
  'run',
  'srv',
  'sys',
  'tmp',
  'Users',
  'usr',
  'var',
]);

function lintPathRule(rule: PathRule, report: Report): void {
  const { pattern } = rule;
  if (pattern?.base !== 'origin' || !rootFolders.has(pattern.text.split('/')[1] ?? '')) return;
  report(
    'looks-absolute',
    `means ${quoteText(pattern.anchor + pattern.text)}`,
    `write ${quoteText(`${rule.tool}(/${pattern.text})`)} for the absolute path`,
  );
}

function lintAgainstOthers(rule: Rule, policy: Pick<Policy, 'allow' | 'ask' | 'deny'>, report: Report): void {
  const stronger = rule.list === 'allow' ? [...policy.deny, ...policy.ask] : rule.list === 'ask' ? policy.deny : [];
  const above = stronger.find((other) => other.unless.length === 0 && covers(other, rule));
  if (above !== undefined) {
    report(
      'shadowed',
      `never decides: ${quoteText(above.text)} (${above.list}, ${showOrigin(above.origin)}) does`,
      'remove one of the two',
    );
    return;
  }
  const same = policy[rule.list];
  const at = same.indexOf(rule);
  const twin = same.find((other, index) => {
    if (other === rule || other.unless.length > 0 || rule.unless.length > 0 || !covers(other, rule)) return false;
    return index < at || !covers(rule, other);
  });
  // A grant that names an option literally covers what a broader one does not (RULES O16), and an exact one lifts findings.
  if (twin === undefined || (rule.list === 'allow' && !isSame(twin, rule))) return;
  report('repeated', `adds nothing to ${quoteText(twin.text)} (${showOrigin(twin.origin)})`, 'remove it');
}

function isSame(a: Rule, b: Rule): boolean {
  return a.tool === b.tool && (a.pattern === undefined ? b.pattern === undefined : a.pattern.text === b.pattern?.text);
}

/** Whether `wide` matches whatever `narrow` does. Errs towards no. */
function covers(wide: Rule, narrow: Rule): boolean {
  if (wide.tool !== narrow.tool) return false;
  if (wide.pattern === undefined) return true;
  if (isSame(wide, narrow)) return wide.origin.file === narrow.origin.file;
  if (wide.tool !== 'Bash' || narrow.tool !== 'Bash' || narrow.pattern === undefined) return false;
  // A noncharacter in place of each wildcard can be matched by a wildcard only.
  return narrow.pattern.forms.every((pieces) =>
    matchesPattern(wide.pattern as NonNullable<typeof wide.pattern>, pieces.join('\uffff')),
  );
}
