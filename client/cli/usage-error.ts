/** Commands that are defined with commander: its complaints become ours. */
import { type Command, CommanderError } from 'commander';
import { SbxError } from '../protocol/errors.ts';

function toUsageError(error: CommanderError): SbxError {
  // commander puts its suggestion on a second line.
  const [first = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const nearest = suggestion?.match(/\(Did you mean (.+)\?\)/)?.[1];
  return new SbxError('bad-usage', first.replaceAll("'", '`'), {
    help: nearest === undefined ? 'see sbx help' : `did you mean \`${nearest}\`?`,
  });
}

/** `whenMissing`: what to write where only a subcommand can be meant. @throws {SbxError} */
export async function parseWith(program: Command, args: readonly string[], whenMissing: string): Promise<void> {
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.help')
      throw new SbxError('bad-usage', 'a subcommand is missing', { help: whenMissing });
    if (error.exitCode !== 0) throw toUsageError(error);
  }
}
