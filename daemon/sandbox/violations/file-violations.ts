/**
 * Says which paths a failed command was kept from, why, and the narrowest grant. A path is named only when the error fits
 * what the session's plan made of it: a write error at a read-only place, a missing file at a hidden one. Everything else
 * is the command's own failure.
 */
import path from 'node:path';
import type { Violation } from '../../../client/protocol/events.ts';
import type { SessionPlan } from '../plan/plan.ts';
import { isWithin } from '../plan/within.ts';
import { explainPath, type PathState } from './explain-path.ts';
import { proposeRead, proposeUnprotect, proposeWrite } from './grant.ts';
import type { HostLook } from './host-look.ts';
import { type ReportedError, readErrors } from './read-errors.ts';

export interface PlaceReason {
  /** Absolute for hidden places, a name at any depth for protected ones. */
  readonly path: string;
  readonly because: string;
}

/** What paths are judged by. */
export interface PathSetting {
  readonly plan: SessionPlan;
  readonly host: HostLook;
  /** Why places are hidden and what is protected; of places that are not listed a policy hides them. */
  readonly credentials: readonly PlaceReason[];
  readonly protectedPaths: readonly PlaceReason[];
}

export interface FailedOutput {
  /** The end of what the command wrote to its error output or terminal. */
  readonly text: string;
  /** The beginning of it is missing. */
  readonly isCut: boolean;
  /** Folder that printed names are relative to. */
  readonly cwd: string;
  /** Others in which parts of the command ran, as far as they are known. */
  readonly folders?: readonly string[];
}

export function findFileViolations(output: FailedOutput, setting: PathSetting): Violation[] {
  const found = new Map<string, Violation>();
  for (const error of readErrors(output.text, output.isCut)) {
    const violation = explainError(error, output, setting);
    // several files of one folder have one grant
    if (violation !== undefined && !found.has(keyOf(violation))) found.set(keyOf(violation), violation);
  }
  return [...found.values()];
}

function keyOf({ target, howToAllow }: Violation): string {
  return howToAllow?.includes('"sandbox"') ? howToAllow : target;
}

function explainError(
  error: ReportedError,
  { cwd, folders = [] }: FailedOutput,
  setting: PathSetting,
): Violation | undefined {
  const { home } = setting.plan.account;
  // A missing file may be missing anywhere; only the kernel's own word for read-only fits one folder and not another.
  const others = error.kind === 'read-only' ? folders.filter((folder) => folder !== cwd) : [];
  for (const candidate of error.candidates) {
    const isRelative = !/^(?:~\/|\/)/u.test(candidate);
    if (error.kind === 'unwritable' && !/^[~/]/u.test(candidate)) continue;
    for (const folder of isRelative ? [cwd, ...others] : [cwd]) {
      const printed = candidate.startsWith('~/')
        ? path.join(home, candidate.slice(2))
        : path.resolve(folder, candidate);
      // the last name may be a link that the command wanted to replace, and may be hidden: only its folder is resolved
      const target = path.join(setting.host.resolve(path.dirname(printed)), path.basename(printed));
      const violation = explainTarget(error, target, setting);
      if (violation !== undefined) return violation;
    }
  }
  return undefined;
}

function explainTarget(error: ReportedError, target: string, setting: PathSetting): Violation | undefined {
  const state = explainPath(setting.plan, target);
  const isWrite = error.kind === 'read-only' || error.kind === 'unwritable';
  switch (state.state) {
    case 'read-only':
      return isWrite || isRefusedFolder(error, target, setting.host)
        ? explainReadOnly(error, target, setting)
        : undefined;
    case 'pinned':
      return isWrite || error.kind === 'busy' ? explainPin(target, state.pin, setting) : undefined;
    case 'hidden':
      return error.kind === 'busy' || !state.isPresent ? undefined : explainHidden(isWrite, target, state, setting);
    case 'emptied':
      if (isWrite || isRefusedFolder(error, target, setting.host)) return explainReadOnly(error, target, setting);
      return error.kind === 'busy' || target === state.place ? undefined : explainEmptied(target, state.place, setting);
    case 'own':
      return explainOwn(error, target, state.folder, setting);
    case 'kernel':
      return explainKernel(error, target, setting);
    case 'writable':
      return error.kind === 'busy' && setting.plan.held.includes(target)
        ? explainPin(target, target, setting)
        : undefined;
  }
}

/** Node reports a refused mkdir as a missing file. It cannot be missing where the folder above is there. */
function isRefusedFolder({ kind, makesFolder }: ReportedError, target: string, host: HostLook): boolean {
  return (
    kind === 'missing' &&
    makesFolder &&
    host.kindOf(target) === 'absent' &&
    host.kindOf(path.dirname(target)) === 'folder' &&
    host.mayWrite(path.dirname(target))
  );
}

function explainReadOnly(error: ReportedError, target: string, setting: PathSetting): Violation | undefined {
  const { plan, host, protectedPaths } = setting;
  // without the kernel's reason it may be the host's own refusal
  if (error.kind === 'unwritable' && !host.mayWrite(findExisting(target, host))) return undefined;
  const what = plan.workspace === undefined ? 'there is no workspace' : 'it is outside the workspace';
  const protection = findProtection(target, protectedPaths);
  if (protection !== undefined) {
    return {
      ...{ kind: 'file', target, access: 'write' },
      message: `\`${target}\` is read-only inside the sandbox: ${what}, and protected because ${protection.because}`,
      howToAllow: 'if it is meant, run it outside the sandbox',
    };
  }
  return {
    ...{ kind: 'file', target, access: 'write' },
    message: `\`${target}\` is read-only inside the sandbox: ${what}`,
    howToAllow: proposeWrite(target, error.changesFolder, plan.account.home, host),
  };
}

function findExisting(target: string, host: HostLook): string {
  return target === '/' || host.kindOf(target) !== 'absent' ? target : findExisting(path.dirname(target), host);
}

function explainPin(target: string, pin: string, { plan, protectedPaths }: PathSetting): Violation {
  const protection = findProtection(pin, protectedPaths);
  if (protection === undefined) {
    return {
      ...{ kind: 'file', target, access: 'write' },
      message: `\`${target}\` is read-only inside the sandbox: a policy keeps commands from changing it`,
      howToAllow: 'sbx policy show says which (denyWrite)',
    };
  }
  const isGit = pin.split('/').includes('.git');
  return {
    ...{ kind: 'file', target, access: 'write' },
    message: `\`${target}\` is protected: ${protection.because}; commands may read it, not change it`,
    howToAllow: isGit ? 'run it outside the sandbox' : proposeUnprotect(path.relative(plan.workspace ?? '/', pin)),
  };
}

function explainHidden(
  isWrite: boolean,
  target: string,
  { place }: PathState & { readonly state: 'hidden' },
  { plan, credentials }: PathSetting,
): Violation {
  const reason = credentials.find((credential) => isWithin(credential.path, place));
  const why = reason === undefined ? 'a policy, or sbx itself, hides it' : reason.because;
  return {
    ...{ kind: 'file', target, access: isWrite ? 'write' : 'read' },
    message: `\`${target}\` is hidden inside the sandbox: ${why}`,
    howToAllow:
      isWrite || reason === undefined
        ? 'if it is meant, run it outside the sandbox'
        : proposeRead(target, plan.account.home),
  };
}

/** Told alike whether the host has it or not: a command that guesses names of the home learns nothing. */
function explainEmptied(target: string, place: string, { plan }: PathSetting): Violation {
  const { home } = plan.account;
  const what = place === home ? 'the home is hidden' : `\`${place}\` is hidden`;
  return {
    ...{ kind: 'file', target, access: 'read' },
    message: `\`${target}\` cannot be seen inside the sandbox: ${what} by the policy, but for programs and what it shows`,
    howToAllow: proposeRead(target, home),
  };
}

function explainOwn(
  error: ReportedError,
  target: string,
  folder: string,
  { host }: PathSetting,
): Violation | undefined {
  if (folder === '/run' && error.kind === 'read-only') {
    return {
      ...{ kind: 'file', target, access: 'write' },
      message: `\`${target}\` cannot be made: \`/run\` is read-only inside the sandbox`,
      howToAllow: 'let the program keep it in /tmp',
    };
  }
  const kind = host.kindOf(target);
  if (error.kind !== 'missing' || kind === 'absent') return undefined;
  if (kind === 'other') {
    return {
      ...{ kind: 'unsupported', target, access: 'connect' },
      message: `\`${target}\` is not there inside the sandbox: services of this machine are out of reach`,
      howToAllow: 'run what needs the service outside the sandbox',
    };
  }
  return {
    ...{ kind: 'file', target, access: 'read' },
    message: `\`${target}\` of this machine is not seen inside the sandbox, which has its own \`${folder}\``,
    howToAllow: 'copy it into the workspace',
  };
}

function explainKernel(error: ReportedError, target: string, { host }: PathSetting): Violation | undefined {
  if (error.kind === 'read-only' && !isWithin('/dev', target)) {
    return {
      ...{ kind: 'unsupported', target, access: 'write' },
      message: `\`${target}\` cannot be changed inside the sandbox: it is a setting of the whole machine`,
      howToAllow: 'change it outside the sandbox',
    };
  }
  if (error.kind !== 'missing' || !isWithin('/dev', target) || host.kindOf(target) !== 'other') return undefined;
  return {
    ...{ kind: 'unsupported', target, access: 'read' },
    message: `\`${target}\` is not there inside the sandbox: commands get no devices of this machine`,
    howToAllow: 'run what needs the device outside the sandbox',
  };
}

/** A protected name holds at any depth and in any letter case. */
function findProtection(target: string, protectedPaths: readonly PlaceReason[]): PlaceReason | undefined {
  const text = `${target.toLowerCase()}/`;
  return protectedPaths.find(({ path: name }) => text.includes(`/${name.toLowerCase()}/`));
}
