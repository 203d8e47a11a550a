/** Puts the guard around a session: before it is made, around each command, and when it is asked whether it still fits. */
import type { ApprovedPlan, SandboxProcess, SandboxSession } from '../model.ts';
import type { Account } from '../plan/account.ts';
import type { SessionInput } from '../plan/input.ts';
import { type Guard, type Leave, openGuard } from './guard.ts';

/** @param open undefined when the host changed while it was made. */
export async function openGuarded(
  input: SessionInput,
  account: Account,
  open: (input: SessionInput) => Promise<SandboxSession | undefined>,
): Promise<SandboxSession | undefined> {
  const { workspace } = input;
  if (workspace === undefined || input.guard === undefined) return open(input);
  const rules = readRules(input);
  const guard = openGuard({ ...input.guard, workspace, account, mayMake: rules.mayMake });
  let session: SandboxSession | undefined;
  try {
    await guard.look();
    const { pins, left } = guard.listPins();
    session = await open({ ...input, nestedPins: pins });
    return session && guardSession(session, guard, { pins, left }, rules);
  } finally {
    if (session === undefined) guard.release();
    else void session.closed.then(() => guard.release());
  }
}

/** The input of a session that would be made now, with what it would pin below the workspace's own folder. */
export async function findNestedPins(input: SessionInput, account: Account): Promise<SessionInput> {
  const { workspace } = input;
  if (workspace === undefined || input.guard === undefined) return input;
  const guard = openGuard({ ...input.guard, workspace, account, mayMake: readRules(input).mayMake });
  try {
    await guard.survey();
    return { ...input, nestedPins: guard.listPins().pins };
  } finally {
    guard.release();
  }
}

type Rules = Omit<Leave, 'approved'>;

function readRules({ files }: SessionInput): Rules {
  const unprotect = files?.rules.filter(({ effect }) => effect === 'unprotect') ?? [];
  const pinned = files?.rules.filter(({ effect }) => effect === 'pin') ?? [];
  return {
    mayMake: (place) => unprotect.some((rule) => rule.covers(place)),
    hasRules: unprotect.length > 0,
    denies: (place) => pinned.find((rule) => rule.covers(place))?.because,
  };
}

function guardSession(
  session: SandboxSession,
  guard: Guard,
  { pins, left }: ReturnType<Guard['listPins']>,
  rules: Rules,
): SandboxSession {
  const { shortcoming } = guard;
  const warnings = [
    ...(shortcoming === undefined ? [] : [`protected names below the workspace may be missed: ${shortcoming}`]),
    ...(left === 0
      ? []
      : [`${left} protected files and repositories below the workspace are not read-only: there are too many`]),
  ];
  return {
    ...session,
    report: { ...session.report, warnings: [...session.report.warnings, ...warnings] },
    isCurrent: () => session.isCurrent() && guard.listPins().pins.join('\0') === pins.join('\0'),
    launch: (command) => launchGuarded(session, guard, command, rules),
  };
}

async function launchGuarded(
  session: SandboxSession,
  guard: Guard,
  command: ApprovedPlan,
  { mayMake, ...rules }: Rules,
): Promise<SandboxProcess> {
  const approved = command.unprotect ?? [];
  // what was there may be replaced by the host meanwhile, and is no less the host's for it
  const denies = (place: string): string | undefined => (session.pins(place) ? undefined : rules.denies(place));
  const isAsked = (place: string): boolean => approved.some((one) => place === one || place.startsWith(`${one}/`));
  const run = await guard.begin({ ...rules, denies, approved, mayMake: (place) => mayMake(place) || isAsked(place) });
  try {
    const process = await session.launch(command);
    const aftermath = Promise.all([process.aftermath, process.exit.then(run.end)]);
    return { ...process, aftermath: aftermath.then((notes) => notes.flat()) };
  } catch (error) {
    await run.end();
    throw error;
  }
}
