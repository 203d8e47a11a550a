/**
 * A small assembler for classic BPF as seccomp takes it: conditions on the system call's number and arguments become
 * 8-byte instructions. Source: linux/filter.h, linux/seccomp.h, seccomp(2).
 */

const code = { load: 0x20, and: 0x54, equal: 0x15, atLeast: 0x35, anyBit: 0x45, return: 0x06 } as const;

/** Offsets into struct seccomp_data. */
const numberOffset = 0;
const architectureOffset = 4;
const argumentOffset = 16;

export type Verdict = 'allow' | 'kill' | { readonly errno: number };

/**
 * A test of one argument's low 32 bits; the arguments tested here are `int` or `unsigned` in the kernel, which drops
 * the upper half itself. `mask` is applied first.
 */
export interface Condition {
  readonly argument: 0 | 1 | 2 | 3 | 4 | 5;
  readonly mask?: number;
  /** True when the value is one of these. */
  readonly oneOf?: readonly number[];
  /** True when any of these bits is set. */
  readonly anyBit?: number;
  readonly negate?: boolean;
}

export type Instruction = readonly [operation: number, ifTrue: number, ifFalse: number, operand: number];

function encodeVerdict(verdict: Verdict): number {
  if (verdict === 'allow') return 0x7fff0000;
  if (verdict === 'kill') return 0x80000000;
  return 0x00050000 | verdict.errno;
}

export function returnVerdict(verdict: Verdict): Instruction {
  return [code.return, 0, 0, encodeVerdict(verdict)];
}

export function loadNumber(): Instruction {
  return [code.load, 0, 0, numberOffset];
}

export function loadArchitecture(): Instruction {
  return [code.load, 0, 0, architectureOffset];
}

function skipUnless(operation: number, operand: number, count: number): Instruction {
  if (count > 255) throw new RangeError('a conditional jump of BPF reaches 255 instructions');
  return [operation, 0, count, operand];
}

/** Runs `body` when the loaded value equals `operand`, else goes on after it. */
export function whenEqual(operand: number, body: readonly Instruction[]): Instruction[] {
  return [skipUnless(code.equal, operand, body.length), ...body];
}

export function whenAtLeast(operand: number, body: readonly Instruction[]): Instruction[] {
  return [skipUnless(code.atLeast, operand, body.length), ...body];
}

/** Runs `body` when the loaded value differs from `operand`. */
export function unlessEqual(operand: number, body: readonly Instruction[]): Instruction[] {
  return [[code.equal, body.length, 0, operand], ...body];
}

/** Runs `then` when every condition holds, else `otherwise`. Both must end in a verdict on every way through. */
export function whenAll(
  conditions: readonly Condition[],
  then: readonly Instruction[],
  otherwise: readonly Instruction[],
): readonly Instruction[] {
  return conditions.reduceRight((program, condition) => testCondition(condition, program, otherwise), then);
}

function testCondition(
  condition: Condition,
  then: readonly Instruction[],
  otherwise: readonly Instruction[],
): Instruction[] {
  const load: Instruction[] = [[code.load, 0, 0, argumentOffset + 8 * condition.argument]];
  if (condition.mask !== undefined) load.push([code.and, 0, 0, condition.mask]);
  const tests =
    condition.anyBit === undefined
      ? (condition.oneOf ?? []).map((value) => [code.equal, value] as const)
      : [[code.anyBit, condition.anyBit] as const];
  const [hit, miss] = condition.negate === true ? [otherwise, then] : [then, otherwise];
  // each test jumps over the remaining ones and the miss when it holds; the last falls through into the miss
  const chain = tests.map(
    ([operation, operand], index): Instruction => [operation, tests.length - 1 - index + miss.length, 0, operand],
  );
  return [...load, ...chain, ...miss, ...hit];
}

/** The program as `bwrap --seccomp` reads it. */
export function encodeProgram(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([operation, ifTrue, ifFalse, operand], index) => {
    if (ifTrue > 255 || ifFalse > 255) throw new RangeError('a conditional jump of BPF reaches 255 instructions');
    bytes.writeUInt16LE(operation, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand >>> 0, index * 8 + 4);
  });
  return bytes;
}
