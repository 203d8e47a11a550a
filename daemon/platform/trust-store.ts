/**
 * Which grants of which workspace its user trusts. A private file in the state directory, outside of everything that a
 * sandboxed command sees. What cannot be read with certainty is not trusted.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { SbxError } from '../../client/protocol/errors.ts';
import { whileLocked } from './file-lock.ts';
import { versionOf } from './policy-files.ts';
import { replaceFile } from './replace-file.ts';

const storeSchema = z.strictObject({
  version: z.literal(1),
  workspaces: z.array(
    z.strictObject({ workspace: z.string(), trustedAt: z.string(), grants: z.array(z.string().length(64)) }),
  ),
});

export interface TrustedWorkspace {
  readonly workspace: string;
  /** ISO 8601. */
  readonly trustedAt: string;
  /** Fingerprints of grants. */
  readonly grants: ReadonlySet<string>;
}

export interface TrustRecord {
  readonly workspaces: ReadonlyMap<string, TrustedWorkspace>;
  /** Why nothing is trusted although there is a file. */
  readonly problem: string | undefined;
}

const nothing: TrustRecord = { workspaces: new Map(), problem: undefined };

export function fingerprint(identity: string): string {
  return createHash('sha256').update(identity).digest('hex');
}

export class TrustStore {
  readonly file: string | undefined;
  readonly #uid: number | undefined;
  #version: string | undefined;
  #record = nothing;

  /** @param file undefined: nothing is ever trusted. @param uid whose file it must be. */
  constructor(file: string | undefined, uid: number | undefined) {
    this.file = file;
    this.#uid = uid;
  }

  /** The same object while the file does not change. */
  read(): TrustRecord {
    if (this.file === undefined) return nothing;
    try {
      const version = versionOf(this.file);
      if (version === undefined) this.#record = nothing;
      else if (version !== this.#version) this.#record = this.#load(this.file);
      this.#version = version;
    } catch (error) {
      this.#version = undefined;
      this.#record = { workspaces: new Map(), problem: `\`${this.file}\`: ${(error as Error).message}` };
    }
    return this.#record;
  }

  /** In place of what was trusted there before. @throws {SbxError} `bad-policy` */
  trust(workspace: string, identities: readonly string[], now: Date): void {
    const grants = new Set(identities.map(fingerprint));
    this.#change(() => [...this.#others(workspace), { workspace, trustedAt: now.toISOString(), grants }]);
  }

  /** False when it was not trusted. @throws {SbxError} `bad-policy` */
  revoke(workspace: string): boolean {
    if (!this.read().workspaces.has(workspace)) return false;
    this.#change(() => this.#others(workspace));
    return true;
  }

  #others(workspace: string): TrustedWorkspace[] {
    this.#version = undefined;
    return [...this.read().workspaces.values()].filter((each) => each.workspace !== workspace);
  }

  /** Two that trust different projects at the same time both count. */
  #change(next: () => readonly TrustedWorkspace[]): void {
    const { file } = this;
    if (file === undefined) throw new SbxError('bad-policy', 'there is no place to remember trust in');
    try {
      whileLocked(file, () => {
        const workspaces = next().map(({ grants, ...rest }) => ({ ...rest, grants: [...grants].sort() }));
        replaceFile(file, `${JSON.stringify({ version: 1, workspaces }, null, 2)}\n`);
      });
    } catch (error) {
      if (error instanceof SbxError) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      throw new SbxError('bad-policy', `trust cannot be remembered in \`${file}\`: ${code ?? message}`, {
        help: 'check that the folder belongs to you and has free space',
        cause: error,
      });
    }
  }

  #load(file: string): TrustRecord {
    const stat = statSync(file);
    const mine = this.#uid === undefined || stat.uid === this.#uid;
    if (!stat.isFile() || !mine || (stat.mode & 0o022) !== 0) {
      throw new Error('it is not a private file of this user, so nothing is trusted');
    }
    const { workspaces } = storeSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return {
      workspaces: new Map(workspaces.map((each) => [each.workspace, { ...each, grants: new Set(each.grants) }])),
      problem: undefined,
    };
  }
}
