/**
 * Compiles the words that start a command with a private, writable copy of a repository's git folder: an overlay whose
 * lower layer is the session's read-only mount of it and whose upper layer is a folder on the host that no command can
 * reach. It is made in a mount namespace of the run's own, so another run never sees it, and a mount that the host does
 * later cannot take it away.
 */
import { insideStaged } from '../template/places.ts';

export interface StagedFolder {
  /** Name of the run's folder among the staged ones. */
  readonly name: string;
  /** Links resolved. */
  readonly gitFolder: string;
  /** Content of `run.json`. */
  readonly text: string;
}

export interface OverlayTools {
  readonly unshare: string;
  readonly bash: string;
  /** Gives up the rights that the mount needed; empty for root, whom bubblewrap takes them from. */
  readonly dropRights: readonly string[];
}

/**
 * The lower layer is named as the current folder, because a path may hold what separates mount options. The record is
 * written before the mount: its time is the run's beginning, by the clock that stamps the host's files. What is left of a failed
 * step is found by the run's end.
 */
const script = `set -eu
n=$1
shift
for ((; n > 0; n--)); do
  run=${insideStaged}/$1
  mkdir -p -- "$run/up" "$run/work"
  printf %s "$3" >"$run/run.json"
  cd -P -- "$2"
  mount -n --no-canonicalize -t overlay -o "lowerdir=.,upperdir=$run/up,workdir=$run/work,userxattr" overlay .
  shift 3
done
cd /
exec "$@"
`;

/** Prefix of the argv of bubblewrap, in the session's namespaces and as its account. */
export function compileOverlays(folders: readonly StagedFolder[], tools: OverlayTools): string[] {
  return [
    ...[tools.unshare, '--user', '--mount', '--map-current-user', '--keep-caps'],
    ...[tools.bash, '--norc', '--noprofile', '-c', script, 'sbx-staged', String(folders.length)],
    ...folders.flatMap(({ name, gitFolder, text }) => [name, gitFolder, text]),
    ...tools.dropRights,
  ];
}
