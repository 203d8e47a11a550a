/** Answers the question that a run asks: by a flag, by the person at the terminal, or with no where there is neither. */
import type { Connection } from '../connection.ts';
import { SbxError } from '../protocol/errors.ts';
import type { Approval } from '../protocol/events.ts';
import { askOnTerminal } from './prompt.ts';

export interface AnswerWays {
  /** Every question about a command is answered with yes, once. */
  readonly yes: boolean;
  readonly canAsk: boolean;
}

export interface AnswerListener {
  /** Somebody else has answered, or the run is over. */
  readonly signal: AbortSignal;
  /** The question is off the terminal. `cancelled`: the person wanted out of the run, not only a no. */
  readonly onAsked: (cancelled: boolean) => void;
  /** The policy does not let a flag answer. */
  readonly onLocked: (error: SbxError) => void;
}

/** @throws {SbxError} what the daemon says to the answer */
export async function answerApproval(
  connection: Connection,
  approval: Approval,
  { yes, canAsk }: AnswerWays,
  { signal, onAsked, onLocked }: AnswerListener,
): Promise<void> {
  const { approvalId } = approval;
  // whoever says yes to a command has not seen where it connects
  if (yes && approval.network === undefined) {
    try {
      await connection.request('approval.answer', { approvalId, answer: 'once', byFlag: true });
      return;
    } catch (error) {
      if (!(error instanceof SbxError && error.code === 'locked-by-policy')) throw error;
      onLocked(error);
    }
  }
  if (yes || !canAsk) {
    // No flag's answer, which would be refused as well. It only fails when the run is over already.
    connection.request('approval.answer', { approvalId, answer: 'no' }).catch(() => undefined);
    return;
  }
  const answer = await askOnTerminal(approval, signal);
  onAsked(answer === undefined && !signal.aborted);
  if (!signal.aborted) await connection.request('approval.answer', { approvalId, ...(answer ?? { answer: 'no' }) });
}
