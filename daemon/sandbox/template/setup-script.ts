/**
 * What runs inside a new session before its first command: a fixed script that takes the steps of a plan as words. No path is
 * ever part of its text.
 */
import { sessionMountSource } from '../../../client/protocol/inside.ts';
import { hostCache, layers, making, own } from './places.ts';

const devices = 'null zero full random urandom tty';

/**
 * INVARIANT(no-devices-elsewhere): every mount of a session has these, all but those of its devices. The bubblewrap of each command
 * would set them where they are missing, which is a system call a mount and a command.
 */
const quiet = 'nosuid,nodev';

/** First argument after the script: by it a later daemon recognises a template whose daemon is gone. */
export const holderMark = 'sbx-session';

/** The channel over which the listeners are handed to the daemon. */
export const channelDescriptor = 6;

/**
 * Each step that starts a program costs a session about a millisecond, so one takes as many places as there are. A whiteout
 * is what overlayfs leaves where a name of the layer below was removed: a hundred of them are one `rmdir`, where `mknod`
 * would be a hundred programs. A cache of the host that its kernel cannot layer is a folder of the workspace's own.
 *
 * A program that asks for addresses of configured families alone (AI_ADDRCONFIG) and of IPv4 alone finds none while 127.0.0.1 is
 * the only one: glibc does not count it. So the loopback gets a second address where there is `ip`.
 * Source: glibc, check_pf.c, `seen_ipv4`.
 *
 * `set -e` makes every failed step end the template. The last step replaces the script by the session's starter.
 */
export const setupScript = `set -eu
shift 3
mount -n --make-rprivate /
mount -n -t tmpfs -o size=1m,mode=755,${quiet} ${sessionMountSource} ${own}
while (($#)); do
  case $1 in
    folders) n=$2; mkdir -p -- "\${@:3:n}"; shift $((n + 2)) ;;
    mode) n=$3; chmod -- "$2" "\${@:4:n}"; shift $((n + 3)) ;;
    listen)
      exec {node}<"$2"
      ("/proc/self/fd/$node" -e "$3" "$4" </dev/null >/dev/null & )
      exec {node}<&- ${channelDescriptor}<&-
      unset NODE_CHANNEL_FD NODE_CHANNEL_SERIALIZATION_MODE
      ip addr add 127.0.0.2/8 dev lo 2>/dev/null || :
      shift 4 ;;
    file) : >"$2"; shift 2 ;;
    text) printf %s "$3" >"$2"; shift 3 ;;
    link) ln -s -- "$2" "$3"; shift 3 ;;
    hide)
      n=$2
      mount -n -t overlay -o "lowerdir=${making.names},upperdir=${layers},workdir=${making.work},userxattr" overlay ${making.view}
      rmdir -- "\${@:3:n}"
      umount -n ${making.view}
      rm -rf ${making.names} ${making.work} ${making.view}
      shift $((n + 2)) ;;
    overlay) mount -n -t overlay -o "ro,${quiet},lowerdir=$2/top:$2/hide:$3,userxattr" overlay "$4"; shift 4 ;;
    emptied) mount -n -t overlay -o "ro,${quiet},lowerdir=$2/top:$2/hide,userxattr" overlay "$3"; shift 3 ;;
    fresh) mount -n -t tmpfs -o "size=$2,mode=1777,${quiet}" tmpfs "$3"; shift 3 ;;
    devices)
      mount -n -t tmpfs -o size=64k,mode=755,nosuid tmpfs "$2"
      mkdir "$2/shm" "$2/pts"
      for name in ${devices}; do : >"$2/$name"; mount -n --no-canonicalize --bind "/dev/$name" "$2/$name"; done
      mount -n -t devpts -o newinstance,ptmxmode=0666,mode=620,nosuid,noexec devpts "$2/pts"
      ln -s pts/ptmx "$2/ptmx"
      ln -s /proc/self/fd "$2/fd"
      ln -s fd/0 "$2/stdin"; ln -s fd/1 "$2/stdout"; ln -s fd/2 "$2/stderr"
      if [[ -d /dev/shm ]]; then mount -n -t tmpfs -o size=64k,mode=700,${quiet} tmpfs /dev/shm; fi
      shift 2 ;;
    bind) mount -n --no-canonicalize --bind "$2" "$3"; shift 3 ;;
    cache)
      layered=
      if [[ $3 != - ]] && mount -n --no-canonicalize --bind "$3" ${hostCache} 2>/dev/null; then
        mount -n -t overlay -o "${quiet},lowerdir=${hostCache},upperdir=$2/up,workdir=$2/work,userxattr" overlay "$4" 2>/dev/null && layered=1
        umount -n --no-canonicalize --lazy ${hostCache}
      fi
      [[ $layered ]] || mount -n --no-canonicalize --bind "$2/up" "$4"
      shift 4 ;;
    move) mount -n --no-canonicalize --move "$2" "$3"; shift 3 ;;
    remove) n=$2; rmdir -- "\${@:3:n}"; shift $((n + 2)) ;;
    detach) n=$2; umount -n --no-canonicalize --lazy "\${@:3:n}"; shift $((n + 2)) ;;
    limit) echo "$3" >"/proc/sys/user/$2"; shift 3 ;;
    numbers) echo "$2" >/proc/sys/kernel/pid_max; shift 2 ;;
    proc) mount -n -t proc -o ${quiet},noexec proc /proc; shift ;;
    seal) mount -n -o remount,ro "$2"; shift 2 ;;
    start) shift; exec "$@" ;;
    *) exit 64 ;;
  esac
done
exit 64
`;

/** A step that takes as many places as there are. */
export function withCount(step: string, places: readonly string[]): string[] {
  return places.length === 0 ? [] : [step, String(places.length), ...places];
}
