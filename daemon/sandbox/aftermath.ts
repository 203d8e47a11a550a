/**
 * What the sandbox found after a command's end, within bounds: a step that hangs, or a command that makes thousands of
 * things to report, holds up neither the run's end nor its viewers. What was cut is said.
 */
import type { Violation } from '../../client/protocol/events.ts';

export interface AftermathBounds {
  readonly waitMs: number;
  readonly count: number;
}

const defaultBounds: AftermathBounds = { waitMs: 60_000, count: 64 };

/**
 * Never rejects.
 * @param folder what a remark about the aftermath itself is about.
 */
export async function collectAftermath(
  aftermath: Promise<readonly Violation[]>,
  folder: string,
  { waitMs, count }: AftermathBounds = defaultBounds,
): Promise<readonly Violation[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), waitMs);
  });
  // merging a repository is the step that takes long, or fails without a remark of its own
  const remark = (message: string): Violation => ({ kind: 'git', target: folder, message });
  try {
    const found = await Promise.race([aftermath, late]);
    if (found === undefined) {
      return [remark(`the sandbox is still at work on what the command left after ${waitMs / 1000} s; it goes on`)];
    }
    if (found.length <= count) return found;
    return [...found.slice(0, count), ...tellLeftOut(found.slice(count), folder)];
  } catch (error) {
    return [remark(`what the command left could not be looked at: ${(error as Error).message}`)];
  } finally {
    clearTimeout(timer);
  }
}

/** Who looks for remarks of one kind alone has to see that some are missing. */
function tellLeftOut(left: readonly Violation[], folder: string): Violation[] {
  return [...new Set(left.map(({ kind }) => kind))].map((kind) => {
    const count = left.filter((each) => each.kind === kind).length;
    return { kind, target: folder, message: `${count} more remarks of this kind about this run are left out` };
  });
}
