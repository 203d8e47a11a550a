/**
 * Numbers of the system calls that the filter names, per architecture; undefined where the architecture never had the
 * call. Source: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux 6.18.
 */

export type Architecture = 'x86_64' | 'aarch64';

type Numbers = readonly [x86: number | undefined, arm: number | undefined];

/** From number 424 on both architectures count alike. */
function both(number: number): Numbers {
  return [number, number];
}

export const syscallNumbers = {
  socket: [41, 198],
  socketpair: [53, 199],
  io_uring_setup: both(425),
  io_uring_enter: both(426),
  io_uring_register: both(427),
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  fanotify_init: [300, 262],
  pidfd_getfd: both(438),
  kcmp: [312, 272],
  keyctl: [250, 219],
  add_key: [248, 217],
  request_key: [249, 218],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  open_tree: both(428),
  move_mount: both(429),
  fsopen: both(430),
  fsconfig: both(431),
  fsmount: both(432),
  fspick: both(433),
  mount_setattr: both(442),
  open_tree_attr: both(467),
  setns: [308, 268],
  unshare: [272, 97],
  clone: [56, 220],
  clone3: both(435),
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  create_module: [174, undefined],
  get_kernel_syms: [177, undefined],
  query_module: [178, undefined],
  open_by_handle_at: [304, 265],
  quotactl: [179, 60],
  quotactl_fd: both(443),
  acct: [163, 89],
  swapon: [167, 224],
  swapoff: [168, 225],
  reboot: [169, 142],
  vhangup: [153, 58],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  syslog: [103, 116],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  personality: [135, 92],
  ioctl: [16, 29],
  chmod: [90, undefined],
  fchmod: [91, 52],
  fchmodat: [268, 53],
  fchmodat2: both(452),
  creat: [85, undefined],
  open: [2, undefined],
  openat: [257, 56],
  openat2: both(437),
  mknod: [133, undefined],
  mknodat: [259, 33],
  uselib: [134, undefined],
  _sysctl: [156, undefined],
  sysfs: [139, undefined],
  nfsservctl: [180, 42],
  lookup_dcookie: [212, 18],
} as const satisfies Record<string, Numbers>;

export type SyscallName = keyof typeof syscallNumbers;

export interface ArchitectureFacts {
  /** AUDIT_ARCH value of linux/audit.h. */
  readonly audit: number;
  /** Set in the numbers of the x32 ABI, which shares the audit value of x86_64. */
  readonly foreignBit: number | undefined;
  readonly column: 0 | 1;
}

export const architectures: Record<Architecture, ArchitectureFacts> = {
  x86_64: { audit: 0xc000003e, foreignBit: 0x40000000, column: 0 },
  aarch64: { audit: 0xc00000b7, foreignBit: undefined, column: 1 },
};

/** The newest call whose effect was looked at (file_setattr). */
export const newestKnownSyscall = 469;

/** @param nodeArch `process.arch` */
export function findArchitecture(nodeArch: string): Architecture | undefined {
  if (nodeArch === 'x64') return 'x86_64';
  return nodeArch === 'arm64' ? 'aarch64' : undefined;
}
