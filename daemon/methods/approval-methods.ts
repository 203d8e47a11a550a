/** `approval.*`: who may answer a question, and what an answer writes down before the command starts. */
import { SbxError } from '../../client/protocol/errors.ts';
import type { Result } from '../../client/protocol/messages.ts';
import { type Answer, type Approvals, unknownApproval } from '../approve/approvals.ts';
import type { Config } from '../config.ts';
import type { Engine } from '../offline.ts';
import type { Connection, Handlers } from '../request/connection.ts';
import type { RunMethods } from './run-methods.ts';

export interface ApprovalMethodsInput {
  readonly config: Config;
  readonly engine: Engine;
}

export class ApprovalMethods {
  readonly #input: ApprovalMethodsInput;
  readonly #approvals: Approvals;
  readonly #runs: RunMethods;

  readonly handlers: Pick<Handlers, 'approval.list' | 'approval.answer'> = {
    'approval.list': async (_params, client) => ({
      approvals: this.#approvals.all.filter(({ runId }) => this.#mayAnswer(client, runId)),
    }),
    'approval.answer': async (params, client) => this.#answer(params, client),
  };

  constructor(input: ApprovalMethodsInput, approvals: Approvals, runs: RunMethods) {
    this.#input = input;
    this.#approvals = approvals;
    this.#runs = runs;
  }

  /** Those who were shown the question: whoever watches the run, and every approver. */
  #mayAnswer(client: Connection, runId: string): boolean {
    return client.isApprover || this.#runs.isWatching(client, runId);
  }

  #answer(answer: Answer, client: Connection): Result<'approval.answer'> {
    const { approval, runId } = this.#approvals.find(answer.approvalId);
    if (!this.#mayAnswer(client, runId)) throw unknownApproval(answer.approvalId);
    if (answer.byFlag === true && this.#input.engine.flagsAreLocked(this.#runs.workspaceOf(runId))) {
      throw new SbxError('locked-by-policy', 'the policy forbids answering with a flag (`lockFlags`)', {
        help: 'run it in a terminal and answer there',
      });
    }
    const wantsRules = answer.answer === 'session' || answer.answer === 'always';
    if (wantsRules && approval.suggestions[answer.suggestion ?? 0] === undefined) {
      throw new SbxError(
        'bad-request',
        `no rule can be saved for this command, so \`${answer.answer}\` is not an answer`,
        {
          help: 'answer `once` or `no`',
        },
      );
    }
    // Saved before the run starts, so that a policy file that cannot be written is an error of this answer.
    const rules = approval.suggestions[answer.suggestion ?? 0]?.rules ?? [];
    const savedTo =
      answer.answer === 'always' ? this.#input.engine.saveAnswer(this.#runs.workspaceOf(runId), rules) : undefined;
    this.#approvals.answer(answer);
    return savedTo === undefined ? {} : { savedTo };
  }
}
