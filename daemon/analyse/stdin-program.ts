/** Programs that a shell reads from standard input (RULES O29): here-documents, here-strings, pipes. */
import type { ParsedScript, SimpleCommand } from '../parse/model.ts';
import type { Reading } from './reading.ts';
import type { Role } from './roles.ts';

/** Whether a shell or interpreter takes its program from standard input: no script, `-s`, `-` or a name of the stream. */
export function readsProgramFromStdin(reading: Reading | undefined): boolean {
  if (reading === undefined) return false;
  if (
    reading.options.some(
      ({ role, option }) => role === 'code' || role === 'shell' || option.spelling === '-c' || option.spelling === '-m',
    )
  )
    return false;
  if (reading.options.some(({ option }) => option.spelling === '-s')) return true;
  const slots = reading.program.operands ?? [];
  // `at TIME` takes its program from there whatever its operands, unless an option names a file.
  if (!slots.some(({ role }) => isProgram(role)))
    return !reading.options.some(({ role }) => role === 'load' || role === 'read' || role === 'ok');
  if (reading.command !== undefined) return false;
  // `ssh HOST` does where no command follows the host.
  const program = reading.operands.find(({ role }) => isProgram(role));
  return program === undefined || (program.arg.text !== undefined && isStandardInput(program.arg.text));
}

function isProgram(role: Role): boolean {
  return role === 'load' || role === 'shell' || role === 'code' || role === 'command';
}

/** Names of the stream that a program reads first, or of a descriptor that the shell opened for it. */
export function isStandardInput(text: string): boolean {
  return text === '-' || /^\/(?:dev\/(?:stdin|fd\/\d+)|proc\/self\/fd\/\d+)$/.test(text);
}

/** The descriptor that it comes from: `bash /dev/fd/3 3<<EOF` does not read standard input. */
export function programDescriptor(reading: Reading | undefined): string {
  return /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(reading?.operands[0]?.arg.text ?? '')?.[1] ?? '0';
}

/** Commands whose output reaches this one through pipes. */
export function feedersOf(command: SimpleCommand, script: ParsedScript): readonly SimpleCommand[] {
  const found = new Set<SimpleCommand>();
  let wanted: readonly SimpleCommand[] = [command];
  for (let round = 0; round < 50 && wanted.length > 0; round += 1) {
    wanted = wanted.flatMap(({ id }) => pipesOf(script).get(id) ?? []).filter((one) => !found.has(one));
    for (const one of wanted) found.add(one);
  }
  return [...found];
}

/** Asked for by every shell and interpreter of a text. */
const pipes = new WeakMap<ParsedScript, ReadonlyMap<number, readonly SimpleCommand[]>>();

/** The commands that are piped to each. */
function pipesOf(script: ParsedScript): ReadonlyMap<number, readonly SimpleCommand[]> {
  const known = pipes.get(script);
  if (known !== undefined) return known;
  const found = new Map<number, SimpleCommand[]>();
  for (const command of script.commands) {
    if (command.pipedTo === undefined) continue;
    const others = found.get(command.pipedTo);
    if (others === undefined) found.set(command.pipedTo, [command]);
    else others.push(command);
  }
  pipes.set(script, found);
  return found;
}
