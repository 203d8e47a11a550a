/**
 * Chooses what of the caller's environment a command gets. Pure; the lists are data (`policies/environment.jsonc`).
 * Attack it stands against: a command that prints its environment must not find the caller's tokens there, and no
 * variable may make bash run code that was never decided on (`BASH_ENV`).
 */
import { SbxError } from '../../client/protocol/errors.ts';
import { limits } from '../../client/protocol/limits.ts';

export interface EnvironmentLists {
  readonly allow: readonly string[];
  readonly secret: readonly string[];
  readonly never: readonly string[];
}

function matchesName(pattern: string, name: string): boolean {
  const pieces = pattern.split('*');
  if (pieces.length === 1) return pattern === name;
  const [first = '', ...rest] = pieces;
  const last = rest.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let from = first.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, from);
    if (found < 0 || found + piece.length > name.length - last.length) return false;
    from = found + piece.length;
  }
  return true;
}

export interface CallerEnvironment {
  readonly env: Readonly<Record<string, string>>;
  /** Names the caller grants explicitly. */
  readonly grants: readonly string[];
}

/** The names that do not pass, and why. */
export function findWithheld(
  caller: CallerEnvironment,
  lists: EnvironmentLists,
): { readonly name: string; readonly because: string }[] {
  const passes = selectEnvironment(caller, lists);
  return Object.keys(caller.env)
    .filter((name) => !passes.has(name))
    .sort()
    .map((name) => ({ name, because: whyWithheld(name, lists) }));
}

function whyWithheld(name: string, { never, secret }: EnvironmentLists): string {
  if (never.some((pattern) => matchesName(pattern, name))) return 'it would run code that no rule has seen';
  if (secret.some((pattern) => matchesName(pattern, name.toUpperCase()))) return 'its name looks like a secret';
  return 'it is not on the list';
}

/** What is withheld does not count. A larger one would fail at the program's start, with less of a reason. */
function refuseExcess(selected: ReadonlyMap<string, string>): void {
  let bytes = 0;
  for (const [name, value] of selected) bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
  if (bytes <= limits.maxEnvironmentBytes) return;
  throw new SbxError('bad-environment', `the environment has ${bytes} bytes, more than ${limits.maxEnvironmentBytes}`, {
    help: 'pass large values in a file',
  });
}

/** @throws {SbxError} `bad-environment` for a name or value that cannot be passed, or a granted name that never may be. */
export function selectEnvironment(caller: CallerEnvironment, lists: EnvironmentLists): Map<string, string> {
  const granted = new Set(caller.grants);
  for (const name of granted) {
    if (name === '' || name.includes('=') || name.includes('\0')) {
      throw new SbxError('bad-environment', `\`${name}\` cannot be the name of an environment variable`, {
        help: 'write --env NAME or --env NAME=VALUE',
      });
    }
    if (lists.never.some((pattern) => matchesName(pattern, name))) {
      throw new SbxError(
        'bad-environment',
        `\`${name}\` would run code that no rule has seen, so it is never passed on`,
        {
          help: 'set it inside the command, where it is decided on',
        },
      );
    }
  }
  const selected = new Map<string, string>();
  for (const [name, value] of Object.entries(caller.env)) {
    if (name === '' || name.includes('=') || name.includes('\0')) continue;
    const passes =
      granted.has(name) ||
      (lists.allow.some((pattern) => matchesName(pattern, name)) &&
        !lists.secret.some((pattern) => matchesName(pattern, name.toUpperCase())));
    if (!passes) continue;
    if (value.includes('\0')) {
      throw new SbxError('bad-environment', `the value of \`${name}\` has a NUL byte`, { help: 'remove the NUL byte' });
    }
    selected.set(name, value);
  }
  refuseExcess(selected);
  return selected;
}
