/**
 * Says that a variable was withheld, when a failed command complains that it is not set. Only of variables that the caller
 * has: whoever never had one is not told about sbx.
 */
import { stripVTControlCharacters } from 'node:util';
import type { Violation } from '../../client/protocol/events.ts';

const maxNamed = 3;

/** What stands beside a variable's name when a program misses it. */
const complaint =
  /\b(?:not (?:been )?(?:set|found|defined|provided|specified|present|configured)|unset|undefined|missing|requires?d?|must|needs?|unbound|empty|blank|environ(?:ment)?|env(?:vars?)?|variables?|export|provide|expected|KeyError|set the|please set|specify|null|nil|no value|invalid)\b/iu;

/** A shell sets them itself. */
const setByShells: ReadonlySet<string> = new Set(['_', 'PWD', 'OLDPWD', 'SHLVL']);

/** Names that the caller has and the command does not get. */
export function listWithheld(caller: Readonly<Record<string, string>>, given: ReadonlyMap<string, string>): string[] {
  return Object.keys(caller).filter(
    (name) => /^[A-Za-z_][A-Za-z0-9_]*$/u.test(name) && !given.has(name) && !setByShells.has(name),
  );
}

/** @param text the end of what the command wrote to its error output or terminal. */
export function findWithheldViolations(text: string, withheld: readonly string[]): Violation[] {
  const complaints = stripVTControlCharacters(text)
    .split(/[\n\r]+/u)
    .filter((line) => complaint.test(line));
  if (complaints.length === 0) return [];
  const words = new Set(complaints.flatMap((line) => line.match(/[A-Za-z_][A-Za-z0-9_]*/gu) ?? []));
  return withheld
    .filter((name) => words.has(name))
    .slice(0, maxNamed)
    .map((name) => ({
      ...{ kind: 'environment', target: name, access: 'read' },
      message: `\`${name}\` of your environment is not passed on: commands get the variables that are listed, and none that looks like a secret`,
      howToAllow: `pass it on with --env ${name}, or to every command with "sandbox": {"env": ["${name}"]} in your policy file`,
    }));
}
