/**
 * Finds rules that do not do what their author most likely wanted: rules that can never match, that another rule makes
 * pointless, or that grant far more than they seem to (RULES O15). A lint changes no decision.
 */
import type { Origin } from '../../client/protocol/decision.ts';
import { type CommandPattern, matchesPattern } from './command-pattern.ts';
import type { FileEntry } from './file-list.ts';
import { type HostPattern, matchesHost } from './host-pattern.ts';
import { lintNetwork } from './lint-network.ts';
import type { PathPattern } from './path-pattern.ts';
import { type Policy, showOrigin } from './policy.ts';
import { quoteText } from './quote-text.ts';
import type { CommandRule, HostRule, PathRule, Rule } from './rule.ts';

export const lintIds = {
  'broad-grant': 'an allow of every command, every file or every host',
  'runs-code': 'an allow that covers any code, because running code is what the program is for',
  'wrapper-only': 'an allow that names only a wrapper, which grants nothing',
  'never-matches': 'a pattern that no single command can match',
  shadowed: 'a rule that another one always decides before',
  repeated: 'a rule that another one of the same list covers',
  'unseen-request': 'methods or paths where they cannot be seen',
  'looks-absolute': 'a path that looks absolute and is not',
} as const;

export interface PolicyLint {
  readonly id: keyof typeof lintIds;
  readonly message: string;
  readonly help: string;
  readonly rule: string;
  readonly origin: Origin;
}

/**
 * What the catalogue knows of a program and the words after it, when any words may follow: a wrapper that is seen through,
 * or something that runs whatever it is given. A `*` in the program's name stands for every program it may name.
 */
export type ProgramKind = (words: readonly string[]) => 'wrapper' | 'runs-code' | undefined;

export function lintPolicy(
  policy: Pick<Policy, 'allow' | 'ask' | 'deny' | 'files' | 'network'>,
  kindOf: ProgramKind,
): readonly PolicyLint[] {
  const lints = policy.files.flatMap(lintFileEntry);
  // What could not be read has its own remark, and hides nothing that its author meant to hide.
  const written = { deny: policy.deny.filter(isRead), ask: policy.ask.filter(isRead), allow: policy.allow };
  for (const rule of [...written.deny, ...written.ask, ...written.allow]) {
    const report = (id: PolicyLint['id'], message: string, help: string): void => {
      lints.push({ id, message: `${quoteText(rule.text)} ${message}`, help, rule: rule.text, origin: rule.origin });
    };
    if (rule.tool === 'Bash') lintCommandRule(rule, kindOf, report);
    if (rule.tool === 'Read' || rule.tool === 'Edit') lintPathRule(rule, report);
    if (rule.tool === 'WebFetch') lintHostRule(rule, report);
    lintAgainstOthers(rule, written, report);
  }
  lintNetwork(policy.network, (id, { origin, text }, message, help) => {
    lints.push({ id, message: `${quoteText(text)} ${message}`, help, rule: text, origin });
  });
  return lints;
}

const isRead = ({ unread }: Rule): boolean => unread !== true;

type Report = (id: PolicyLint['id'], message: string, help: string) => void;

function lintCommandRule(rule: CommandRule, kindOf: ProgramKind, report: Report): void {
  const { pattern } = rule;
  if (pattern === undefined || /^[*\s]*$/.test(pattern.text)) {
    if (rule.list === 'allow') report('broad-grant', 'allows every command', 'name the programs that may run');
    return;
  }
  const operator = findOperator(pattern.text, rule.list);
  if (operator !== undefined) {
    const what = /[<>]/.test(operator) ? 'redirections' : 'operators';
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
  const kind = openEnded(pattern.text, kindOf);
  if (kind === 'wrapper') {
    const program = pattern.text.replace(/[\s*].*$/s, '');
    report(
      'wrapper-only',
      `grants nothing: the command that ${quoteText(program)} runs decides`,
      'name that command as well',
    );
  }
  if (kind === 'runs-code')
    report('runs-code', 'allows any code at all', 'name the script, the task or the subcommand');
}

/** What the words before the pattern's last star, which stands for any further words, are known for. */
function openEnded(text: string, kindOf: ProgramKind): ReturnType<ProgramKind> {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const last = words[words.length - 1] ?? '';
  if (!last.endsWith('*')) return undefined;
  const before = words.slice(0, -1);
  if (before.some((word, index) => index > 0 && word.includes('*'))) return undefined;
  if (/^\*+$/.test(last)) return before[0] === '*' ? undefined : kindOf(before);
  if (before.length > 0) return undefined;
  // `python*` is `python` and whatever begins like it.
  return kindOf([last.replace(/\*+$/, '')]) ?? kindOf([last]);
}

/**
 * An operator that no source text of a simple command can hold where the pattern has it. Restrictions are also compared
 * with quoting resolved, where a word may be or hold one (`find -exec rm {} ;`), so there only what separates words counts.
 */
function findOperator(text: string, list: Rule['list']): string | undefined {
  const bare = text.replace(/\\.|'[^']*'|"[^"]*"/g, '_');
  const shape =
    list === 'allow'
      ? /[;<>|&]+/
      : /(?:^|\s)(?:&&?|\|\|?)(?=\s|$)|[^\s;](?:;|&&?|\|\|?)(?=\s|$)|\s;(?=\s)|(?:^|\s)\d?>>?\s*\S/;
  return shape.exec(bare)?.[0];
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
  if (rule.list === 'allow' && rule.tool === 'Edit' && (pattern === undefined || /^\/\/\**$/.test(pattern.text))) {
    report('broad-grant', 'allows writing every file', 'name the folders, as in `Edit(src/**)`');
  }
  if (pattern?.base !== 'origin' || !rootFolders.has(pattern.text.split('/')[1] ?? '')) return;
  report(
    'looks-absolute',
    `means ${quoteText(pattern.anchor + pattern.text)}`,
    `write ${quoteText(`${rule.tool}(/${pattern.text})`)} for the absolute path`,
  );
}

/** An entry of the sandbox's lists, whose patterns are those of path rules. */
function lintFileEntry({ list, origin, pattern, text }: FileEntry): PolicyLint[] {
  if (pattern.base !== 'origin' || !rootFolders.has(text.split('/')[1] ?? '')) return [];
  const message = `${quoteText(text)} in \`${list}\` means ${quoteText(pattern.anchor + pattern.text)}`;
  const help = `write ${quoteText(`/${text}`)} for the absolute path`;
  return [{ id: 'looks-absolute', message, help, rule: text, origin }];
}

function lintHostRule(rule: HostRule, report: Report): void {
  if (rule.list !== 'allow' || rule.pattern?.labels !== undefined) return;
  report('broad-grant', 'allows every host', 'name the hosts, as in `WebFetch(domain:*.example.com)`');
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
  // A Read restriction also holds for writing (RULES P7).
  const isSameTool =
    wide.tool === narrow.tool || (wide.list !== 'allow' && wide.tool === 'Read' && narrow.tool === 'Edit');
  if (!isSameTool) return false;
  if (wide.pattern === undefined) return true;
  if (isSame(wide, narrow)) return wide.origin.file === narrow.origin.file;
  if (wide.tool === 'Bash') return narrow.tool === 'Bash' && coversCommand(wide.pattern, narrow.pattern);
  if (wide.tool === 'WebFetch')
    return narrow.tool === 'WebFetch' && wide.port === narrow.port && coversHost(wide.pattern, narrow.pattern);
  return (narrow.tool === 'Read' || narrow.tool === 'Edit') && coversPath(wide.pattern, narrow.pattern);
}

function coversCommand(wide: CommandPattern, narrow: CommandPattern | undefined): boolean {
  // A noncharacter in place of each wildcard can be matched by a wildcard only.
  return narrow?.forms.every((pieces) => matchesPattern(wide, pieces.join('\uffff'))) === true;
}

function coversHost(wide: HostPattern, narrow: HostPattern | undefined): boolean {
  if (narrow?.labels === undefined || narrow.labels.some((label) => label.includes('*'))) return false;
  // One label below stands for every deeper one.
  return matchesHost(wide, `${narrow.below ? 'x.' : ''}${narrow.labels.join('.')}`);
}

/** Everything in a folder that is written out, and something in it. */
function coversPath(wide: PathPattern, narrow: PathPattern | undefined): boolean {
  if (narrow === undefined || wide.base !== narrow.base || wide.anchor !== narrow.anchor) return false;
  const folder = /^([^*?[\\]*\/)\*\*$/.exec(wide.text)?.[1];
  return folder !== undefined && narrow.text.startsWith(folder) && narrow.text.length > folder.length;
}
