/**
 * A permission rule as the other files of this folder use it: parsed, compiled, and always with the place where it was
 * written, because every decision names the rule that made it.
 */
import type { Origin } from '../../client/protocol/decision.ts';
import type { CommandPattern } from './command-pattern.ts';
import type { HostPattern } from './host-pattern.ts';
import type { PathPattern } from './path-pattern.ts';

export const tools = ['Bash', 'Read', 'Edit', 'WebFetch'] as const;
export type Tool = (typeof tools)[number];

export type RuleList = 'allow' | 'ask' | 'deny';

interface RuleBase {
  /** As written. */
  readonly text: string;
  readonly list: RuleList;
  readonly origin: Origin;
  readonly reason: string | undefined;
  /**
   * Narrows an allow, exempts from an ask; never weakens a deny (RULES O4), but for what imported settings themselves
   * leave readable in a folder that they deny (RULES X8).
   */
  readonly unless: readonly Rule[];
  /** `required`: it grants nothing outside the sandbox. `off`: it lets the command out (RULES O12). */
  readonly sandbox: 'required' | 'off' | undefined;
  /** Stands for a restriction that could not be read: it asks about its whole tool (RULES O36). */
  readonly unread?: true;
}

/** Without a pattern the rule is the whole tool: `Bash`, `Bash(*)`. */
export type CommandRule = RuleBase & { readonly tool: 'Bash'; readonly pattern: CommandPattern | undefined };
export type PathRule = RuleBase & { readonly tool: 'Read' | 'Edit'; readonly pattern: PathPattern | undefined };
export type HostRule = RuleBase & {
  readonly tool: 'WebFetch';
  readonly pattern: HostPattern | undefined;
  /** For connections to this port alone, which no text of a command says for sure. */
  readonly port?: number;
};
export type Rule = CommandRule | PathRule | HostRule;
