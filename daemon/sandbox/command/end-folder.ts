/**
 * Learns in which folder a command's shell ended, so that the session's next command can start there. The shell reads a
 * fixed file before the command, through BASH_ENV, and says it on its way out; the command's text, its messages and line
 * numbers stay as they are. What arrives is data that the command could have made up.
 */
import { closeSync, readSync } from 'node:fs';
import { carrierDescriptors } from '../template/starter.ts';

/** A read-only file of every template. */
export const reportFile = '/run/sbx/report-cwd';
/** Descriptor at which the shell is given the pipe to the daemon. */
export const reportDescriptor = carrierDescriptors.endFolder;
/**
 * Where the shell keeps it: beside the numbers of scripts (0 to 9), of bash itself (10 and up, 255 and down) and of process
 * substitutions (63 and down) nobody would choose it. It cannot be used for anything else, because bash puts back a
 * close-on-exec descriptor above 9 that `exec` redirects.
 */
const keptDescriptor = 187;

/**
 * While a redirection lasts, bash keeps the old descriptor at 10, close-on-exec, and a copy of such a one is again
 * close-on-exec: no program that the command starts gets the pipe. Source: bash 5.2, redir.c, `do_redirection_internal`.
 *
 * The trap: in POSIX mode `unset` is found before any function of that name, and removes those named as the builtins
 * that follow. In a subshell, so that neither a failure nor the mode reaches the status or a trace; `!` keeps a failure
 * from ERR traps and `set -e`. The last line gives `$_` its usual first value.
 */
export const reportScript = `unset BASH_ENV
{ exec ${keptDescriptor}>&10; } ${reportDescriptor}>&-
exec ${reportDescriptor}>&-
trap -- '! ( [[ -p /dev/fd/${keptDescriptor} ]] && POSIXLY_CORRECT=1 && \\unset -f builtin pwd && \\builtin pwd -P >&${keptDescriptor} ) 2>&-' EXIT
: "$BASH"
`;

/** Longest path that system calls take, with its NUL (PATH_MAX). */
const maxPathBytes = 4096;

/**
 * Takes what is in the pipe now, and closes it: whoever still holds the other end is not waited for.
 * @param descriptor non-blocking.
 */
export function takeEndFolder(descriptor: number): string | undefined {
  const bytes = Buffer.alloc(maxPathBytes + 1);
  try {
    return parseEndFolder(bytes.subarray(0, readSync(descriptor, bytes)));
  } catch {
    return undefined; // EAGAIN: nothing was said, and somebody holds the pipe
  } finally {
    closeSync(descriptor);
  }
}

/** @param bytes what `pwd -P` prints; a name may hold line ends, and need not be UTF-8, which no plan can name. */
export function parseEndFolder(bytes: Uint8Array): string | undefined {
  if (bytes.length > maxPathBytes || bytes.at(-1) !== 0x0a) return undefined;
  try {
    const folder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, -1));
    return folder.startsWith('/') && !folder.includes('\0') ? folder : undefined;
  } catch {
    return undefined;
  }
}
