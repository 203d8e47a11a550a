/** Runs the assembled filter on a small interpreter of classic BPF: every entry on both architectures, hit and miss. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assembleFilter } from '../../../daemon/sandbox/seccomp/filter.ts';
import {
  type Architecture,
  architectures,
  newestKnownSyscall,
  type SyscallName,
  syscallNumbers,
} from '../../../daemon/sandbox/seccomp/syscalls.ts';
import { listEntries } from '../../../daemon/sandbox/seccomp/table.ts';

const usual = { unixSockets: 'allowed', userNamespaces: 'closed' } as const;

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const errno = (number: number): number => 0x00050000 | number;

/** Source: linux/filter.h, the subset that seccomp allows and the assembler uses. */
function interpret(filter: Buffer, audit: number, number: number, args: readonly number[]): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(audit, 4);
  for (const [index, value] of args.entries()) data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 16 + 8 * index);
  let accumulator = 0;
  for (let at = 0; at < filter.length / 8; at++) {
    const operation = filter.readUInt16LE(at * 8);
    const [ifTrue, ifFalse, operand] = [
      filter.readUInt8(at * 8 + 2),
      filter.readUInt8(at * 8 + 3),
      filter.readUInt32LE(at * 8 + 4),
    ];
    const jump = (holds: boolean): void => {
      at += holds ? ifTrue : ifFalse;
    };
    if (operation === 0x20) accumulator = data.readUInt32LE(operand);
    else if (operation === 0x54) accumulator = (accumulator & operand) >>> 0;
    else if (operation === 0x15) jump(accumulator === operand);
    else if (operation === 0x35) jump(accumulator >= operand);
    else if (operation === 0x45) jump((accumulator & operand) !== 0);
    else if (operation === 0x06) return operand;
    else throw new Error(`unknown operation ${operation}`);
  }
  throw new Error('the program ran out of its end');
}

const rows: readonly [name: SyscallName, args: readonly number[], expected: number][] = [
  ['socket', [1, 1, 0], ALLOW],
  ['socket', [2, 1, 0], ALLOW],
  ['socket', [10, 2, 0], ALLOW],
  ['socket', [0x1_0000_0002, 1, 0], ALLOW],
  ['socket', [16, 3, 0], ALLOW],
  ['socket', [16, 3, 4], ALLOW],
  ['socket', [16, 3, 9], errno(93)],
  ['socket', [17, 3, 0], errno(97)],
  ['socket', [40, 1, 0], errno(97)],
  ['socketpair', [1, 1, 0], ALLOW],
  ['socketpair', [1, 5 | 0x80800, 0], ALLOW],
  ['socketpair', [1, 2 | 0x800, 0], errno(94)],
  ['socketpair', [1, 3, 0], errno(94)],
  ['io_uring_setup', [], errno(38)],
  ['bpf', [], errno(1)],
  ['mount', [], errno(1)],
  ['open_tree_attr', [], errno(1)],
  ['setns', [], errno(1)],
  ['unshare', [0x400], ALLOW],
  ['unshare', [0x10000000], errno(1)],
  ['unshare', [0x80], errno(1)],
  ['clone', [0x11], ALLOW],
  ['clone', [0x3d0f00], ALLOW],
  ['clone', [0x80 | 0x100], ALLOW],
  ['clone', [0x20000011], errno(1)],
  ['clone3', [], errno(38)],
  ['keyctl', [], errno(1)],
  ['clock_settime', [], errno(1)],
  ['personality', [0], ALLOW],
  ['personality', [0xffffffff], ALLOW],
  ['personality', [0x40000], ALLOW],
  ['personality', [0x400000], errno(1)],
  ['ioctl', [0, 0x5413], ALLOW],
  ['ioctl', [0, 0x5412], errno(1)],
  ['ioctl', [0, 0x1_0000_5412], errno(1)],
  ['ioctl', [0, 0x541c], errno(1)],
  ['ioctl', [0, 0x50009401], errno(1)],
  ['ioctl', [0, 0x50009417], errno(1)],
  ['ioctl', [0, 0x50009402], ALLOW],
  ['chmod', [0, 0o1777], ALLOW],
  ['chmod', [0, 0o4755], errno(1)],
  ['fchmod', [0, 0o2755], errno(1)],
  ['fchmodat', [0, 0, 0o4000], errno(1)],
  ['fchmodat2', [0, 0, 0o4000], errno(1)],
  ['openat', [0, 0, 0, 0o4755], ALLOW],
  ['openat', [0, 0, 0o101, 0o644], ALLOW],
  ['openat', [0, 0, 0o101, 0o4755], errno(1)],
  ['open', [0, 0o101, 0o4755], errno(1)],
  ['openat2', [], errno(38)],
  ['mknodat', [0, 0, 0o104755], errno(1)],
];

for (const architecture of ['x86_64', 'aarch64'] as const satisfies Architecture[]) {
  describe(`filter for ${architecture}`, () => {
    const { audit, column } = architectures[architecture];
    const filter = assembleFilter(architecture, usual);
    const ask = (number: number, args: readonly number[] = []): number => interpret(filter, audit, number, args);

    for (const [name, args, expected] of rows) {
      const number = syscallNumbers[name][column];
      if (number !== undefined) {
        test(`${name}(${args.map((value) => `0x${value.toString(16)}`).join(', ')})`, () =>
          assert.equal(ask(number, args), expected));
      }
    }

    test('every call of an entry without conditions is refused', () => {
      for (const { calls, when, verdict } of listEntries(usual)) {
        for (const call of calls) {
          const number = syscallNumbers[call][column];
          if (when !== undefined || number === undefined) continue;
          assert.ok(typeof verdict === 'object');
          assert.equal(ask(number), errno(verdict.errno), call);
        }
      }
    });

    test('every other known number is allowed, with any arguments', () => {
      const named = new Set<number>(Object.values(syscallNumbers).flatMap((numbers) => numbers[column] ?? []));
      for (let number = 0; number <= newestKnownSyscall; number++) {
        if (!named.has(number))
          assert.equal(ask(number, [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff]), ALLOW, String(number));
      }
    });

    test('numbers past the newest known do not exist', () => {
      for (const number of [newestKnownSyscall + 1, 1000, 0x3fffffff]) assert.equal(ask(number), errno(38));
    });

    test('another architecture dies, as does x32', () => {
      for (const other of [0x40000003, 0x40000028, 0xc000003e, 0xc00000b7].filter((value) => value !== audit)) {
        assert.equal(interpret(filter, other, 0, []), KILL);
      }
      assert.equal(ask(0x40000000), architecture === 'x86_64' ? KILL : errno(38));
    });

    test('with unix sockets blocked, only they are', () => {
      const blocked = assembleFilter(architecture, { ...usual, unixSockets: 'blocked' });
      const number = syscallNumbers.socket[column];
      assert.equal(interpret(blocked, audit, number, [1, 1, 0]), errno(97));
      assert.equal(interpret(blocked, audit, number, [2, 1, 0]), ALLOW);
    });
  });
}

test('every entry has a reason, and every call of the table an entry', () => {
  const entries = listEntries(usual);
  assert.deepEqual(
    entries.filter(({ why }) => why.length < 8),
    [],
  );
  const named = new Set<string>(entries.flatMap(({ calls }) => calls));
  assert.deepEqual(
    Object.keys(syscallNumbers).filter((name) => !named.has(name)),
    [],
  );
});
