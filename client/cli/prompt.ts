/**
 * Asks a person on the terminal, whatever stdin and stdout are. Attacks it stands against: keys typed ahead that would
 * answer a question nobody has read, output that imitates or hides the question, a command whose text shows otherwise
 * than it runs. The default is no, and yes takes a move and Enter.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import tty from 'node:tty';
import type { Approval } from '../protocol/events.ts';
import type { Params } from '../protocol/messages.ts';
import { showBlock, showText } from '../protocol/visible.ts';
import { formatReason } from './report.ts';

export type Answer = Pick<Params<'approval.answer'>, 'answer' | 'suggestion'>;

/** Longer commands are shown with their middle left out, and say so. */
const maxShownCharacters = 6000;

/** The controlling terminal, if there is one. The caller closes the descriptor. */
export function openControllingTerminal(): number | undefined {
  try {
    return openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

export function hasControllingTerminal(): boolean {
  const descriptor = openControllingTerminal();
  if (descriptor !== undefined) closeSync(descriptor);
  return descriptor !== undefined;
}

function shorten(text: string): string {
  const left = text.length - maxShownCharacters;
  if (left <= 0) return text;
  const half = maxShownCharacters / 2;
  return `${text.slice(0, half)}\n[… ${left} characters not shown …]\n${text.slice(-half)}`;
}

function indent(text: string): string {
  return text.replaceAll('\n', '\n    ');
}

/** Plain data in, text out: everything that came from outside is made visible here. */
export function describeApproval(approval: Approval): string {
  const { decision, network } = approval;
  const lines = [
    network === undefined ? `sbx asks before it runs:` : 'sbx asks before this command connects:',
    '',
    `    ${indent(showBlock(shorten(approval.command)))}`,
    '',
  ];
  lines.push(`  folder  ${showText(approval.cwd)}`);
  lines.push(`  does    ${showText(decision.description)}`);
  lines.push(`  risk    ${decision.risk.level}: ${showText(decision.risk.why)}`);
  for (const reason of decision.reasons.filter(({ effect }) => effect === 'ask')) {
    lines.push(`  why     ${showText(formatReason(reason))}`);
    const part = reason.command === undefined ? undefined : decision.commands[reason.command];
    if (part && decision.commands.length > 1) lines.push(`          in \`${showText(shorten(part.text))}\``);
  }
  for (const note of decision.notes) lines.push(`  note    ${showText(note)}`);
  return `${lines.join('\n')}\n`;
}

const usualColumns = 80;

interface Choice {
  readonly value: string;
  readonly label: string;
  readonly hint?: string;
}

function listChoices(approval: Approval): Choice[] {
  const once = approval.network === undefined ? 'yes, this once' : 'yes, for this run';
  const choices: Choice[] = [{ value: 'once', label: once }];
  approval.suggestions.slice(0, 2).forEach(({ rules }, index) => {
    const rule = showText(rules.join('  '));
    choices.push({ value: `session ${index}`, label: `yes, in this session: ${rule}` });
    choices.push({
      value: `always ${index}`,
      label: `yes, always: ${rule}`,
      hint: `saved in ${showText(approval.saveTo)}`,
    });
  });
  return [...choices, { value: 'no', label: 'no' }];
}

/** What was typed before the question was there does not answer it. In raw mode, or unfinished lines would stay. */
export function discardTyped(): void {
  // A descriptor of its own: the one of the streams waits for a key.
  const fd = openSync('/dev/tty', constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  const typed = Buffer.alloc(4096);
  try {
    while (readSync(fd, typed) > 0);
  } catch {
    // EAGAIN: nothing is waiting
  } finally {
    closeSync(fd);
  }
}

/** Undefined when the person pressed Ctrl-C or Escape, the terminal is gone, or `signal` ended the question. */
export async function askOnTerminal(approval: Approval, signal: AbortSignal): Promise<Answer | undefined> {
  const { isCancel, select } = await import('@clack/prompts');
  const fd = openControllingTerminal();
  if (fd === undefined) return undefined;
  const input = new tty.ReadStream(fd);
  const output = new tty.WriteStream(fd);
  // one that nobody has told its size says 0, and every word would stand on a line of its own
  if (output.columns === 0) output.columns = usualColumns;
  try {
    // Attributes, character set and scroll region as a program may have left them.
    output.write('\x1b[0m\x1b(B\x1b[r\r');
    input.setRawMode(true);
    discardTyped();
    input.setRawMode(false);
    output.write(describeApproval(approval));
    const choice = await select<string>({
      message: approval.network === undefined ? 'Run it?' : `Connect to ${showText(approval.network.host)}?`,
      options: listChoices(approval),
      initialValue: 'no',
      input,
      output,
      signal,
      showInstructions: true,
    });
    if (isCancel(choice)) return undefined;
    const [answer = 'no', index] = choice.split(' ');
    return { answer: answer as Answer['answer'], ...(index === undefined ? {} : { suggestion: Number(index) }) };
  } finally {
    input.destroy();
    output.destroy();
    try {
      closeSync(fd);
    } catch {
      // the streams closed it
    }
  }
}
