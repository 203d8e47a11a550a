/**
 * Questions that wait for a person. Each has one answer: the first; after its deadline the answer is no. Who is asked is
 * told when a question comes and when it is settled, by whomever.
 */
import { SbxError } from '../../client/protocol/errors.ts';
import type { PendingApproval, SettledApproval } from '../../client/protocol/events.ts';
import type { Params } from '../../client/protocol/messages.ts';

export type Answer = Params<'approval.answer'>;

export type Question = Omit<PendingApproval, 'remainingMs'>;

/** Who is told about questions, those of other connections' runs too. */
export interface Approver {
  readonly notify: {
    (method: 'approval.pending', params: PendingApproval): void;
    (method: 'approval.settled', params: SettledApproval): void;
  };
}

interface Pending {
  readonly question: Question;
  readonly deadline: number;
  readonly settle: (answer: Answer | undefined) => void;
}

export class Approvals {
  readonly #pending = new Map<string, Pending>();
  readonly #approvers = new Set<Approver>();

  addApprover(approver: Approver): void {
    this.#approvers.add(approver);
  }

  removeApprover(approver: Approver): void {
    this.#approvers.delete(approver);
  }

  get all(): readonly PendingApproval[] {
    return [...this.#pending.values()].map(describe);
  }

  /** Resolves with the answer, or undefined at the deadline or when the question was withdrawn. */
  ask(question: Question): Promise<Answer | undefined> {
    const { approval, runId } = question;
    const { approvalId } = approval;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(undefined), approval.timeoutMs);
      const settle = (answer: Answer | undefined) => {
        clearTimeout(timer);
        this.#pending.delete(approvalId);
        const settled = { approvalId, runId, answer: answer?.answer ?? 'none' } as const;
        for (const approver of this.#approvers) approver.notify('approval.settled', settled);
        resolve(answer);
      };
      const pending = { question, deadline: performance.now() + approval.timeoutMs, settle };
      this.#pending.set(approvalId, pending);
      for (const approver of this.#approvers) approver.notify('approval.pending', describe(pending));
    });
  }

  /** @throws {SbxError} `unknown-approval` */
  find(approvalId: string): Question {
    return this.#find(approvalId).question;
  }

  /** @throws {SbxError} `unknown-approval` */
  answer(answer: Answer): void {
    this.#find(answer.approvalId).settle(answer);
  }

  /** The question is void, because its run was stopped: it counts as answered by nobody. */
  withdraw(approvalId: string): void {
    this.#pending.get(approvalId)?.settle(undefined);
  }

  #find(approvalId: string): Pending {
    const pending = this.#pending.get(approvalId);
    if (!pending) throw unknownApproval(approvalId);
    return pending;
  }
}

function describe({ question, deadline }: Pending): PendingApproval {
  return { ...question, remainingMs: Math.max(0, Math.round(deadline - performance.now())) };
}

export function unknownApproval(approvalId: string): SbxError {
  return new SbxError('unknown-approval', `there is no open approval \`${approvalId}\` for this client`, {
    help: 'it was answered already, or its deadline has passed',
  });
}
