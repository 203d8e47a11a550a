/**
 * Puts each question to a callback exactly once, whatever was cut and repeated meanwhile. What is not a clear yes is a no:
 * a callback that throws or answers nonsense does not run a command.
 */
import { SbxError } from './protocol/errors.ts';
import type { Approval, PendingApproval } from './protocol/events.ts';
import type { Params } from './protocol/messages.ts';

export interface ApprovalRequest extends Approval {
  readonly runId: string;
}

export type AnswerWord = Params<'approval.answer'>['answer'];

export type ApprovalAnswer =
  | AnswerWord
  | {
      readonly answer: AnswerWord;
      /** For `session` and `always`: which of the suggestions; default the first. */
      readonly suggestion?: number;
      /** For the agent, why. */
      readonly comment?: string;
    };

export interface ApprovalContext {
  /** Aborts when somebody else answered, the run is over, or the time is up: the question may leave the screen. */
  readonly signal: AbortSignal;
}

export type OnApproval = (
  approval: ApprovalRequest,
  context: ApprovalContext,
) => ApprovalAnswer | Promise<ApprovalAnswer>;

export type SendAnswer = (params: Params<'approval.answer'>) => Promise<unknown>;

interface Question {
  readonly runId: string;
  readonly abort: AbortController;
  readonly deadline: NodeJS.Timeout;
  /** Given, and not yet known to have arrived. */
  answer?: Params<'approval.answer'>;
  over: boolean;
}

const words: readonly string[] = ['once', 'session', 'always', 'no'] satisfies AnswerWord[];

/** Longer waits than a timer can hold. */
const maxTimerMs = 2_147_483_647;
const maxCommentCharacters = 4096;

/** @throws {SbxError} `bad-usage` when the callback answered something else. */
function readAnswer(approvalId: string, answer: ApprovalAnswer): Params<'approval.answer'> {
  const { answer: word, suggestion, comment } = typeof answer === 'string' ? { answer } : { ...answer };
  if (!words.includes(word as string)) {
    throw new SbxError('bad-usage', 'the approval callback answered with none of once, session, always and no');
  }
  return {
    approvalId,
    answer: word as AnswerWord,
    ...(suggestion === undefined ? {} : { suggestion }),
    ...(comment === undefined ? {} : { comment: comment.slice(0, maxCommentCharacters) }),
  };
}

export class Questions {
  readonly #send: SendAnswer;
  readonly #questions = new Map<string, Question>();

  constructor(send: SendAnswer) {
    this.#send = send;
  }

  /** `remainingMs`: until no answer counts as no. Does nothing for a question that was put before. */
  ask(approval: ApprovalRequest, remainingMs: number, callback: OnApproval): void {
    const { approvalId, runId } = approval;
    if (this.#questions.has(approvalId)) return;
    const abort = new AbortController();
    const deadline = setTimeout(() => this.settled(approvalId), Math.min(Math.max(0, remainingMs), maxTimerMs));
    deadline.unref();
    const question: Question = { runId, abort, deadline, over: false };
    this.#questions.set(approvalId, question);
    void this.#decide(approval, question, callback);
  }

  /** Answered by somebody, out of time, or void. */
  settled(approvalId: string): void {
    const question = this.#questions.get(approvalId);
    if (!question || question.over) return;
    this.#close(question);
    // A callback that has answered has nothing to take off the screen.
    if (!question.answer) question.abort.abort(new SbxError('aborted', 'the question is settled'));
  }

  /** The run is over; its questions are forgotten. */
  withdraw(runId: string): void {
    for (const [approvalId, question] of this.#questions) {
      if (question.runId !== runId) continue;
      this.settled(approvalId);
      this.#questions.delete(approvalId);
    }
  }

  /** After a cut: what is still pending, as the daemon has just listed it. */
  compare(pending: readonly PendingApproval[]): void {
    const open = new Set(pending.map(({ approval }) => approval.approvalId));
    for (const [approvalId, question] of this.#questions) {
      if (!open.has(approvalId)) this.settled(approvalId);
      // The answer was on its way when the line was cut, and did not arrive.
      else if (question.answer && !question.over) void this.#deliver(question.answer, question);
    }
  }

  close(): void {
    for (const approvalId of this.#questions.keys()) this.settled(approvalId);
    this.#questions.clear();
  }

  async #decide(approval: ApprovalRequest, question: Question, callback: OnApproval): Promise<void> {
    const { approvalId } = approval;
    let answer: Params<'approval.answer'>;
    try {
      answer = readAnswer(approvalId, await callback(approval, { signal: question.abort.signal }));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      answer = readAnswer(approvalId, { answer: 'no', comment: `the approval callback failed: ${why}` });
    }
    if (question.over) return;
    question.answer = answer;
    await this.#deliver(answer, question);
  }

  async #deliver(answer: Params<'approval.answer'>, question: Question): Promise<void> {
    try {
      await this.#send(answer);
      this.#close(question);
    } catch (error) {
      const code = error instanceof SbxError ? error.code : 'internal';
      // It may have arrived; the list of pending questions after the reconnect tells.
      if (code === 'daemon-lost') return;
      if (code === 'unknown-approval' || answer.answer === 'no') {
        this.#close(question);
        return;
      }
      const message = error instanceof Error ? error.message : String(error);
      const no = readAnswer(answer.approvalId, { answer: 'no', comment: `the answer was refused: ${message}` });
      question.answer = no;
      await this.#deliver(no, question);
    }
  }

  #close(question: Question): void {
    question.over = true;
    clearTimeout(question.deadline);
  }
}
