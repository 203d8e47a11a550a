/** A yes-or-no question on the terminal, whatever stdin and stdout are. What was typed before does not answer it. */
import { closeSync } from 'node:fs';
import tty from 'node:tty';
import { SbxError } from '../protocol/errors.ts';
import { discardTyped, openControllingTerminal } from './prompt.ts';

/** False for no, and when the person turned away. @throws {SbxError} `bad-usage` without a terminal */
export async function confirmOnTerminal(question: string): Promise<boolean> {
  const fd = openControllingTerminal();
  if (fd === undefined) {
    throw new SbxError('bad-usage', 'nobody can be asked without a terminal', { help: 'run it in one, or add --yes' });
  }
  const { confirm } = await import('@clack/prompts');
  const input = new tty.ReadStream(fd);
  const output = new tty.WriteStream(fd);
  try {
    input.setRawMode(true);
    discardTyped();
    input.setRawMode(false);
    return (await confirm({ message: question, initialValue: false, input, output })) === true;
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
