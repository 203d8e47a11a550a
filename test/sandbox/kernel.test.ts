/** What a command may not ask of the kernel, asked from inside the real sandbox. Each refusal has a permitted neighbour. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '../../daemon/sandbox/plan/account.ts';
import {
  architectures,
  findArchitecture,
  type SyscallName,
  syscallNumbers,
} from '../../daemon/sandbox/seccomp/syscalls.ts';
import { describeInSession } from '../fixtures/describe-in-session.ts';
import { makePlace, type Place } from '../fixtures/sandbox-session.ts';

const architecture = findArchitecture(process.arch) ?? 'x86_64';

function numberOf(name: SyscallName): number | undefined {
  return syscallNumbers[name][architectures[architecture].column];
}

const EPERM = 1;
const EBADF = 9;
const ENOSYS = 38;
const ESOCKTNOSUPPORT = 94;
const EPROTONOSUPPORT = 93;
const EAFNOSUPPORT = 97;

/** Arguments as perl writes them; strings become pointers. The second errno is a call that must get past the filter. */
const rows: readonly [
  name: SyscallName,
  args: string,
  refused: number,
  neighbour?: readonly [args: string, errno: number],
][] = [
  ['socket', '17, 3, 0', EAFNOSUPPORT, ['2, 1, 0', 0]], // AF_PACKET against AF_INET
  ['socket', '40, 1, 0', EAFNOSUPPORT, ['10, 1, 0', 0]], // AF_VSOCK against AF_INET6
  ['socket', '38, 5, 0', EAFNOSUPPORT, ['1, 1, 0', 0]], // AF_ALG against AF_UNIX
  ['socket', '31, 1, 0', EAFNOSUPPORT, ['1, 2, 0', 0]], // AF_BLUETOOTH
  ['socket', '16, 3, 9', EPROTONOSUPPORT, ['16, 3, 0', 0]], // NETLINK_AUDIT against NETLINK_ROUTE
  ['socket', '16, 3, 15', EPROTONOSUPPORT, ['16, 3, 4', 0]], // uevents against socket lists
  ['socketpair', '1, 2, 0, $eight', ESOCKTNOSUPPORT, ['1, 1, 0, $eight', 0]],
  ['socketpair', '1, 3, 0, $eight', ESOCKTNOSUPPORT, ['1, 5, 0, $eight', 0]],
  ['socketpair', '1, 2 | 0x80000, 0, $eight', ESOCKTNOSUPPORT, ['1, 1 | 0x80000, 0, $eight', 0]],
  ['io_uring_setup', '1, $page', ENOSYS],
  ['io_uring_enter', '-1, 0, 0, 0, 0', ENOSYS],
  ['io_uring_register', '-1, 0, 0, 0', ENOSYS],
  ['bpf', '0, $page, 72', EPERM],
  ['perf_event_open', '$page, 0, -1, -1, 0', EPERM],
  ['userfaultfd', '1', EPERM],
  ['fanotify_init', '0x200, 0', EPERM],
  ['pidfd_getfd', '-1, 0, 0', EPERM],
  ['kcmp', '$$, $$, 0, 0, 1', EPERM],
  ['keyctl', '0, -3, 0, 0, 0', EPERM],
  ['add_key', '"user", "x", "y", 1, -3', EPERM],
  ['request_key', '"user", "x", 0, 0', EPERM],
  ['mount', '"none", "/tmp", "tmpfs", 0, 0', EPERM],
  ['umount2', '"/nonexistent", 0', EPERM],
  ['pivot_root', '"/tmp", "/tmp"', EPERM],
  ['mount_setattr', '-1, "", 0, 0, 0', EPERM],
  ['open_tree', '-1, "x", 0', EPERM],
  ['open_tree_attr', '-1, "x", 0, 0, 0', EPERM],
  ['move_mount', '-1, "", -1, "", 0', EPERM],
  ['fsopen', '"nonexistent", 0', EPERM],
  ['fsconfig', '-1, 0, 0, 0, 0', EPERM],
  ['fsmount', '-1, 0, 0', EPERM],
  ['fspick', '-1, "x", 0', EPERM],
  ['setns', '-1, 0', EPERM],
  ['unshare', '0x10000000', EPERM, ['0x400', 0]], // CLONE_NEWUSER against CLONE_FILES
  ['unshare', '0x00020000', EPERM, ['0x200', 0]], // CLONE_NEWNS against CLONE_FS
  ['unshare', '0x80', EPERM], // CLONE_NEWTIME
  ['clone', '0x10000011, 0, 0, 0, 0', EPERM],
  ['clone', '0x40000011, 0, 0, 0, 0', EPERM],
  ['clone3', '$page, 88', ENOSYS],
  ['kexec_load', '0, 0, 0, 0', EPERM],
  ['kexec_file_load', '-1, -1, 0, 0, 0', EPERM],
  ['init_module', '0, 0, ""', EPERM],
  ['finit_module', '-1, "", 0', EPERM],
  ['delete_module', '"x", 0', EPERM],
  ['create_module', '0, 0', EPERM],
  ['get_kernel_syms', '0', EPERM],
  ['query_module', '0, 0, 0, 0, 0', EPERM],
  ['open_by_handle_at', '-1, $page, 0', EPERM],
  ['quotactl', '0, 0, 0, 0', EPERM],
  ['quotactl_fd', '-1, 0, 0, 0', EPERM],
  ['acct', '"/nonexistent"', EPERM],
  ['swapon', '"/nonexistent", 0', EPERM],
  ['swapoff', '"/nonexistent"', EPERM],
  ['reboot', '0, 0, 0, 0', EPERM],
  ['vhangup', '0', EPERM],
  ['settimeofday', '0, 0', EPERM],
  ['clock_settime', '99, $page', EPERM],
  ['clock_adjtime', '99, $page', EPERM],
  ['adjtimex', '$page', EPERM],
  ['syslog', '10, 0, 0', EPERM],
  ['iopl', '0', EPERM],
  ['ioperm', '0, 1, 0', EPERM],
  ['uselib', '"x"', ENOSYS],
  ['_sysctl', '0', ENOSYS],
  ['sysfs', '3', ENOSYS],
  ['nfsservctl', '0, 0, 0', ENOSYS],
  ['lookup_dcookie', '0, 0, 0', ENOSYS],
  ['personality', '0x0200000', EPERM, ['0xffffffff', 0]], // ADDR_COMPAT_LAYOUT against the query
  ['personality', '0x0400000', EPERM, ['0x0040000', 0]], // READ_IMPLIES_EXEC against ADDR_NO_RANDOMIZE
  ['ioctl', '-1, 0x5412, 0', EPERM, ['-1, 0x5413, 0', EBADF]], // TIOCSTI against TIOCGWINSZ
  ['ioctl', '-1, 0x541c, 0', EPERM], // TIOCLINUX
  ['ioctl', '-1, 0x50009401, 0', EPERM], // BTRFS_IOC_SNAP_CREATE
  ['ioctl', '-1, 0x50009417, 0', EPERM, ['-1, 0x50009402, 0', EBADF]], // its second version
  ['chmod', '"file", 04755', EPERM, ['"file", 01755', 0]],
  ['chmod', '"file", 02755', EPERM, ['"file", 0755', 0]],
  ['fchmod', '-1, 04755', EPERM, ['-1, 0755', EBADF]],
  ['fchmodat', '-100, "file", 04755', EPERM, ['-100, "file", 0755', 0]],
  ['fchmodat2', '-100, "file", 06755, 0', EPERM, ['-1, "file", 0755, 0', EBADF]],
  ['creat', '"made", 04755', EPERM, ['"made", 0755', 0]],
  ['open', '"made2", 0101, 04755', EPERM, ['"file", 0, 07777', 0]],
  ['openat', '-100, "made3", 0101, 04755', EPERM, ['-100, "file", 0, 07777', 0]],
  ['openat', '-100, "/tmp", 020200002, 04755', EPERM, ['-100, "/tmp", 020200002, 0600', 0]], // O_TMPFILE
  ['openat2', '-100, "file", $page, 24', ENOSYS],
  ['mknod', '"made4", 0104755, 0', EPERM, ['"made5", 0100755, 0', 0]],
  ['mknodat', '-100, "made6", 0104755, 0', EPERM, ['-100, "made7", 0100755, 0', 0]],
];

function perl(name: SyscallName, number: number, args: string): string {
  // pointers need a copy of the constant, since perl passes the address of a modifiable scalar
  const copied = args.replace(/"[^"]*"/g, (text) => `(my $s${Math.abs(hash(text + args))} = ${text})`);
  return `{ my $page = "\\0" x 4096; my $eight = "\\0" x 8; my $r = syscall(${number}, ${copied}); print "${name} ", ($r == -1 ? $! + 0 : 0), "\\n"; }`;
}

function hash(text: string): number {
  return [...text].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) | 0, 7);
}

function placeWithFile(account: Account): Place {
  const place = makePlace(account);
  place.write(`${place.workspace}/file`, '');
  return place;
}

describeInSession('kernel', { timeout: 60_000, makePlace: placeWithFile }, (here) => {
  const ask = async (name: SyscallName, args: string): Promise<number> => {
    const number = numberOf(name);
    assert.ok(number !== undefined);
    const result = await here.run('perl', { stdin: 'stream', input: perl(name, number, args) });
    assert.match(result.stdout, new RegExp(`^${name} \\d+\\n$`), result.stderr);
    return Number(result.stdout.split(' ')[1]);
  };

  for (const [name, args, refused, neighbour] of rows.filter(([call]) => numberOf(call) !== undefined)) {
    test(`${name}(${args})`, async () => {
      assert.equal(await ask(name, args), refused);
      if (neighbour !== undefined)
        assert.equal(await ask(name, neighbour[0]), neighbour[1], `${name}(${neighbour[0]})`);
    });
  }

  test('a call newer than the table does not exist', async () => {
    const result = await here.run(
      `perl -e 'print syscall(470) == -1 ? $! + 0 : 0, " ", syscall(99999) == -1 ? $! + 0 : 0'`,
    );
    assert.equal(result.stdout, `${ENOSYS} ${ENOSYS}`);
  });

  test('the x32 ABI kills the process', {
    skip: architecture === 'x86_64' ? false : 'x32 belongs to x86_64',
  }, async () => {
    const result = await here.run(`perl -e 'syscall(0x40000000 + 39); print "survived"'; echo "status $?"`);
    assert.equal(result.stdout, 'status 159\n');
  });

  test('every table entry is asked for here', () => {
    const asked = new Set(rows.map(([name]) => name));
    assert.deepEqual(
      Object.keys(syscallNumbers).filter((name) => !asked.has(name as SyscallName)),
      [],
    );
  });

  test('threads, processes, pipes, timers and debuggers work', async () => {
    const result =
      await here.run(`perl -e 'pipe(R, W); if (!fork) { print W "child"; exit } close W; wait; print <R>, "\\n"'
         bash -c 'sleep 0.01 & wait $!; echo waited'
         perl -e 'my $p = fork; if (!$p) { sleep 100 } my $r = syscall(${architecture === 'x86_64' ? 101 : 117}, 0x4206, $p, 0, 0); print $r == 0 ? "traced\\n" : "refused $!\\n"; kill 9, $p'`);
    assert.equal(result.stdout, 'child\nwaited\ntraced\n', result.stderr);
  });
});
