/**
 * Decides on an interactive shell (`sbx shell`). Its lines are never decided on: only the sandbox holds them. So it needs
 * the sandbox, a policy that does not forbid it, and no denial that would meet the shell itself.
 */
import type { Decision, DecisionEffect } from '../../client/protocol/decision.ts';
import type { Mode } from '../../client/protocol/messages.ts';
import { chooseMode } from './mode-choice.ts';
import type { Policy } from './policy.ts';

export interface ShellContext {
  readonly mode: Mode | undefined;
  readonly autoAllow: boolean;
  readonly sandboxed: boolean;
}

/** @param asCommand what is decided on the same shell as a plain command. */
export function decideShell(asCommand: Decision, policy: Policy, context: ShellContext): Decision {
  if (asCommand.effect === 'deny') return asCommand;
  const judge = (effect: DecisionEffect, message: string, help?: string): Decision => ({
    ...asCommand,
    effect,
    reasons: [{ kind: 'shell', effect, message, ...(help === undefined ? {} : { help }) }],
    suggestions: [],
    description: 'opens an interactive shell, whose lines are not decided one by one',
    risk: { level: 'medium', why: 'only the sandbox holds what is typed into it' },
  });
  if (!policy.allowShell) {
    return judge('deny', 'the policy forbids interactive shells (`sandbox.allowShell`)', 'run the commands one by one');
  }
  if (!context.sandboxed) {
    return judge('deny', 'the sandbox, which alone would hold a shell, is switched off', 'switch the sandbox on again');
  }
  const { mode, planned } = chooseMode(policy, context.mode);
  if (mode === 'plan') return judge('ask', 'in the mode plan only what reads runs by itself');
  const mayAutoAllow = !planned && policy.problems.length === 0 && policy.autoAllowOff === undefined;
  if (mode === 'bypass' || (context.autoAllow && mayAutoAllow)) return judge('allow', 'it runs inside the sandbox');
  if (mode === 'dont-ask') return judge('deny', 'nobody is to be asked (mode `dont-ask`)');
  return judge('ask', 'nothing allows it by itself while auto-allow is off');
}
