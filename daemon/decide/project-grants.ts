/**
 * What a project's files would grant. Only trust makes it count (RULES S3), and trust is given to each grant as it reads:
 * what is added or widened later is untrusted again, what is removed takes nothing with it.
 */
import type { Origin } from '../../client/protocol/decision.ts';
import { type FileEntry, restricts } from './file-list.ts';
import { withoutGrants } from './merge-policies.ts';
import { isLooser } from './mode-choice.ts';
import { keepNetwork, listNetworkGrants } from './network-grants.ts';
import type { ParsedPolicy } from './policy.ts';
import { quoteText } from './quote-text.ts';
import type { Rule } from './rule.ts';

export interface ProjectGrant {
  /** For a person. */
  readonly what: string;
  /** The same grant in the same workspace, wherever it is written, has the same text; a wider one has another. */
  readonly identity: string;
  readonly origin: Origin;
  readonly rule?: Rule;
}

export function listGrants(parsed: ParsedPolicy): readonly ProjectGrant[] {
  const { autoAllow, defaultMode } = parsed.settings;
  const grants: ProjectGrant[] = parsed.rules
    .filter((rule) => rule.list === 'allow')
    .map((rule) => ({ what: describeRule(rule), identity: identityOf(rule), origin: rule.origin, rule }));
  for (const { value, origin } of parsed.directories) {
    grants.push({ what: `work in ${quoteText(value)}`, identity: JSON.stringify(['directory', value]), origin });
  }
  for (const entry of parsed.files.filter((each) => !restricts(each))) {
    const what = `${entry.list === 'allowRead' ? 'read' : 'write'} ${quoteText(entry.text)} in the sandbox`;
    grants.push({ what, identity: identityOfEntry(entry), origin: entry.origin });
  }
  grants.push(...listNetworkGrants(parsed.network));
  for (const { value, origin } of parsed.env) {
    grants.push({ what: `pass on the variable ${quoteText(value)}`, identity: identityOfVariable(value), origin });
  }
  if (autoAllow?.value === true) {
    grants.push({ what: 'auto-allow on', identity: JSON.stringify(['autoAllow']), origin: autoAllow.origin });
  }
  // Whether a mode loosens depends on the layers below, which may change: only the tightest one never does.
  if (defaultMode !== undefined && isLooser(defaultMode.value, 'plan') && defaultMode.value !== 'bypass') {
    const identity = JSON.stringify(['mode', defaultMode.value]);
    grants.push({ what: `the mode ${quoteText(defaultMode.value)}`, identity, origin: defaultMode.origin });
  }
  return grants;
}

/** The layer without the grants that are not trusted, and those grants. */
export function keepTrusted(
  parsed: ParsedPolicy,
  isTrusted: (grant: ProjectGrant) => boolean,
): { readonly parsed: ParsedPolicy; readonly ignored: readonly ProjectGrant[] } {
  const grants = listGrants(parsed);
  const ignored = grants.filter((grant) => !isTrusted(grant));
  if (ignored.length === 0) return { parsed, ignored };
  const bare = withoutGrants(parsed);
  const kept = new Set(grants.filter((grant) => !ignored.includes(grant)).map(({ identity }) => identity));
  const { autoAllow, defaultMode } = parsed.settings;
  const keepsMode = defaultMode !== undefined && kept.has(JSON.stringify(['mode', defaultMode.value]));
  return {
    parsed: {
      ...bare,
      rules: parsed.rules.filter((rule) => rule.list !== 'allow' || kept.has(identityOf(rule))),
      directories: parsed.directories.filter(({ value }) => kept.has(JSON.stringify(['directory', value]))),
      env: parsed.env.filter(({ value }) => kept.has(identityOfVariable(value))),
      files: parsed.files.filter((entry) => restricts(entry) || kept.has(identityOfEntry(entry))),
      network: keepNetwork(parsed.network, kept),
      settings: {
        ...bare.settings,
        ...(autoAllow !== undefined && kept.has(JSON.stringify(['autoAllow'])) ? { autoAllow } : {}),
        ...(keepsMode ? { defaultMode } : {}),
      },
      modeLimit: keepsMode ? parsed.modeLimit : bare.modeLimit,
    },
    ignored,
  };
}

function describeRule(rule: Rule): string {
  const unless = rule.unless.map((each) => quoteText(each.text)).join(', ');
  const only = rule.sandbox === 'required' ? ' in the sandbox' : '';
  return `allow ${quoteText(rule.text)}${only}${unless === '' ? '' : ` unless ${unless}`}`;
}

function identityOf(rule: Rule): string {
  return JSON.stringify(['allow', rule.text, rule.unless.map((each) => each.text), rule.sandbox ?? '']);
}

function identityOfVariable(name: string): string {
  return JSON.stringify(['env', name]);
}

/** A text means another path where it is anchored elsewhere. */
function identityOfEntry({ list, text, pattern }: FileEntry): string {
  return JSON.stringify(['file', list, text, pattern.base === 'origin' ? pattern.anchor : '']);
}
