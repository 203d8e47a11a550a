/**
 * What the runs of one daemon share: memory, room on disk, open files. Bounds hold for all runs together, so that a
 * client with many runs cannot do what one run cannot; who is over its share gives way to who has less.
 */
import { limits } from '../../client/protocol/limits.ts';
import type { SpillAccount } from './spill.ts';
import { createSpillDisk, type SpillDisk } from './spill-disk.ts';

/** Sizes in bytes unless the name says otherwise. */
export interface StreamBudgets {
  readonly maxPayloadBytes: number;
  readonly viewerWindowBytes: number;
  readonly viewerWindowMessages: number;
  /** Newest output of one run in memory; of all runs; what a run has at least. */
  readonly ringBytes: number;
  readonly ringBudgetBytes: number;
  readonly minRingBytes: number;
  readonly maxSpillBytes: number;
  readonly spillBudgetBytes: number;
  readonly maxSpillFiles: number;
  readonly segmentBytes: number;
  /** Unit of writing and reading. */
  readonly blockBytes: number;
  readonly diskRetryMs: number;
  /** Violations of one run that are remembered, and bytes of all its events above which fewer are. */
  readonly maxViolations: number;
  readonly maxEventBytes: number;
}

export const defaultBudgets: StreamBudgets = {
  maxPayloadBytes: limits.maxPayloadBytes,
  viewerWindowBytes: limits.viewerWindowBytes,
  viewerWindowMessages: limits.viewerWindowMessages,
  ringBytes: limits.ringBytes,
  ringBudgetBytes: limits.ringBudgetBytes,
  minRingBytes: 256 * 1024,
  maxSpillBytes: limits.maxSpillBytes,
  spillBudgetBytes: limits.spillBudgetBytes,
  maxSpillFiles: 512,
  segmentBytes: 16 * 1024 * 1024,
  blockBytes: 256 * 1024,
  diskRetryMs: 1_000,
  maxViolations: 10_000,
  maxEventBytes: 8 * 1024 * 1024,
};

/** A run, as the store sees it. */
export interface StoredRun {
  readonly ringBytes: number;
  /** Its share is another, or there is room on disk again. */
  readonly reconsider: () => void;
}

/** Node's pool has four threads: more writes than that are not under way. */
const maxScratch = 4;

interface Usage {
  ring: number;
  other: number;
}

export class OutputStore {
  readonly budgets: StreamBudgets;
  readonly spillAccount: SpillAccount;
  readonly #runs = new Map<StoredRun, Usage>();
  readonly #waiting = new Set<StoredRun>();
  #memory = 0;
  #rings = 0;
  #ringsWhenShared = 0;
  #share: number;
  #disk = 0;
  #files = 0;
  #hasReported = false;
  #isWaking = false;
  #scratch: Buffer[] = [];

  /** `directory`: 0700 and this daemon's alone. Tests pass small budgets and a disk that fails. */
  constructor(options: {
    readonly directory: string;
    readonly log: (message: string) => void;
    readonly budgets?: Partial<StreamBudgets>;
    readonly disk?: SpillDisk;
    /** Milliseconds from any beginning. */
    readonly now?: () => number;
  }) {
    const budgets = { ...defaultBudgets, ...options.budgets };
    this.budgets = budgets;
    this.#share = budgets.ringBytes;
    this.spillAccount = {
      disk: options.disk ?? createSpillDisk(options.directory),
      segmentBytes: budgets.segmentBytes,
      maxRunBytes: budgets.maxSpillBytes,
      retryMs: budgets.diskRetryMs,
      now: options.now ?? (() => performance.now()),
      hasRoom: (bytes, files) =>
        this.#disk + bytes <= budgets.spillBudgetBytes && this.#files + files <= budgets.maxSpillFiles,
      add: (bytes, files) => this.#addDisk(bytes, files),
      report: (error) => {
        if (this.#hasReported) return;
        this.#hasReported = true;
        options.log(`output of runs cannot be kept on disk, slow viewers may miss some: ${error.message}`);
      },
    };
  }

  get held(): { readonly memory: number; readonly disk: number } {
    return { memory: this.#memory, disk: this.#disk };
  }

  /** Open spill files, for `status` and tests. */
  get openFiles(): number {
    return this.#files;
  }

  /** Bytes that one run's ring may have now. */
  get ringShare(): number {
    return this.#share;
  }

  /** Memory for a block that is written; to be given back. */
  takeScratch(): Buffer {
    return this.#scratch.pop() ?? Buffer.allocUnsafeSlow(this.budgets.blockBytes);
  }

  giveScratch(scratch: Buffer): void {
    if (this.#scratch.length < maxScratch) this.#scratch.push(scratch);
  }

  add(run: StoredRun): void {
    this.#runs.set(run, { ring: 0, other: 0 });
  }

  remove(run: StoredRun): void {
    this.account(run, 0, 0);
    this.#runs.delete(run);
    this.#waiting.delete(run);
    this.#shareOut();
  }

  /** What a run has in memory now: its ring, and what no share takes away from it. */
  account(run: StoredRun, ring: number, other: number): void {
    const usage = this.#runs.get(run);
    if (!usage) return;
    this.#memory += ring + other - usage.ring - usage.other;
    this.#rings += ring - usage.ring;
    usage.ring = ring;
    usage.other = other;
    const { ringBudgetBytes } = this.budgets;
    if (Math.abs(this.#rings - this.#ringsWhenShared) * 32 >= ringBudgetBytes) this.#shareOut();
  }

  /** A run that can go on only when there is room on disk or its share is larger. */
  setWaiting(run: StoredRun, isWaiting: boolean): void {
    if (isWaiting) this.#waiting.add(run);
    else this.#waiting.delete(run);
  }

  /**
   * The share is such that all rings cut down to it fill the budget. It grows again, step by step, only when a quarter
   * of the budget is free: else runs that fill their shares would make it swing.
   */
  #shareOut(): void {
    const { ringBytes, ringBudgetBytes, minRingBytes } = this.budgets;
    this.#ringsWhenShared = this.#rings;
    if (this.#rings * 4 < ringBudgetBytes * 3) {
      if (this.#share === ringBytes) return;
      this.#share = Math.min(ringBytes, this.#share * 2);
      this.#wakeWaiting();
      return;
    }
    if (this.#rings <= ringBudgetBytes) return;
    const share = Math.min(this.#share, Math.max(minRingBytes, this.#findShare()));
    if (share === this.#share) return;
    this.#share = share;
    for (const [run, usage] of [...this.#runs]) if (usage.ring > share) run.reconsider();
  }

  #findShare(): number {
    const rings = [...this.#runs.values()].map((usage) => usage.ring).sort((a, b) => a - b);
    let left = this.budgets.ringBudgetBytes;
    for (const [index, ring] of rings.entries()) {
      const equal = Math.floor(left / (rings.length - index));
      if (ring > equal) return equal;
      left -= ring;
    }
    return this.budgets.ringBytes;
  }

  #addDisk(bytes: number, files: number): void {
    this.#disk += bytes;
    this.#files += files;
    if (bytes < 0 || files < 0) this.#wakeWaiting();
  }

  /** Not at once: the run that made room is in the middle of it. */
  #wakeWaiting(): void {
    if (this.#waiting.size === 0 || this.#isWaking) return;
    this.#isWaking = true;
    setImmediate(() => {
      this.#isWaking = false;
      for (const run of [...this.#waiting]) run.reconsider();
    });
  }
}
