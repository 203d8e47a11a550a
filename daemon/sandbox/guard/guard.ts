/**
 * Looks after what appears in a workspace: a protected name that was absent when a run began and is there at its end was
 * made by the run's command, and is put aside, unless a person approved it. Nothing is created to hold a name free.
 *
 * A repository that appears stays when it is harmless. It is looked at as soon as it appears, and whenever it changes
 * while a run goes on, because the host's own git may come by at any moment; that is quick, but it is no wall.
 */
import { lstatSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import path from 'node:path';
import type { Violation } from '../../../client/protocol/events.ts';
import type { Account } from '../plan/account.ts';
import { bareParts, findGitFolders, isBareRepository } from '../plan/git-folders.ts';
import { awaitEnds } from '../template/survivors.ts';
import { choosePins, type Pins } from './choose-pins.ts';
import { FolderIndex, type Found } from './folder-index.ts';
import { listSubmodules } from './gitlinks.ts';
import {
  claimRecord,
  findRecords,
  type GuardRecord,
  isYounger,
  recordFile,
  removeRecord,
  writeRecord,
} from './guard-record.ts';
import { keepWatch } from './keeper.ts';
import { compileNames, type NameList, type ProtectedName } from './protected-names.ts';
import { rawPath, rawText, toRaw } from './raw-name.ts';
import { settleAsAccount } from './settle-as-account.ts';
import type { Outcome, Suspect } from './settle-suspects.ts';
import { describeLink, describeOutcome } from './tell.ts';

export interface GuardInput {
  /** Links resolved. */
  readonly workspace: string;
  readonly account: Account;
  readonly names: readonly ProtectedName[];
  /** Private folder of the account, outside the workspace. */
  readonly quarantine: string;
  /** Private folder of the daemon; what is there while a run goes on says what a daemon that is killed left to be done. */
  readonly records: string;
  /** Whether a rule of the policy lets commands make this absolute path. */
  readonly mayMake: (place: string) => boolean;
}

/** What a run may make. */
export interface Leave {
  /** Whether a person or a rule lets the command make this absolute path. */
  readonly mayMake: (place: string) => boolean;
  /** What persons approved, with what is below; rules of the policy can add to it. */
  readonly approved: readonly string[];
  readonly hasRules: boolean;
  /** Why the policy lets nobody write this absolute path; undefined where it does not say so. */
  readonly denies: (place: string) => string | undefined;
}

export interface GuardedRun {
  /** Once, when no process of the run is left. Never rejects. */
  readonly end: () => Promise<readonly Violation[]>;
}

/** More suspects than these are not moved while a run goes on, and at its end no more than these at once. */
const maxAtOnce = 200;
const maxWhileRunning = 50;
const lingerMs = 10_000;

const open = new Map<string, Guard>();

/** One for all sessions of a workspace, so that its folders are walked once. Release it when the session is closed. */
export function openGuard(input: GuardInput): Guard {
  const key = `${input.account.uid}:${input.workspace}`;
  const guard = open.get(key) ?? new Guard(input, () => open.delete(key));
  open.set(key, guard);
  guard.retain();
  return guard;
}

interface LiveRun {
  readonly since: number;
  readonly leave: Leave;
  readonly notes: Violation[];
  moved: number;
}

export class Guard {
  readonly #input: GuardInput;
  readonly #index: FolderIndex;
  readonly #live = new Set<LiveRun>();
  readonly #forget: () => void;
  readonly #alarms = new Set<Found>();
  #patrol: Promise<void> | undefined;
  #recovery: Promise<void> = Promise.resolve();
  #untold: Violation[] = [];
  #gitIndex = '';
  #pins: { readonly of: readonly Found[]; readonly pins: Pins } | undefined;
  #users = 0;
  #linger: NodeJS.Timeout | undefined;

  constructor(input: GuardInput, forget: () => void) {
    this.#input = input;
    this.#forget = forget;
    this.#index = new FolderIndex(
      toRaw(input.workspace),
      withBareParts(compileNames(input.names.filter((name) => name.path !== '.git')), input.workspace),
    );
    this.#index.onRepository = (found) => this.#alarm(found);
    this.#index.denies = (segments) => this.#denies(segments);
  }

  retain(): void {
    this.#users++;
    clearTimeout(this.#linger);
  }

  release(): void {
    if (--this.#users > 0) return;
    this.#linger = setTimeout(() => {
      this.#forget();
      this.#index.close();
    }, lingerMs);
    this.#linger.unref();
  }

  get shortcoming(): string | undefined {
    return this.#index.shortcoming;
  }

  /** What stands at protected names below the workspace's own folder, repositories first. */
  listPins(): Pins {
    const { found } = this.#index;
    if (this.#pins?.of !== found) this.#pins = { of: found, pins: choosePins(found, this.#input.workspace) };
    return this.#pins.pins;
  }

  /** Resolves when what is there is known. Changes nothing. */
  survey(): Promise<void> {
    this.#readSubmodules();
    return this.#index.catchUp();
  }

  /** Again when the repository's index is another one: a folder can become a submodule at any time. */
  #readSubmodules(): void {
    const stat = lstatSync(path.join(this.#input.workspace, '.git/index'), { throwIfNoEntry: false, bigint: true });
    const state = stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.ctimeNs}`;
    if (state === this.#gitIndex) return;
    this.#gitIndex = state;
    this.#index.addSubmodules(listSubmodules(this.#input.workspace));
  }

  /** Resolves when what is there is known, and nothing of it was left by a run of a daemon that is gone. */
  async look(): Promise<void> {
    await this.survey();
    await this.#recover(false);
    if (this.#live.size === 0) for (const found of this.#index.found) if (found.since > 0) this.#index.accept(found);
  }

  async begin(leave: Leave): Promise<GuardedRun> {
    await this.look();
    const run: LiveRun = { since: this.#index.advance(), leave, notes: this.#untold.splice(0), moved: 0 };
    this.#live.add(run);
    const unrecorded = this.#record();
    if (unrecorded !== undefined) run.notes.push(unrecorded);
    keepWatch(this.#input.records);
    let ended: Promise<readonly Violation[]> | undefined;
    return {
      end: () => {
        ended ??= this.#end(run);
        return ended;
      },
    };
  }

  async #end(run: LiveRun): Promise<readonly Violation[]> {
    try {
      await this.#index.catchUp();
      await this.#patrol;
      const suspects = this.#index.found.filter((found) => found.since >= run.since && !this.#isApproved(found));
      const now = suspects.slice(0, maxAtOnce);
      run.notes.push(...(await this.#settle(now, false)));
      if (suspects.length > now.length) {
        run.notes.push(
          this.#remark(`${suspects.length - now.length} more protected names were made and are still there`),
        );
      }
      run.notes.push(...(await this.#findLinks(run)));
    } catch (error) {
      run.notes.push(this.#remark(`what the command made could not be looked at: ${(error as Error).message}`));
    }
    this.#live.delete(run);
    for (const found of this.#index.found) {
      if (found.since >= run.since && run.leave.mayMake(this.#placeOf(found))) this.#index.accept(found);
    }
    // what stays is pinned for the next run; as long as another one goes on, that one may still change it
    if (this.#live.size === 0 && this.#index.found.some((found) => found.since > 0)) await this.look();
    this.#record();
    const { shortcoming } = this.#index;
    if (shortcoming !== undefined)
      run.notes.push(this.#remark(`protected names below the workspace may be missed: ${shortcoming}`));
    return run.notes;
  }

  /** While a run goes on, what was there before it is on disk. Undefined when that went well. */
  #record(): Violation | undefined {
    const { workspace, account, quarantine, names, records } = this.#input;
    const file = recordFile(records, workspace, account);
    const runs = [...this.#live];
    try {
      if (runs.length === 0) removeRecord(file);
      else {
        writeRecord(file, {
          ...{ workspace, account, quarantine, names, told: [] },
          found: this.#index.found.filter(({ since }) => since === 0).map(keyOf),
          isWhole: this.shortcoming === undefined,
          approved: runs.flatMap(({ leave }) => leave.approved),
          needsPolicy: runs.some(({ leave }) => leave.hasRules),
        });
      }
      return undefined;
    } catch (error) {
      return this.#remark(
        `if sbx is killed during a run, nobody will know what that made at protected names: ${(error as Error).message}`,
      );
    }
  }

  /** Settles what is left, and leaves what is to be told about it for who opens the workspace next. Never rejects. */
  async settleLeft(): Promise<void> {
    await this.survey();
    await this.#recover(true);
  }

  /** While a run of its own goes on, what is new is looked at when that ends. */
  #recover(leaveTold: boolean): Promise<void> {
    this.#recovery = this.#recovery.then(async () => {
      const { workspace, account, records } = this.#input;
      if (this.#live.size > 0) return;
      for (const { file, isUncertain } of findRecords(records, { workspace, account })) {
        try {
          if (isUncertain) this.#untold.push(this.#remarkLeft('its daemon cannot be seen from here', file));
          else await claimRecord(file, (record) => this.#settleRecord(record, file, leaveTold));
        } catch (error) {
          this.#untold.push(this.#remarkLeft((error as Error).message, file));
        }
      }
    });
    return this.#recovery;
  }

  async #settleRecord(record: GuardRecord, file: string, leaveTold: boolean): Promise<void> {
    const { found, isWhole, approved, needsPolicy } = record;
    if (leaveTold && (found === undefined || needsPolicy)) return;
    const told = [...record.told];
    if (!isWhole) told.push(this.#remarkLeft('not all of the workspace had been looked at', file));
    else if (found !== undefined) {
      await awaitEnds();
      await this.#index.catchUp();
      const there = new Set(found);
      const suspects = this.#index.found.filter((one) => {
        const place = this.#placeOf(one);
        if (there.has(keyOf(one)) || isBelow(approved, place) || this.#input.mayMake(place)) return false;
        return !isYounger(rawPath([toRaw(this.#input.workspace), ...one.segments].join('/')), record);
      });
      told.push(...(await this.#settle(suspects, false)));
      await this.#index.catchUp();
    }
    if (leaveTold && told.length > 0) writeRecord(file, { ...record, found: undefined, told }, record.daemon);
    else {
      removeRecord(file);
      this.#untold.push(...told);
    }
  }

  #remarkLeft(why: string, file: string): Violation {
    return this.#remark(`what a run that was cut off made at protected names may still be there: ${why} (${file})`);
  }

  #denies(segments: readonly string[]): string | undefined {
    if (this.#live.size === 0) return undefined;
    const place = this.#placeOf({ segments });
    for (const { leave } of this.#live) {
      const because = leave.denies(place);
      if (because !== undefined) return because;
    }
    return undefined;
  }

  #isApproved(found: Found): boolean {
    return [...this.#live].some((run) => run.leave.mayMake(this.#placeOf(found)));
  }

  #placeOf({ segments }: Pick<Found, 'segments'>): string {
    return [this.#input.workspace, ...segments.map(rawText)].join('/');
  }

  #remark(message: string): Violation {
    return { kind: 'protected', target: this.#input.workspace, message };
  }

  async #settle(suspects: readonly Found[], running: boolean): Promise<readonly Violation[]> {
    if (suspects.length === 0) return [];
    const { workspace, quarantine, account } = this.#input;
    const outcomes = await settleAsAccount(account, {
      workspace,
      quarantine,
      running,
      gitFolders: findGitFolders(workspace).folders,
      suspects: suspects.map(({ segments, kind, because }): Suspect => ({ segments, kind, because })),
    });
    return outcomes.flatMap((outcome: Outcome) => describeOutcome(workspace, outcome) ?? []);
  }

  /** At most one look at a time; what comes meanwhile is looked at next. */
  #alarm(found: Found): void {
    if (this.#live.size === 0) return;
    this.#alarms.add(found);
    this.#patrol ??= this.#lookAtAlarms().finally(() => {
      this.#patrol = undefined;
    });
  }

  async #lookAtAlarms(): Promise<void> {
    while (this.#alarms.size > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      const found = [...this.#alarms].filter((one) => !this.#isApproved(one));
      this.#alarms.clear();
      const [run] = [...this.#live].filter((live) => live.moved < maxWhileRunning);
      if (run === undefined || found.length === 0) return;
      try {
        const notes = await this.#settle(found, true);
        run.moved += notes.length;
        run.notes.push(...notes);
      } catch {
        return; // at the end of the run it is tried again, and told
      }
    }
  }

  async #findLinks(run: LiveRun): Promise<readonly Violation[]> {
    const { workspace } = this.#input;
    const notes: Violation[] = [];
    for (const { segments, since } of this.#index.newLinks) {
      if (since < run.since || notes.length >= maxAtOnce) continue;
      const place = [toRaw(workspace), ...segments].join('/');
      const target = await readlink(rawPath(place)).catch(() => undefined);
      if (target === undefined) continue;
      const leadsTo = path.resolve(path.dirname(rawText(place)), target.toString());
      if (leadsTo !== workspace && !leadsTo.startsWith(`${workspace}/`))
        notes.push(describeLink(rawText(place), leadsTo));
    }
    if (this.#live.size <= 1) this.#index.forgetLinks(run.since + 1);
    return notes;
  }
}

function keyOf({ kind, segments, shape }: Found): string {
  return `${kind} ${shape} ${segments.join('/')}`;
}

function isBelow(folders: readonly string[], place: string): boolean {
  return folders.some((folder) => place === folder || place.startsWith(`${folder}/`));
}

/** Where the workspace's own folder is a repository, what belongs to that is protected there, and only there. */
function withBareParts(names: NameList, workspace: string): NameList {
  const find: NameList['find'] = (segments) => {
    const [name = ''] = segments;
    const isPart = segments.length === 1 && bareParts.includes(name) && isBareRepository(workspace);
    return isPart ? { because: 'git on the host would trust or run it', kind: 'any' } : names.find(segments);
  };
  return { ...names, find };
}
