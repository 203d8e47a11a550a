/** What a decision depends on besides the command and the policy. */
import type { Mode } from '../../client/protocol/messages.ts';
import type { Facts } from '../analyse/model.ts';

export interface DecideContext {
  /** The mode that was asked for; without it the policy's default mode, then `manual`. */
  readonly mode: Mode | undefined;
  /** Auto-allow as the client chose it (RULES O11). It has no effect while a policy file has errors. */
  readonly autoAllow: boolean;
  readonly facts: Facts;
}
