/** Turn-by-turn timing: noise of the machine hits every contestant alike. Times in milliseconds. */

export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly target: string;
}

export function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}

export async function timeInTurns(
  contestants: Readonly<Record<string, () => Promise<unknown>>>,
  rounds: number,
  warmUp = 3,
): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    for (const [name, act] of Object.entries(contestants)) {
      const started = performance.now();
      await act();
      if (round >= 0) times[name]?.push(performance.now() - started);
    }
  }
  return times;
}

export function ratioRow(what: string, ours: readonly number[], theirs: readonly number[], target: string): Row {
  const [a, b] = [quantile(ours, 0.5), quantile(theirs, 0.5)];
  return { what, measured: `${(a / b).toFixed(2)}x  (${a.toFixed(1)} / ${b.toFixed(1)} ms)`, target };
}
