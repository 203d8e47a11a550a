/**
 * Why a failed command failed, where the sandbox was the reason. Inferred from what it printed, because the kernel tells
 * nobody what it refused: it explains a failure, decides nothing, and says nothing where the reason is not certain.
 */
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Violation } from '../../../client/protocol/events.ts';
import { explainPath } from './explain-path.ts';
import { type FailedOutput, findFileViolations, type PathSetting } from './file-violations.ts';
import { findUnsupported } from './unsupported.ts';

/** More explain nothing further. */
const maxViolations = 5;

export interface FailedCommand extends FailedOutput {
  /** Variables of the caller that did not reach it. */
  readonly withheld: readonly string[];
}

export function explainFailure(command: FailedCommand, setting: PathSetting): Violation[] {
  const { account } = setting.plan;
  const unsupported = findUnsupported({
    text: stripVTControlCharacters(command.text),
    asRoot: account.uid === 0,
    withheld: command.withheld,
    isHidden: (name) => {
      const place = path.join(account.home, name);
      const state = explainPath(setting.plan, place);
      if (state.state === 'emptied') return setting.host.kindOf(place) !== 'absent';
      return state.state === 'hidden' && state.isPresent;
    },
  });
  // what a program says about a service tells more than that its socket is not there
  const files = findFileViolations(command, setting).filter(
    ({ kind }) => unsupported.length === 0 || kind !== 'unsupported',
  );
  return [...unsupported, ...files].slice(0, maxViolations);
}
