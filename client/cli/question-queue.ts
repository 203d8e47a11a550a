/** The questions of a run that are not settled: one is on the terminal, the others wait for it. */
export class QuestionQueue {
  readonly #open = new Map<string, AbortController>();
  #last: Promise<void> = Promise.resolve();

  /** `answer` is called when the terminal is free; the signal aborts when the question is settled. Rejects as `answer` does. */
  put(approvalId: string, answer: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const abort = new AbortController();
    this.#open.set(approvalId, abort);
    const answered = this.#last
      .then(() => (abort.signal.aborted ? undefined : answer(abort.signal)))
      .finally(() => this.#open.delete(approvalId));
    this.#last = answered.catch(() => undefined);
    return answered;
  }

  /** Somebody has answered. */
  settle(approvalId: string): void {
    this.#open.get(approvalId)?.abort();
  }

  /** The run is over. */
  settleAll(): void {
    for (const abort of this.#open.values()) abort.abort();
  }
}
