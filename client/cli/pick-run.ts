/** Finds a run by what people type: the id, or as much of its beginning as no other id has. */
import { SbxError } from '../protocol/errors.ts';
import type { RunInfo } from '../protocol/messages.ts';
import { showText } from '../protocol/visible.ts';
import { shortenIds } from './short-ids.ts';

interface Named {
  readonly info: Pick<RunInfo, 'runId'>;
}

const maxShown = 5;

/** @throws {SbxError} `unknown-run`, or `bad-usage` when several ids begin so */
export function pickRun<T extends Named>(found: readonly T[], name: string): T {
  const exact = found.find(({ info }) => info.runId === name);
  if (exact) return exact;
  const matches = name === '' ? [] : found.filter(({ info }) => info.runId.startsWith(name));
  const [first, ...others] = matches;
  if (!first) {
    throw new SbxError('unknown-run', `there is no run \`${showText(name)}\``, { help: 'sbx ps -a lists them' });
  }
  if (others.length === 0) return first;
  const short = shortenIds(found.map(({ info }) => info.runId));
  const shown = matches.slice(0, maxShown).map(({ info }) => short.get(info.runId) ?? info.runId);
  throw new SbxError(
    'bad-usage',
    `\`${showText(name)}\` is the beginning of ${matches.length} ids: ${shown.join(', ')}${matches.length > maxShown ? ' …' : ''}`,
    { help: 'write more of the one you mean' },
  );
}
