/** What a program given as text on a command line does besides transforming its input. */
export interface ProgramText {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly runs: boolean;
  /** Shell text that it runs, as far as that is written out in it. */
  readonly shell?: readonly string[];
  /** What it does that a reader should not, as the end of a sentence; undefined when it only transforms. */
  readonly danger: string | undefined;
}

export const harmlessText: ProgramText = { reads: [], writes: [], runs: false, danger: undefined };

export function dangerousText(danger: string, rest: Partial<Omit<ProgramText, 'danger'>> = {}): ProgramText {
  return { reads: [], writes: [], runs: false, ...rest, danger };
}
