/**
 * Starts a session's commands from a small process of the session itself. A fork copies the page tables of who forks:
 * from the daemon it takes milliseconds of everybody's time, from this bash a fraction of one. It is the template's own
 * script, so it lives exactly as long as the session and is out of reach of commands, which see no process but their own.
 *
 * It also makes the pipes, as the command's account: the owner of a pipe is who made it, and opening `/dev/stdout` again
 * inside checks that owner. Node's own `pipe` is a unix socket, which cannot be opened by that name at all. The daemon
 * opens its ends through /proc.
 */
import { constants, openSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { SbxError } from '../../../client/protocol/errors.ts';

/** What the carrier of a command has beside 0, 1 and 2. */
export const carrierDescriptors = { options: 3, filter: 4, status: 5, endFolder: 6 } as const;

const poolSize = 20;
/** Where the starter keeps the filter, just below its pipes. Bash numbers those from 10 on, and needs one more at times. */
const filterPlace = 9;
const closings = Array.from({ length: poolSize + 4 }, (_, index) => `${filterPlace + index}<&-`).join(' ');

/** What a command adds to its own badness, of 1000: the kernel then ends it rather than what the person works with. */
export const oomScore = 500;

const startLine = (extra: string): string =>
  [
    '(confine; exec "${words[@]}" <"$input" >"/proc/self/fd/$output" 2>"/proc/self/fd/$errors"',
    `${carrierDescriptors.options}<"/proc/self/fd/$options" ${carrierDescriptors.filter}</proc/self/fd/${filterPlace}`,
    `${carrierDescriptors.status}>"/proc/self/fd/$status" ${extra} ${closings}) &`,
  ].join(' ');

const folderEnd = `${carrierDescriptors.endFolder}>"/proc/self/fd/$folder"`;

/**
 * Requests are lines of numbers; words follow by their lengths and are never looked into. With job control every command
 * has a process group of its own and does not start out with SIGINT ignored. A here-string is a pipe made without a fork
 * (bash 5.1; before, a file). Each pipe is kept open for reading and writing until its command has it: no end is seen
 * early. The end of the input is the end of the daemon, and of everything started here.
 *
 * `confine` is for who is about to become the carrier: nothing is started with limits that could not be set, and when
 * the machine runs out of memory the kernel looks at commands before the daemon and the session.
 */
export const starterScript = `set -m
shift 3
exec 2>/dev/null ${filterPlace}<&5 5<&-
make() {
  local end
  exec {end}<<<''
  if [[ -p /dev/fd/$end ]]; then read -r -u "$end"; else exec {end}<&- {end}< <(:); fi
  exec {pipe}<>"/proc/self/fd/$end" {end}<&-
  ((pipe <= ${filterPlace + poolSize + 2})) || exit
  made+=" $pipe"
}
confine() {
  local each range
  for each in \${limits//,/ }; do
    range=\${each#*:}
    ulimit -S \${each%%:*} \${range%:*} && ulimit -H \${each%%:*} \${range#*:} || exit
  done
  echo ${oomScore} >"/proc/$BASHPID/oom_score_adj"
}
made=
for ((i = 0; i < ${poolSize}; i++)); do make; done
echo "made$made"
while read -r verb input output errors options status folder text mask limits lengths; do
  made=
  case $verb in
    start)
      words=()
      for length in $lengths; do read -r -N "$length" word; words+=("$word"); done
      used=("$output" "$errors" "$options" "$status")
      if [[ $input == - ]]; then input=/dev/null; else used+=("$input"); input=/proc/self/fd/$input; fi
      umask "$mask"
      case $folder:$text in
        -:-) ${startLine('')} ;;
        *:-) used+=("$folder"); ${startLine(folderEnd)} ;;
        -:*) used+=("$text"); ${startLine('6<"/proc/self/fd/$text"')} ;;
        *) used+=("$folder" "$text"); ${startLine(`${folderEnd} 7<"/proc/self/fd/$text"`)} ;;
      esac
      for pipe in "\${used[@]}"; do exec {pipe}<&-; done
      echo "started $!"
      for _ in "\${used[@]}"; do make; done
      echo "made$made"
      ;;
    drop) exec {input}<&-; make; echo "made$made" ;;
    wait) wait "$input"; echo "ended $?" ;;
  esac
done
`;

/** A pipe that the starter holds. */
export interface StarterPipe {
  readonly number: number;
  /** Opens an end for the daemon; its end for a program of the daemon's own is blocking. */
  readonly open: (end: 'read' | 'write', mode?: 'blocking') => number;
}

export interface StartOrder {
  readonly argv: readonly string[];
  /** Undefined is /dev/null. */
  readonly input: StarterPipe | undefined;
  readonly output: StarterPipe;
  readonly errors: StarterPipe;
  readonly options: StarterPipe;
  readonly status: StarterPipe;
  readonly endFolder: StarterPipe | undefined;
  /** Given at the descriptor after the last one of the others. */
  readonly text: StarterPipe | undefined;
  readonly umask: number;
  /** As `asUlimits` of process-limits.ts writes them. */
  readonly limits: string;
}

export interface Starter {
  readonly pid: number;
  /**
   * All of a command's at once: two commands that each held a part could wait for the rest for ever.
   * @throws {SbxError} `sandbox-failed` when the session has ended.
   */
  readonly takePipes: (count: number) => Promise<StarterPipe[]>;
  /** Gives a pipe back that no order named; to be called when the daemon has opened what it needs. */
  readonly dropPipe: (pipe: StarterPipe) => void;
  /** Gives the process's number in the session's namespace, undefined when the session has ended. Never rejects. */
  readonly start: (order: StartOrder) => Promise<number | undefined>;
  /** Waits for such a process to be reaped and gives its status; undefined when the session has ended. Never rejects. */
  readonly wait: (sessionPid: number) => Promise<number | undefined>;
}

interface StarterConnection {
  /** False when it ended before it was ready. */
  readonly isReady: Promise<boolean>;
  /** @param pid its number for the daemon. */
  readonly open: (pid: number) => Starter;
}

type Settle = (value: number | undefined) => void;

/** @param ended resolves when the starter is gone. */
export function connectStarter([input, output]: readonly [Duplex, Duplex], ended: Promise<unknown>): StarterConnection {
  const free: number[] = [];
  const takers: { readonly count: number; readonly take: () => void }[] = [];
  const asked: Record<'started' | 'ended', Settle[]> = { started: [], ended: [] };
  const dropped = new WeakSet<StarterPipe>();
  let isAlive = true;
  let pid = 0;

  const openPipe = (number: number): StarterPipe => ({
    number,
    open: (end, mode) => {
      const access = end === 'read' ? constants.O_RDONLY : constants.O_WRONLY;
      return openSync(`/proc/${pid}/fd/${number}`, mode === 'blocking' ? access : access | constants.O_NONBLOCK);
    },
  });
  const serveTakers = (): void => {
    for (let next = takers[0]; next !== undefined && (!isAlive || next.count <= free.length); next = takers[0]) {
      takers.shift();
      next.take();
    }
  };
  const isReady = new Promise<boolean>((resolve) => {
    readLines(output, (line) => {
      const [verb, ...numbers] = line.split(' ');
      if (verb === 'made') {
        free.push(...numbers.map(Number));
        serveTakers();
        resolve(true);
      } else if (verb === 'started' || verb === 'ended') asked[verb].shift()?.(Number(numbers[0]));
    });
    void ended.then(() => {
      isAlive = false;
      serveTakers();
      for (const settle of [...asked.started.splice(0), ...asked.ended.splice(0)]) settle(undefined);
      resolve(false);
    });
  });
  const ask = (kind: 'started' | 'ended', request: string | Buffer): Promise<number | undefined> => {
    if (!isAlive) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      asked[kind].push(resolve);
      input.write(request);
    });
  };
  const open = (starterPid: number): Starter => {
    pid = starterPid;
    return {
      pid,
      takePipes: (count) =>
        new Promise((resolve, reject) => {
          const take = (): void => {
            if (isAlive) resolve(free.splice(0, count).map(openPipe));
            else reject(new SbxError('sandbox-failed', 'the session has ended'));
          };
          takers.push({ count, take });
          serveTakers();
        }),
      dropPipe: (pipe) => {
        if (isAlive && !dropped.has(pipe)) input.write(`drop ${pipe.number}\n`);
        dropped.add(pipe);
      },
      start: (order) => ask('started', encodeOrder(order)),
      wait: (sessionPid) => ask('ended', `wait ${sessionPid}\n`),
    };
  };
  return { isReady, open };
}

function encodeOrder(order: StartOrder): Buffer {
  const words = order.argv.map((word) => Buffer.from(word));
  const { input, output, errors, options, status, endFolder, text } = order;
  const pipes = [input, output, errors, options, status, endFolder, text].map((pipe) => pipe?.number ?? '-');
  const line = ['start', ...pipes, order.umask.toString(8), order.limits, ...words.map((word) => word.length)].join(
    ' ',
  );
  return Buffer.concat([Buffer.from(`${line}\n`), ...words]);
}

/** Calls back for each whole line. */
function readLines(stream: Duplex, take: (line: string) => void): void {
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
  stream.on('error', () => {});
}
