/**
 * Refusals in the daemon's log: the first of a kind at once, then one line a while with how many more there were. Attack
 * it stands against: a flood of bad connections that fills the disk or pushes everything else out of the log.
 */
const quietMs = 10_000;

type Later = (act: () => void, ms: number) => void;

const laterByTimer: Later = (act, ms) => void setTimeout(act, ms).unref();

/** Notes a refusal. There must be few kinds; `from` may be anything and is told of the first only. */
export function createRefusalLog(
  log: (message: string) => void,
  later: Later = laterByTimer,
): (kind: string, from?: string) => void {
  const more = new Map<string, number>();
  return (kind, from) => {
    const count = more.get(kind);
    if (count !== undefined) {
      more.set(kind, count + 1);
      return;
    }
    more.set(kind, 0);
    log(from === undefined ? kind : `${kind} (${from})`);
    later(() => {
      const others = more.get(kind) ?? 0;
      more.delete(kind);
      if (others > 0) log(`${kind} (${others} more within ${quietMs / 1000} seconds)`);
    }, quietMs);
  };
}
