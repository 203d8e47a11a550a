/**
 * Questions that wait for a person. Each has one answer: the first; after its deadline the answer is no. Only the
 * connection that was asked may answer.
 */
import { SbxError } from '../../client/protocol/errors.ts';
import type { Approval, Params } from '../../client/protocol/messages.ts';

export type Answer = Params<'approval.answer'>;

interface Pending {
  readonly approval: Approval;
  readonly asked: object;
  readonly settle: (answer: Answer | undefined) => void;
}

export class Approvals {
  readonly #pending = new Map<string, Pending>();

  /** Resolves with the answer, or undefined at the deadline or when the question was withdrawn. */
  ask(approval: Approval, asked: object): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(undefined), approval.timeoutMs);
      const settle = (answer: Answer | undefined) => {
        clearTimeout(timer);
        this.#pending.delete(approval.approvalId);
        resolve(answer);
      };
      this.#pending.set(approval.approvalId, { approval, asked, settle });
    });
  }

  /** @throws {SbxError} `unknown-approval` */
  find(approvalId: string, asked: object): Approval {
    return this.#find(approvalId, asked).approval;
  }

  /** @throws {SbxError} `unknown-approval` */
  answer(answer: Answer, asked: object): void {
    this.#find(answer.approvalId, asked).settle(answer);
  }

  /** The question is void, because its run was stopped: it counts as answered by nobody. */
  withdraw(approvalId: string): void {
    this.#pending.get(approvalId)?.settle(undefined);
  }

  #find(approvalId: string, asked: object): Pending {
    const pending = this.#pending.get(approvalId);
    if (pending?.asked !== asked) {
      throw new SbxError('unknown-approval', `there is no open approval \`${approvalId}\` for this client`, {
        help: 'it was answered already, or its deadline has passed',
      });
    }
    return pending;
  }
}
