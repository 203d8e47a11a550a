/**
 * Why a command failed, as far as a limit, the missing network, a withheld variable or the sandbox explain it. All of it is
 * inferred from the end of what the command printed and from its status; it never decides anything.
 */
import type { Violation } from '../client/protocol/events.ts';
import type { Limits } from './decide/limits.ts';
import { findMissedAddress, findMissedHostPort, findMissedNetwork } from './egress/blocked.ts';
import { findLimitViolation } from './limit-violation.ts';
import { isPortListening } from './platform/listening-ports.ts';
import { findWithheldViolations } from './request/withheld.ts';
import type { CommandPlan, SandboxSession } from './sandbox/model.ts';

/** How much of the error output is kept to explain a failure. */
const tailBytes = 8 * 1024;

/** The end of what was printed. */
export class ErrorTail {
  #bytes = Buffer.alloc(0);
  #isCut = false;

  keep(bytes: Buffer): void {
    const joined = Buffer.concat([this.#bytes, bytes.subarray(-tailBytes)]);
    this.#isCut ||= joined.length > tailBytes || bytes.length > tailBytes;
    this.#bytes = Buffer.from(joined.subarray(-tailBytes));
  }

  get text(): string {
    return this.#bytes.toString('utf8');
  }

  /** What was printed before is gone. */
  get isCut(): boolean {
    return this.#isCut;
  }
}

export interface FailedCommand {
  readonly sandboxed: boolean;
  /** Whether what went wrong with the network was told when it did. */
  readonly network: { readonly isExact: boolean };
  readonly plan: CommandPlan;
  readonly hosts: readonly string[];
  readonly limits: Limits;
  readonly withheld: readonly string[];
}

export function explainFailedCommand(
  code: number,
  { text, isCut }: ErrorTail,
  { sandboxed, network: { isExact }, plan, hosts, limits, withheld }: FailedCommand,
  explain: SandboxSession['explainFailure'],
): readonly Violation[] {
  const limit = sandboxed ? findLimitViolation({ code, errorTail: text }, limits) : undefined;
  const missed = { errorTail: text, hosts };
  const network = sandboxed ? explainNetwork(missed, isExact) : undefined;
  return [
    ...(limit ? [limit] : []),
    ...(network ? [network] : []),
    ...findWithheldViolations(text, withheld),
    ...explain({
      text,
      isCut,
      cwd: plan.cwd,
      withheld,
      ...(plan.folders === undefined ? {} : { folders: plan.folders }),
    }),
  ];
}

function explainNetwork(failed: Parameters<typeof findMissedNetwork>[0], isExact: boolean): Violation | undefined {
  const missed = isExact ? findMissedAddress(failed) : findMissedNetwork(failed);
  return findMissedHostPort(failed, isPortListening) ?? missed;
}
