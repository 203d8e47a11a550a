/** Programs that a shell reads from standard input (RULES O29): here-documents, here-strings, pipes. */
import type { ParsedScript, SimpleCommand } from '../parse/model.ts';
import type { Reading } from './read-arguments.ts';

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
  const [first] = reading.operands;
  // `at TIME` takes its program from there whatever its operands, unless an option names a file.
  const slots = reading.program.operands ?? [];
  if (!slots.some(({ role }) => role === 'load' || role === 'shell' || role === 'code' || role === 'command'))
    return !reading.options.some(({ role }) => role === 'load' || role === 'read' || role === 'ok');
  if (first === undefined) return reading.command === undefined;
  return (
    first.arg.text === '-' ||
    first.arg.text === '/dev/stdin' ||
    (first.arg.text !== undefined && /^\/dev\/fd\/\d+$/.test(first.arg.text))
  );
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
