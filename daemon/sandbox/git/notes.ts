/** What a merge back has to tell, each thing once and readably, and whether something was left that wants keeping. */
import type { Violation } from '../../../client/protocol/events.ts';
import { showText } from '../../../client/protocol/visible.ts';

/** Names in one remark; the rest is counted. */
const maxNames = 5;

export class Notes {
  readonly #lines: Violation[] = [];
  readonly #groups = new Map<string, { readonly names: string[]; readonly help: string | undefined }>();
  /** Something in the staged folder is neither in the repository nor worthless. */
  keep = false;

  add(target: string, message: string, howToAllow?: string): void {
    this.#lines.push({
      kind: 'git',
      target: showText(target),
      message: showText(message),
      ...(howToAllow === undefined ? {} : { howToAllow: showText(howToAllow) }),
    });
  }

  /** As `add`, and the staged folder stays. */
  addKept(target: string, message: string, howToAllow?: string): void {
    this.keep = true;
    this.add(target, message, howToAllow);
  }

  /** Things of one kind become one remark that begins with their names. */
  collect(name: string, message: string, help?: string): void {
    const group = this.#groups.get(message) ?? { names: [], help };
    group.names.push(name);
    this.#groups.set(message, group);
  }

  list(): readonly Violation[] {
    const grouped = [...this.#groups].map(([message, { names, help }]): Violation => {
      const shown = names.slice(0, maxNames).map(showText).join(', ');
      const rest = names.length > maxNames ? ` and ${names.length - maxNames} more` : '';
      return {
        kind: 'git',
        target: showText(names[0] ?? ''),
        message: `${shown}${rest}: ${message}`,
        ...(help === undefined ? {} : { howToAllow: showText(help) }),
      };
    });
    return [...this.#lines, ...grouped];
  }
}
