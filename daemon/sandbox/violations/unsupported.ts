/**
 * What cannot work inside a sandbox at all, or not without its credentials, by the message of the program that tried it.
 * These messages name no path, or name the wrong cause ("is the daemon running?"), so they are known one by one; each
 * stands for a thing that the walls close for certain, whatever the program is called.
 *
 * Sources: the programs' own texts, tried inside a sandbox where they are at hand, else from their source code.
 */
import type { Violation } from '../../../client/protocol/events.ts';

interface Unsupported {
  readonly target: string;
  readonly access: NonNullable<Violation['access']>;
  readonly says: RegExp;
  readonly because: string;
  readonly instead: string;
  /** Only when one of these was set outside and did not reach the command: else it would fail outside too. */
  readonly needsWithheld?: readonly string[];
  /** Only when root would be allowed outside what it is not inside. */
  readonly asRoot?: true;
  /** Only when this place of the home is hidden and was there. */
  readonly needsHidden?: readonly string[];
}

const table: readonly Unsupported[] = [
  {
    target: 'the container engine',
    access: 'connect',
    says: /Cannot connect to the Docker daemon|docker daemon socket|failed to connect to the docker API|docker\.sock|podman\.sock|containerd\.sock|Cannot connect to Podman/iu,
    because: 'whoever reaches its socket has every right on this machine',
    instead: 'run it outside the sandbox',
  },
  {
    target: 'user namespaces',
    access: 'run',
    says: /No usable sandbox!|unshare: unshare failed|unshare: write failed|bwrap: (?:No permissions to creat|Creating new namespace failed)|newuidmap: |cannot clone: Operation not permitted|cannot re-exec process|Failed to move to new namespace|clone\(CLONE_NEWUSER\)/u,
    because: 'programs inside cannot make sandboxes or containers of their own',
    instead:
      'set "sandbox": {"userNamespaces": true} in your policy file, or switch the inner sandbox of the program off (--no-sandbox of browsers)',
  },
  {
    target: 'the ssh agent',
    access: 'connect',
    says: /Could not open a connection to your authentication agent|Error connecting to agent|signing failed for .* from agent/u,
    because: 'whoever reaches it can log in as you',
    instead: 'run what needs the agent outside the sandbox',
    needsWithheld: ['SSH_AUTH_SOCK'],
  },
  {
    target: 'the gpg agent',
    access: 'connect',
    says: /gpg(?:-agent)?: (?:can't connect to the (?:gpg-)?agent|no gpg-agent running|signing failed: (?:No agent running|No secret key|No such file|No pinentry))|gpg failed to sign the data|gpg: .*No secret key/u,
    because: 'keys and their agent are out of reach',
    instead: 'sign outside the sandbox (git commit --no-gpg-sign leaves the signature out)',
    needsHidden: ['.gnupg'],
  },
  {
    target: 'the service manager',
    access: 'connect',
    says: /System has not been booted with systemd as init system|Failed to connect to (?:the )?(?:system |user |session )?(?:scope )?(?:bus|socket \/run\/dbus)|Failed to get D-Bus connection|Cannot autolaunch D-Bus|Could not connect to (?:the )?(?:system|session) bus|Error (?:spawning|calling).*dbus-launch|dbus_bus_get/u,
    because: 'services and the message bus of this machine are out of reach',
    instead: 'run it outside the sandbox',
  },
  {
    target: "another account's rights",
    access: 'run',
    says: /^(?:sudo|su|pkexec|doas|newgrp|runuser): .*(?:effective uid is not 0|no new privileges|must be (?:owned by uid 0|setuid root|suid)|unable to change to root gid|not installed setuid|cannot set (?:user|group)|may not be used by non-root|must be run as root|unable to initialize policy plugin|Authentication failure|permission denied)/imu,
    because: 'no program inside gains rights that it was not started with',
    instead: 'run it outside the sandbox',
  },
  {
    target: 'raw sockets',
    access: 'connect',
    says: /^(?:[\w./-]*\/)?(?:ping[46]?|traceroute6?|tracepath|arping|fping|mtr(?:-packet)?|tcpdump|dumpcap|tshark|hping3): .*(?:Operation not permitted|Lacking privilege|permission to capture|[Uu]nable to open|Address family not supported|Failure to open|cap_net_raw)|requires root privileges.*(?:raw|scan)|couldn't open a raw socket/imu,
    because: 'commands get no raw sockets, and no network to use them on',
    instead: 'run it outside the sandbox',
  },
  {
    target: 'mounts',
    access: 'run',
    says: /^(?:u?mount|fusermount3?|losetup|mount\.\w+|swapon|swapoff|pivot_root|chroot)(?::| error).*(?:only root|must be superuser|Operation not permitted|permission denied|not permitted|failed to (?:open|setup|set up)|cannot find an unused loop|cannot change root)/imu,
    because: 'what a command sees of the file system is fixed before it starts',
    instead: 'mount outside the sandbox; a mount in the workspace is seen by the next command',
  },
  {
    target: 'FUSE',
    access: 'run',
    says: /fuse: (?:device not found|failed to (?:open|exec)|mount failed)|\/dev\/fuse|AppImages require FUSE|fusermount3?: /iu,
    because: 'commands cannot mount file systems',
    instead: 'run it outside the sandbox (AppImages: --appimage-extract-and-run)',
  },
  {
    target: 'processes outside the command',
    access: 'run',
    says: /^(?:strace|ltrace|gdb|lldb|perf|bpftrace|py-spy)?:? ?.*(?:attach: ptrace\(\w+, \d+\): (?:Operation not permitted|No such process)|perf_event_open|perf_event_paranoid|bpf\(.*\): Operation not permitted|Could not attach to process)/imu,
    because: 'a command sees and traces only what it started itself, and measures nothing of the kernel',
    instead: 'start the program under the tracer in the same command, or trace outside the sandbox',
  },
  {
    target: 'virtual machines',
    access: 'run',
    says: /Could not access KVM kernel module|KVM (?:requires|is required|acceleration can ?not)|\/dev\/kvm|failed to initialize kvm/iu,
    because: 'commands get no devices of this machine',
    instead: 'use emulation (qemu -accel tcg), or run it outside the sandbox',
  },
  {
    target: 'the screen',
    access: 'connect',
    says: /cannot open display|can't open display|could not connect to display|Unable to init server|no \$?DISPLAY (?:environment )?variable|Missing X server or \$DISPLAY|no display name and no \$DISPLAY|Failed to (?:connect to|open) (?:Wayland|X11|X) ?display|unable to open (?:X )?display|no protocol specified/iu,
    because: 'windows could read keys and the screen',
    instead: 'use a headless mode or xvfb-run inside, or run it outside the sandbox',
    needsWithheld: ['DISPLAY', 'WAYLAND_DISPLAY'],
  },
  {
    target: 'owners of files',
    access: 'write',
    says: /(?:chown|chgrp|changing (?:ownership|group) of|Cannot change ownership to|lchown|preserve ownership|fchownat).*(?:Operation not permitted|Invalid argument)/iu,
    because: 'root inside the sandbox has no rights over other accounts',
    instead: 'leave owners as they are (tar --no-same-owner, cp without -p), or run it outside the sandbox',
    asRoot: true,
  },
  {
    target: 'settings of the machine',
    access: 'write',
    says: /cannot set date|settimeofday|you must be root to change the host name|sethostname|RTNETLINK answers: Operation not permitted|(?:modprobe|insmod|rmmod): ERROR|read kernel buffer failed|iptables.*(?:you must be root|Could not fetch rule set)|nft.*Operation not permitted|Failed to set (?:time|hostname)/iu,
    because: 'clock, names, network and modules belong to the whole machine',
    instead: 'change them outside the sandbox',
    asRoot: true,
  },
  {
    target: 'the GitHub or GitLab account',
    access: 'read',
    says: /gh auth login|not logged in(?:to)? (?:to )?any (?:GitHub|GitLab) hosts?|glab auth login|GH_TOKEN environment variable/iu,
    because: 'the files with its token are hidden',
    instead: 'run it outside the sandbox',
    needsHidden: ['.config/gh', '.config/hub', '.config/glab-cli'],
  },
  {
    target: 'cloud credentials',
    access: 'read',
    says: /Unable to locate credentials|NoCredential(?:Providers|sError)|The config profile \(.*\) could not be found|no (?:valid )?credential(?: source|s|Providers)|do(?:es)? not (?:currently )?have (?:an active account|any valid credentials)|default credentials|Please run 'az login'|az login|doctl auth init|Unable to initialize DigitalOcean API client/iu,
    because: 'the files that hold them are hidden',
    instead: 'run it outside the sandbox',
    needsHidden: ['.aws', '.azure', '.config/gcloud', '.config/doctl', '.config/hcloud', '.boto', '.s3cfg', '.oci'],
  },
  {
    target: 'cluster credentials',
    access: 'read',
    says: /The connection to the server localhost:8080 was refused|Kubernetes cluster unreachable|no configuration has been provided|current-context is not set|Missing or incomplete configuration info|context ".*" does not exist/iu,
    because: '~/.kube is hidden',
    instead: 'run it outside the sandbox',
    needsHidden: ['.kube'],
  },
  {
    target: 'registry credentials',
    access: 'read',
    says: /\bENEEDAUTH\b|need auth|npm error code E401|no basic auth credentials|401 Unauthorized.*(?:pypi|registry|crates)|no upload token found|please run `cargo login`|You are not authorized to push/iu,
    because: 'the files with their tokens are hidden',
    instead: 'publish outside the sandbox',
    needsHidden: [
      '.npmrc',
      '.yarnrc',
      '.yarnrc.yml',
      '.pypirc',
      '.cargo/credentials',
      '.cargo/credentials.toml',
      '.gem/credentials',
      '.docker/config.json',
    ],
  },
  {
    target: 'code host passwords',
    access: 'read',
    says: /could not read (?:Username|Password) for 'https?:/u,
    because: 'the files that hold them are hidden',
    instead: 'fetch and push outside the sandbox',
    needsHidden: ['.git-credentials', '.netrc', '.config/git/credentials', '.config/gh'],
  },
];

export interface Surroundings {
  readonly text: string;
  readonly asRoot: boolean;
  /** Variables of the caller that did not reach the command. */
  readonly withheld: readonly string[];
  /** The place of the home was there and is hidden. */
  readonly isHidden: (name: string) => boolean;
}

export function findUnsupported({ text, asRoot, withheld, isHidden }: Surroundings): Violation[] {
  return table
    .filter(
      (entry) =>
        (entry.asRoot === undefined || asRoot) &&
        (entry.needsWithheld === undefined || entry.needsWithheld.some((name) => withheld.includes(name))) &&
        (entry.needsHidden === undefined || entry.needsHidden.some(isHidden)) &&
        entry.says.test(text),
    )
    .map(({ target, access, because, instead }) => ({
      ...{ kind: 'unsupported', target, access },
      message: `${target} cannot be used inside the sandbox: ${because}`,
      howToAllow: instead,
    }));
}
