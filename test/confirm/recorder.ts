/**
 * What watches real bash inside the sandbox. Every text is the whole of a `bash -c` of its own, as a run is, and is heard
 * twice, because one ear alone can be deaf:
 *
 * - `set -x`, switched on before the text by `BASH_ENV`, into a pipe of its own: exact words of every builtin, function and
 *   program that the shell itself runs, in every subshell. A DEBUG trap would see source text instead of words, and
 *   functions in place of builtins cannot stand for `local`, `shift`, `declare` or `command echo`.
 * - `command_not_found_handle`: no program of a text exists, so bash hands over each argv in a process it has forked anyway.
 *   Only the programs that run others exist, and start recorders in place of real programs.
 *
 * A driver in perl, which is part of every Debian, Fedora and macOS base system, starts the texts: bash as a driver would
 * lend them its own state, and Node needs three times as long for a process.
 */
import { chmodSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Descriptor of the record in every process of a text. */
const record = 57;

/** Programs that run what their words name. They exist, so that what they run is heard. */
const launchers = [
  ...['timeout', 'nice', 'nohup', 'env', 'xargs', 'find', 'stdbuf', 'setsid', 'ionice', 'chrt', 'bash', 'sh'],
];

/** What launchers find in place of programs. */
const recorded = [
  ...['rec1', 'rec2', 'rec3', 'rec4', 'rec5', 'rec9', 'rec99', 'npm', 'git', 'foo', 'bar', 'node', 'make', 'curl'],
  ...['ls', 'cat', 'grep', 'head', 'wc', 'sort', 'rm', 'cp', 'mv', 'touch', 'mkdir', 'sed', 'awk', 'jq', 'rg', 'tr'],
  ...['sh', 'bash', 'echo', 'printf', 'test', 'true', 'false', 'a', 'b', 'mytool'],
];

/**
 * The handler gives back both outcomes in turn, and prints what it was told to: words, options, or code for a place that
 * evaluates it. `FUNCNEST` and the sizes end what would not end by itself.
 */
const prelude = `unset BASH_ENV
FUNCNEST=40
ulimit -c 0 -f 256 -t 5
command_not_found_handle() {
  builtin set +o xtrace
  builtin local IFS=$'\\x1f'
  builtin printf '\\x1eH%s\\x1d' "$*" >&${record}
  IFS=' '
  case "$* " in
    wc\\ * | grep\\ *-c\\ *) builtin echo 1 ;;
    *) builtin printf '%s\\n' "$ORACLE_SAYS" ;;
  esac
  builtin return $(( (\${#1} + \${#2} + \${2:+\${#*}} + ORACLE_TURN) % 3 == 0 ))
}
readonly -f command_not_found_handle
BASH_XTRACEFD=${record}
PS4=$'\\x1eT'
set -o xtrace
`;

/** How the trace shows the handler's own first line. */
export const handlerTrace = 'builtin set +o xtrace';

/** In bash, because other shells take only one digit for a descriptor. */
const announce = `#!/bin/bash
(
  IFS=$'\\x1f'
  printf '\\x1eH%s\\x1d' "\${0##*/}\${1+$IFS}$*" >&${record}
)
`;

/** What only ever prints a number does so here too: the engine counts on it. */
const recorderScript = `${announce}case "${'$'}{0##*/} $* " in
  wc\\ * | grep\\ *-c\\ *) echo 1 ;;
  *) printf '%s\\n' "$ORACLE_SAYS" ;;
esac
`;

const launcherScript = (name: string, folder: string): string =>
  `${announce}PATH=${folder}/recorders:${folder}/launchers exec /usr/bin/${name} "$@"\n`;

/** Usage: driver FOLDER SCRATCH JOBS RESULTS. For each job: check with `bash -n`, run where asked, write state and record. */
const driver = String.raw`
use strict; use warnings;
use POSIX qw(:sys_wait_h dup2 setpgid);
use Time::HiRes qw(time);
my ($folder, $scratch, $jobs, $results) = @ARGV;
local $/;
open(my $in, '<', $jobs) or die "$jobs: $!"; my @fields = split(/\0/, <$in>, -1); close $in;
open(my $tree, '<', "$folder/tree") or die $!; my @tree = split(/\0/, <$tree>); close $tree;
my @says = ('1', 'w1 w2', '-x *', 'a[$(rec99 0)]', "'; rec99 0; '", 'rec99');
open(my $out, '>:raw', $results) or die "$results: $!";
$ENV{PATH} = "$folder/launchers";
$ENV{PWD} = $scratch;
sub clear { my ($place) = @_;
  opendir(my $d, $place) or return; my @names = grep { $_ ne '.' && $_ ne '..' } readdir($d); closedir $d;
  for (@names) { my $p = "$place/$_"; if (-d $p && !-l $p) { chmod 0700, $p; clear($p); rmdir $p } else { unlink $p } } }
sub fresh { clear($scratch);
  for (@tree) { my $p = "$scratch/$_";
    if (s{/$}{/}) { mkdir $p } else { open(my $f, '>', $p) or die "$p: $!"; print $f "x=1\n"; close $f } } }
sub start { my ($fd, @argv) = @_;
  my $pid = fork(); die "fork: $!" unless defined $pid;
  return $pid if $pid;
  setpgid(0, 0);
  open(STDIN, '<', $fd < 0 ? '/dev/null' : "$folder/stdin"); open(STDOUT, '>', '/dev/null'); open(STDERR, '>', '/dev/null');
  if ($fd >= 0) { dup2($fd, ${record}); POSIX::close($fd) if $fd != ${record}; }
  exec { '/bin/bash' } 'bash', @argv; POSIX::_exit(126) }
sub check { my ($text) = @_;
  my $pid = start(-1, '--norc', '-O', 'extglob', '-n', '-c', '--', $text); waitpid($pid, 0); return $? == 0 ? 1 : 0 }
sub run { my ($index, $cwd, $text) = @_;
  fresh(); chdir("$scratch/$cwd") or die "$cwd: $!"; 
  pipe(my $read, my $write) or die $!;
  local $^F = 255;
  local $ENV{BASH_ENV} = "$folder/prelude";
  local $ENV{ORACLE_SAYS} = $says[$index % @says]; local $ENV{ORACLE_TURN} = $index % 3;
  my $pid = start(fileno $write, '-c', $text); close $write;
  my ($kept, $ended, $until) = ('', 0, time + 3);
  while (length($kept) < 60000) {
    my $left = $until - time; last if $left <= 0;
    my $bits = ''; vec($bits, fileno $read, 1) = 1;
    next unless select($bits, undef, undef, $left) > 0;
    my $got = sysread($read, $kept, 65536, length $kept);
    if (!$got) { $ended = 1; last } }
  kill 'KILL', -$pid unless $ended; waitpid($pid, 0); close $read; chdir '/';
  return ($ended, $kept) }
while (@fields >= 4) {
  my ($index, $kind, $cwd, $text) = splice(@fields, 0, 4);
  my $accepted = check($text);
  my ($ended, $kept) = $kind eq 'run' ? run($index, $cwd, $text) : (1, '');
  print $out "$index $accepted $ended ", length($kept), "\n", $kept }
close $out or die $!;
`;

/** Lines for programs and \`read\` that take their input from the text's own: words, an option, code. */
const input = "1\nw1 w2\n-x\na[$(rec99 0)]\n'$(rec99 0)'\n*\n";

export interface RecorderPlace {
  /** Shell text that runs the jobs of a file in a scratch folder and writes what it heard into another file. */
  readonly driverCommand: (scratch: string, jobs: string, results: string) => string;
}

/** Writes what the sandbox needs into a folder that it sees. Folders of the tree end with a slash and come before what is in them. */
export function installRecorder(
  folder: string,
  tree: readonly string[],
  readableBy: (file: string) => void,
): RecorderPlace {
  const write = (name: string, content: string, mode = 0o644): void => {
    const file = path.join(folder, name);
    writeFileSync(file, content);
    chmodSync(file, mode);
    readableBy(file);
  };
  for (const name of ['launchers', 'recorders']) mkdirSync(path.join(folder, name));
  write('prelude', prelude);
  write('driver', driver);
  write('stdin', input);
  write('tree', tree.map((entry) => `${entry}\0`).join(''));
  write('recorder', recorderScript, 0o755);
  for (const name of recorded) linkSync(path.join(folder, 'recorder'), path.join(folder, 'recorders', name));
  for (const name of launchers) write(`launchers/${name}`, launcherScript(name, folder), 0o755);
  return {
    driverCommand: (scratch, jobs, results) => `exec perl ${folder}/driver ${folder} ${scratch} ${jobs} ${results}`,
  };
}
