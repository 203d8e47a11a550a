/** The SDK: what a program imports to run commands through sbx. */
export { SandboxClient } from './client.ts';
export type { AttachOptions, CheckOptions, ConnectOptions, OpenOptions } from './client-options.ts';
export type { Encoding } from './collected-output.ts';
export type {
  CommandVerdict,
  Decision,
  DecisionEffect,
  Origin,
  Reason,
  Suggestion,
} from './protocol/decision.ts';
export { type ErrorCode, errorCodes, SbxError } from './protocol/errors.ts';
export type { Approval, Exit, PendingApproval, RunEvent, SandboxReport, Violation } from './protocol/events.ts';
export { limits, protocolVersion } from './protocol/limits.ts';
export type { Flags, Mode, Probe, RunInfo, RunSignal, SessionInfo } from './protocol/messages.ts';
export type { AnswerWord, ApprovalAnswer, ApprovalContext, ApprovalRequest, OnApproval } from './questions.ts';
export type { Run } from './run.ts';
export { RunError } from './run-error.ts';
export type { GapEvent, OutputEvent, OutputStream, RunStreamEvent } from './run-events.ts';
export type { InputSource } from './run-input.ts';
export type { Command, FollowOptions, PtyOption, RunOptions } from './run-options.ts';
export type { RunResult } from './run-summary.ts';
export type { Grant, Session, SessionSettings } from './session.ts';
