/** Puts the filter together: foreign ABIs die, the table is refused, what is newer than the table does not exist. */
import {
  encodeProgram,
  type Instruction,
  loadArchitecture,
  loadNumber,
  returnVerdict,
  unlessEqual,
  whenAll,
  whenAtLeast,
  whenEqual,
} from './instructions.ts';
import { type Architecture, architectures, newestKnownSyscall, syscallNumbers } from './syscalls.ts';
import { type FilterChoice, listEntries, type TableEntry } from './table.ts';

/** The entries of one call in turn: the first whose conditions hold decides, none means allow. */
function compileCall(entries: readonly TableEntry[]): readonly Instruction[] {
  return entries.reduceRight<readonly Instruction[]>(
    (rest, { when, verdict }) => whenAll(when ?? [], [returnVerdict(verdict)], rest),
    [returnVerdict('allow')],
  );
}

/** Filter for `bwrap --seccomp`. */
export function assembleFilter(architecture: Architecture, choice: FilterChoice): Buffer {
  const { audit, foreignBit, column } = architectures[architecture];
  const perNumber = new Map<number, TableEntry[]>();
  for (const entry of listEntries(choice)) {
    for (const call of entry.calls) {
      const number = syscallNumbers[call][column];
      if (number !== undefined) perNumber.set(number, [...(perNumber.get(number) ?? []), entry]);
    }
  }
  return encodeProgram([
    loadArchitecture(),
    // under another ABI the same numbers are other calls
    ...unlessEqual(audit, [returnVerdict('kill')]),
    loadNumber(),
    ...(foreignBit === undefined ? [] : whenAtLeast(foreignBit, [returnVerdict('kill')])),
    ...whenAtLeast(newestKnownSyscall + 1, [returnVerdict({ errno: 38 })]),
    ...[...perNumber].flatMap(([number, entries]) => whenEqual(number, compileCall(entries))),
    returnVerdict('allow'),
  ]);
}
