/** Folders that have to be looked at: a few names of each, or all of it. What comes while work is going on is part of it. */

/** With more names than these to look at in one folder, all of it is read. */
const maxNames = 256;
const workers = 4;

export interface LookOptions<F> {
  /** `names`: undefined for all of the folder. Never rejects. */
  readonly look: (folder: F, names: ReadonlySet<string> | undefined) => Promise<void>;
  readonly maxMs: number;
  /** It took longer; what was pending is given up. */
  readonly onGivenUp: () => void;
}

export class PendingLooks<F> {
  readonly #options: LookOptions<F>;
  readonly #pending = new Map<F, Set<string> | undefined>();
  #work: Promise<void> | undefined;

  constructor(options: LookOptions<F>) {
    this.#options = options;
  }

  /** Resolves when nothing is pending any more. */
  get done(): Promise<void> {
    return this.#work ?? Promise.resolve();
  }

  /** @param name undefined for all of the folder. */
  add(folder: F, name?: string): void {
    const names = this.#pending.get(folder);
    const isWhole = name === undefined || (this.#pending.has(folder) && names === undefined);
    if (isWhole || (names?.size ?? 0) >= maxNames) this.#pending.set(folder, undefined);
    else if (names === undefined) this.#pending.set(folder, new Set([name]));
    else names.add(name);
    // not at once: what a look adds belongs to the same work
    this.#work ??= Promise.resolve()
      .then(() => this.#workOff())
      .finally(() => {
        this.#work = undefined;
      });
  }

  clear(): void {
    this.#pending.clear();
  }

  async #workOff(): Promise<void> {
    const until = performance.now() + this.#options.maxMs;
    const work = async (): Promise<void> => {
      for (;;) {
        const [next] = this.#pending;
        if (next === undefined) return;
        const [folder, names] = next;
        this.#pending.delete(folder);
        if (performance.now() > until) {
          this.clear();
          this.#options.onGivenUp();
          return;
        }
        await this.#options.look(folder, names);
      }
    };
    // a worker that finds nothing to do ends, although another one may be about to find folders
    do await Promise.all(Array.from({ length: workers }, work));
    while (this.#pending.size > 0);
  }
}
