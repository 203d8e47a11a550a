/** The sentences that sbx itself says on stderr. One line each, every foreign character made visible. */
import type { Decision, Reason } from '../protocol/decision.ts';
import { errorCodes, SbxError } from '../protocol/errors.ts';
import type { Exit, Gap, Violation } from '../protocol/events.ts';
import { showText } from '../protocol/visible.ts';

/** What, where, and what to do. */
export function formatSentence(what: string, help?: string): string {
  return `sbx: ${showText(what)}${help === undefined || help === '' ? '' : `; ${showText(help)}`}`;
}

export function formatError(error: unknown): string {
  if (error instanceof SbxError) {
    const isDefect = errorCodes[error.code][0] === 'internal';
    return formatSentence(error.message, error.help ?? (isDefect ? 'please report it' : undefined));
  }
  const message = error instanceof Error ? error.message : String(error);
  return formatSentence(`a defect in sbx: ${message}`, 'SBX_DEBUG=1 shows where; please report it');
}

/** Where a rule was written, as an editor opens it. */
export function formatOrigin({ rule, origin }: Pick<Reason, 'rule' | 'origin'>): string {
  const place =
    origin?.file === undefined
      ? origin?.layer === 'flags'
        ? 'command line'
        : (origin?.layer ?? '')
      : [origin.file, origin.line, origin.column].filter((part) => part !== undefined).join(':');
  if (rule === undefined) return place;
  return place === '' ? rule : `${rule}, ${place}`;
}

/** One word that a shell reads back as this text. */
export function quoteForShell(text: string): string {
  return /^[A-Za-z0-9_@%+:,./=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The message, with rule and place unless it names them itself. */
export function formatReason(reason: Reason): string {
  if (reason.kind === 'policy-error') return reason.message;
  if (reason.rule !== undefined && reason.message.includes(reason.rule)) return reason.message;
  const origin = formatOrigin(reason);
  return origin === '' ? reason.message : `${reason.message} (${origin})`;
}

/**
 * Why a command was not run, and the exact rules that would let it. A policy file with a mistake allows nothing, so where
 * only a missing rule stopped the command the mistake is the reason to name.
 */
export function formatRefusal(decision: Decision, answeredNo: boolean): string[] {
  const [first] = decision.reasons;
  const mistakes = decision.reasons.filter(({ kind }) => kind === 'policy-error');
  const reason = first?.kind === 'no-rule' && mistakes[0] ? mistakes[0] : first;
  const verb =
    decision.effect === 'deny' ? 'denied' : answeredNo ? 'not approved' : 'needs approval and nobody was asked';
  const lines = [formatSentence(reason === undefined ? verb : `${verb}: ${formatReason(reason)}`, reason?.help)];
  for (const mistake of mistakes) if (mistake !== reason) lines.push(formatSentence(mistake.message, mistake.help));
  const [suggestion] = decision.suggestions;
  if (decision.effect === 'ask' && suggestion) {
    const options = suggestion.rules.map((rule) => `--allow ${quoteForShell(rule)}`).join(' ');
    lines.push(`sbx: to allow exactly this: ${showText(options)}`);
  }
  return lines;
}

/** What explains a failure is nobody's business after a success; that something was put aside or not kept always is. */
const explanations: ReadonlySet<Violation['kind']> = new Set(['network', 'file', 'environment', 'unsupported']);

export function formatViolations(violations: readonly Violation[], status: number): string[] {
  return violations
    .filter(({ kind }) => status !== 0 || !explanations.has(kind))
    .map(({ message, howToAllow }) => formatSentence(message, howToAllow));
}

function countBytes(bytes: number): string {
  return bytes === 1 ? '1 byte' : `${bytes} bytes`;
}

/** Said where the missing output would have been. */
export function formatGap({ bytes }: Pick<Gap, 'bytes'>): string {
  return formatSentence(
    `${bytes === undefined ? 'output' : `${countBytes(bytes)} of output`} missing here: no longer held by the daemon`,
  );
}

/** `bytes`: how much of the run's output has given way so far. */
export function formatTruncated(bytes: number): string {
  return formatSentence(
    `more output than is kept, and nobody took it: the oldest ${countBytes(bytes)} are gone`,
    'sbx logs -f takes it while it comes',
  );
}

/** What to say about an end that the command's own status does not explain; nothing for an ordinary exit. */
export function formatEnd(exit: Exit, decision: Decision | undefined, answeredNo: boolean): string[] {
  if (exit.reason === 'denied' && decision) return formatRefusal(decision, answeredNo);
  if (exit.message !== undefined) return [formatSentence(exit.message, exit.help)];
  switch (exit.reason) {
    case 'timeout':
    case 'idle-timeout':
    case 'output-limit':
      return [formatSentence(`stopped after ${Math.round(exit.durationMs)} ms: a limit was reached (${exit.reason})`)];
    case 'denied':
      return [formatSentence('not run: denied or not approved')];
    case 'daemon-stopped':
      return [formatSentence('the daemon was stopped, and the command with it', 'run it again')];
    case 'sandbox-failed':
      return [formatSentence('the sandbox could not be started', 'sbx doctor says why')];
    default:
      return [];
  }
}

/** What a person may want to know about an end that is in order. */
export function formatEndNotes({ cwdRefused }: Pick<Exit, 'cwdRefused'>): string[] {
  if (cwdRefused === undefined) return [];
  return [
    formatSentence(
      `the command ended in \`${cwdRefused}\`, which is outside the workspace or gone; the session stays where it was`,
    ),
  ];
}
