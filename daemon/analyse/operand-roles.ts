/**
 * What each operand means by its place: fixed ones from both ends, the repeated one in the middle. Where a word may become
 * several, the places behind it are not certain and the most dangerous role that could stand there counts.
 */
import type { Arg } from './args.ts';
import type { OperandSlot, Program } from './compile-catalogue.ts';
import type { Found, ReadOperand } from './reading.ts';
import type { Role } from './roles.ts';

/** From the most dangerous. */
const roleOrder: readonly Role[] = [
  'command',
  'shell',
  'code',
  'load',
  'run',
  'remove-tree',
  'remove',
  'move',
  'write-tree',
  'write',
  'unknown',
];

export function rank(role: Role): number {
  const at = roleOrder.indexOf(role);
  return at < 0 ? 0 : roleOrder.length - at;
}

/** Where an option takes the place of the first operand, the command comes one earlier. */
export function remainingSlots(program: Program, found: readonly Found[]): readonly OperandSlot[] | undefined {
  const { operands } = program;
  if (operands?.at(-1)?.role !== 'command' || operands.length === 1) return operands;
  return found.some(({ option }) => option.meaning.drops === 'first') ? operands.slice(1) : operands;
}

export function slotAt(slots: readonly OperandSlot[] | undefined, index: number): OperandSlot | undefined {
  if (slots === undefined) return undefined;
  for (let at = 0; at < slots.length; at += 1) {
    const slot = slots[at];
    if (slot?.repeat === '*' || slot?.repeat === '+') return at === 0 || index >= at ? slot : slots[index];
    if (at === index) return slot;
  }
  return undefined;
}

/** Gives every operand its role: fixed ones from both ends, the repeated one in the middle. */
export function assignRoles(slots: readonly OperandSlot[] | undefined, operands: readonly Arg[]): ReadOperand[] {
  const usable = slots?.filter((slot) => slot.role !== 'command') ?? [];
  const repeatAt = usable.findIndex((slot) => slot.repeat === '*' || slot.repeat === '+');
  const leading = repeatAt < 0 ? usable : usable.slice(0, repeatAt);
  const trailing = repeatAt < 0 ? [] : usable.slice(repeatAt + 1);
  const repeated = repeatAt < 0 ? undefined : usable[repeatAt];
  const firstMany = operands.findIndex((arg) => arg.many);
  const lastMany = operands.findLastIndex((arg) => arg.many);
  return operands.map((arg, index): ReadOperand => {
    const fromEnd = operands.length - 1 - index;
    const enough =
      operands.length > leading.length + (repeated?.repeat === '+' && trailing.at(-1)?.repeat === '?' ? 1 : 0);
    const fixedFromEnd = enough && fromEnd < trailing.length ? trailing[trailing.length - 1 - fromEnd] : undefined;
    let slot = fixedFromEnd ?? (index < leading.length ? leading[index] : repeated);
    if (firstMany >= 0 && index >= firstMany && index <= lastMany)
      slot = worstSlot(usable.slice(Math.min(index, usable.length - 1)), slot);
    else if (firstMany >= 0 && index > lastMany && fixedFromEnd === undefined) slot = worstSlot(usable, slot);
    return { arg, role: slot?.role ?? 'unknown', mustBeNamed: slot?.mustBeNamed ?? false };
  });
}

function worstSlot(slots: readonly OperandSlot[], fallback: OperandSlot | undefined): OperandSlot | undefined {
  return slots.reduce<OperandSlot | undefined>(
    (worst, slot) => (worst === undefined || rank(slot.role) > rank(worst.role) ? slot : worst),
    fallback,
  );
}
