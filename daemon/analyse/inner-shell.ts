/**
 * The shell that shell text of a command starts in. Attack: `sh -c 'rm "$1"' sh x` and `x=y sh -c 'rm $x'` hide in a
 * parameter or variable what the text does.
 */
import type { SimpleCommand } from '../parse/model.ts';
import type { Instance } from './analyse-command.ts';
import type { Values } from './args.ts';
import { assignPositional, copyState, type ShellState } from './shell-state.ts';
import { expandValue } from './words.ts';

/** What shell text of the command finds: `eval` and `source` the shell as it is, another shell the parameters that it is given. */
export function innerStart(
  { name, program, reading, interpretation, wrapping }: Instance,
  { assignments }: SimpleCommand,
  state: ShellState,
  values: Values,
): Partial<ShellState> {
  const { cwd, changed } = state;
  if (name === 'eval' || name === 'source' || name === '.') return { ...copyState(state), functions: new Set() };
  if (program?.data.interprets !== 'shell' || reading === undefined) return { cwd, changed };
  const given = reading.operands.filter(({ role }) => role !== 'shell').map(({ arg }) => arg);
  const scratch: ShellState = copyState({ ...state, dynamic: false, variables: new Map(), lists: new Map() });
  // The first operand after the text is the name of the shell.
  const parameters = given.slice(1);
  assignPositional(scratch, parameters.some(({ many }) => many) ? undefined : [parameters.map(({ pieces }) => pieces)]);
  const [shellName] = given;
  if (shellName !== undefined && !shellName.many) scratch.variables.set('0', [shellName.pieces]);
  for (const name of state.exported) {
    const value = state.dynamic ? undefined : state.variables.get(name);
    if (value !== undefined) scratch.variables.set(name, value);
  }
  for (const { name, value, append, subscript } of assignments)
    if (value !== undefined && !append && subscript === undefined)
      scratch.variables.set(name, expandValue(value, values));
  for (const arg of [interpretation, ...wrapping].flatMap((one) => one?.environment ?? [])) {
    const match = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(arg.text ?? '');
    if (match?.[1] !== undefined) scratch.variables.set(match[1], [[{ kind: 'known', text: match[2] ?? '' }]]);
  }
  return { cwd, changed, variables: scratch.variables, lists: scratch.lists };
}
