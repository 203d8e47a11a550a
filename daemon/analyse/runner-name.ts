/** Who runs what another command prints: `curl … | sh` is told as one step. */
import type { CommandRecord, Instance } from './analyse-command.ts';
import { readsProgramFromStdin } from './stdin-program.ts';

export function fetches({ instances }: CommandRecord): boolean {
  return instances[0]?.program?.data.fetches === true;
}

/** The shell or interpreter that takes its program from a pipe. */
export function interpreterName({ instances }: CommandRecord): string | undefined {
  const [instance] = instances;
  return instance?.program?.data.interprets !== undefined && readsProgramFromStdin(instance.reading)
    ? runnerName(instance)
    : undefined;
}

export function runnerName({ name, program, layered, reading }: Instance): string | undefined {
  // On another machine its own account says so.
  if (reading?.operands.some(({ role }) => role === 'host') === true) return undefined;
  if (
    name === undefined ||
    (program?.data.interprets === undefined && name !== 'eval' && name !== 'source' && name !== '.')
  )
    return undefined;
  const isRoot = layered.wrappers.some((wrapper) => wrapper.program.name === 'sudo' || wrapper.program.name === 'doas');
  return isRoot ? `${name} as root` : name;
}
