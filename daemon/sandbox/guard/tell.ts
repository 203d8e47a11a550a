/** Says what was put aside and why, with the command that takes it back. */
import path from 'node:path';
import type { Violation } from '../../../client/protocol/events.ts';
import { proposeUnprotect } from '../violations/grant.ts';
import { rawText } from './raw-name.ts';
import type { Outcome } from './settle-suspects.ts';

/** Undefined when nothing was done. */
export function describeOutcome(workspace: string, outcome: Outcome): Violation | undefined {
  const target = [workspace, ...outcome.segments.map(rawText)].join('/');
  const violation = (message: string, howToAllow?: string): Violation => ({
    kind: 'protected',
    target,
    access: 'write',
    message,
    ...(howToAllow === undefined ? {} : { howToAllow }),
  });
  const { why } = outcome;
  const name = path.relative(workspace, target);
  const to = outcome.to === undefined ? '' : rawText(outcome.to);
  switch (outcome.result) {
    case 'kept':
      return why === '' ? undefined : violation(`the repository \`${name}\` stays: ${why}`);
    case 'gone':
      return undefined;
    case 'moved':
      return violation(
        `the command made \`${name}\`, and it was put aside: ${why}`,
        `${restore(to, target)}; ${proposeUnprotect(name)}`,
      );
    case 'aside':
      return violation(
        `the command made \`${name}\`, and it was renamed to \`${path.basename(to)}\`: ${why}`,
        `${restore(to, target)}; ${proposeUnprotect(name)}`,
      );
    case 'cleaned':
      return violation(
        `the repository \`${name}\` stays, without what git would run: ${why}`,
        `what was taken out is in ${quote(to)}`,
      );
    case 'failed':
      return violation(
        `the command made \`${name}\`, and it could not be put aside (${why}): look at it before you use the folder`,
      );
  }
}

export function describeLink(place: string, leadsTo: string): Violation {
  return {
    kind: 'file',
    target: place,
    access: 'write',
    message: `the command made the link \`${place}\`, which leads out of the workspace to \`${leadsTo}\`: what writes to it outside the sandbox writes there`,
  };
}

function restore(from: string, to: string): string {
  return `mv -nT -- ${quote(from)} ${quote(to)}`;
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
