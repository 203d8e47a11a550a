/**
 * What a sandboxed command may not ask of the kernel, and why: one entry per reason. What is not named is allowed.
 * The file system, process and network walls stand without this table; it closes what they cannot see, and the parts of
 * the kernel in which bugs are most often found.
 */
import type { Condition, Verdict } from './instructions.ts';
import type { SyscallName } from './syscalls.ts';

const EPERM: Verdict = { errno: 1 };
const ENOSYS: Verdict = { errno: 38 };
const EPROTONOSUPPORT: Verdict = { errno: 93 };
const ESOCKTNOSUPPORT: Verdict = { errno: 94 };
const EAFNOSUPPORT: Verdict = { errno: 97 };

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. Source: linux/sched.h. */
const namespaceFlags = 0x7e020000;
/** CLONE_NEWTIME lies in the bits that clone(2) uses for the exit signal; only unshare(2) and clone3(2) read it. */
const timeNamespaceFlag = 0x80;
const setIdBits = 0o6000;
/** O_CREAT and the inner bit of O_TMPFILE: without them the mode is not read and may hold anything. */
const createFlags = 0o100 | 0o20000000;

export interface TableEntry {
  readonly calls: readonly SyscallName[];
  /** All must hold; without any the call is always refused. */
  readonly when?: readonly Condition[];
  readonly verdict: Verdict;
  readonly why: string;
}

function setIdMode(argument: 1 | 2 | 3): Condition {
  return { argument, anyBit: setIdBits };
}

export interface FilterChoice {
  /** Blocked only where a socket of the host lies inside a writable place. */
  readonly unixSockets: 'allowed' | 'blocked';
  /** Open only where the user's policy says so, for programs that make a sandbox of their own. */
  readonly userNamespaces: 'closed' | 'open';
}

function socketEntries(unixSockets: FilterChoice['unixSockets']): TableEntry[] {
  const families = [AF_INET, AF_INET6, AF_NETLINK, ...(unixSockets === 'allowed' ? [AF_UNIX] : [])];
  return [
    {
      calls: ['socket'],
      when: [{ argument: 0, oneOf: families, negate: true }],
      verdict: EAFNOSUPPORT,
      why: 'packet, vsock, bluetooth, can, alg and other families reach past the network wall or rarely reviewed kernel code',
    },
    {
      calls: ['socket'],
      when: [
        { argument: 0, oneOf: [AF_NETLINK] },
        { argument: 2, oneOf: [0, 4], negate: true },
      ],
      verdict: EPROTONOSUPPORT,
      why: 'netlink beyond addresses (0) and socket lists (4) is configuration of the kernel: audit, netfilter, uevents',
    },
    {
      calls: ['socketpair'],
      when: [
        { argument: 0, oneOf: [AF_UNIX] },
        { argument: 1, mask: 0xf, oneOf: [1, 5], negate: true },
      ],
      verdict: ESOCKTNOSUPPORT,
      why: 'one end of a datagram or raw pair can send to any socket path, without ever calling socket or connect',
    },
  ];
}

/** What a command may do only with a user namespace of its own, and in it only to mounts that it made itself. */
const namespaceEntries: readonly TableEntry[] = [
  {
    calls: [
      'mount',
      'umount2',
      'pivot_root',
      'mount_setattr',
      'open_tree',
      'open_tree_attr',
      'move_mount',
      'fsopen',
      'fsconfig',
      'fsmount',
      'fspick',
    ],
    verdict: EPERM,
    why: 'the mounts are the file wall',
  },
  { calls: ['setns'], verdict: EPERM, why: 'enters a namespace by descriptor' },
  {
    calls: ['unshare'],
    when: [{ argument: 0, anyBit: namespaceFlags | timeNamespaceFlag }],
    verdict: EPERM,
    why: 'a user namespace of its own gives a command every capability inside it, and with them most kernel bugs',
  },
  {
    calls: ['clone'],
    when: [{ argument: 0, anyBit: namespaceFlags }],
    verdict: EPERM,
    why: 'as unshare; threads and processes without namespace flags are not affected',
  },
];

export function listEntries({ unixSockets, userNamespaces }: FilterChoice): TableEntry[] {
  return [
    ...socketEntries(unixSockets),
    ...(userNamespaces === 'closed' ? namespaceEntries : []),
    {
      calls: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'],
      verdict: ENOSYS,
      why: 'its operations bypass this filter; programs fall back when the kernel has none',
    },
    {
      calls: ['bpf', 'perf_event_open', 'userfaultfd', 'fanotify_init'],
      verdict: EPERM,
      why: 'kernel programs, system-wide measurement, fault handling used in exploits, file events of the host',
    },
    {
      calls: ['pidfd_getfd', 'kcmp'],
      verdict: EPERM,
      why: 'takes or compares descriptors of another process',
    },
    {
      calls: ['keyctl', 'add_key', 'request_key'],
      verdict: EPERM,
      why: 'keyrings belong to the uid, not to a namespace: keys of the host session would be readable',
    },
    {
      calls: ['clone3'],
      verdict: ENOSYS,
      why: 'its flags lie in memory that a filter cannot read; C libraries fall back to clone',
    },
    {
      calls: [
        'kexec_load',
        'kexec_file_load',
        'init_module',
        'finit_module',
        'delete_module',
        'create_module',
        'get_kernel_syms',
        'query_module',
      ],
      verdict: EPERM,
      why: 'replaces or extends the kernel',
    },
    {
      calls: ['open_by_handle_at'],
      verdict: EPERM,
      why: 'opens a file by number, past every mount that hides it',
    },
    {
      calls: ['quotactl', 'quotactl_fd', 'acct', 'swapon', 'swapoff', 'reboot', 'vhangup', 'iopl', 'ioperm'],
      verdict: EPERM,
      why: 'administers the machine',
    },
    {
      calls: ['settimeofday', 'clock_settime', 'clock_adjtime', 'adjtimex'],
      verdict: EPERM,
      why: 'the clock is shared with the host',
    },
    { calls: ['syslog'], verdict: EPERM, why: 'the kernel log holds addresses and events of the host' },
    {
      calls: ['uselib', '_sysctl', 'sysfs', 'nfsservctl', 'lookup_dcookie'],
      verdict: ENOSYS,
      why: 'abandoned calls that no program needs',
    },
    {
      calls: ['personality'],
      // PER_LINUX, PER_LINUX32, UNAME26 with either, ADDR_NO_RANDOMIZE (debuggers), and the query
      when: [{ argument: 0, oneOf: [0, 8, 0x20000, 0x20008, 0x40000, 0xffffffff], negate: true }],
      verdict: EPERM,
      why: 'other personalities weaken memory protection or select old, rarely reviewed behaviour',
    },
    {
      calls: ['ioctl'],
      when: [{ argument: 1, oneOf: [0x5412, 0x541c] }],
      verdict: EPERM,
      why: 'TIOCSTI and TIOCLINUX type into the terminal: text that a shell outside would run',
    },
    {
      calls: ['ioctl'],
      // BTRFS_IOC_SNAP_CREATE and BTRFS_IOC_SNAP_CREATE_V2 of linux/btrfs.h
      when: [{ argument: 1, oneOf: [0x50009401, 0x50009417] }],
      verdict: EPERM,
      why: 'a snapshot in the workspace shows the home without the mounts that hide parts of it (kernels before 6.8)',
    },
    {
      calls: ['chmod', 'fchmod'],
      when: [setIdMode(1)],
      verdict: EPERM,
      why: 'a set-id file in the workspace lends the rights of its owner to whoever starts it outside',
    },
    {
      calls: ['fchmodat', 'fchmodat2'],
      when: [setIdMode(2)],
      verdict: EPERM,
      why: 'as chmod',
    },
    { calls: ['creat', 'mknod'], when: [setIdMode(1)], verdict: EPERM, why: 'as chmod, at creation' },
    { calls: ['mknodat'], when: [setIdMode(2)], verdict: EPERM, why: 'as chmod, at creation' },
    {
      calls: ['open'],
      when: [{ argument: 1, anyBit: createFlags }, setIdMode(2)],
      verdict: EPERM,
      why: 'as chmod, at creation',
    },
    {
      calls: ['openat'],
      when: [{ argument: 2, anyBit: createFlags }, setIdMode(3)],
      verdict: EPERM,
      why: 'as chmod, at creation',
    },
    {
      calls: ['openat2'],
      verdict: ENOSYS,
      why: 'its mode lies in memory that a filter cannot read; programs fall back to openat',
    },
  ];
}
