/**
 * Finds and reads the policy layers that hold for a workspace, the highest first: managed, project-local, project, user with
 * the saved answers, profile. Each file is looked at before every decision and parsed only after a change. What a project
 * grants counts as far as its user trusts it; a managed file that others could have written does not count at all.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Origin } from '../../client/protocol/decision.ts';
import { type ImportedSettings, importSettings } from '../decide/import-settings.ts';
import { emptyLayer, type ParsedPolicy, type PolicyProblem } from '../decide/policy.ts';
import { profileNames } from '../decide/policy-schema.ts';
import { type PolicySource, parsePolicy } from '../decide/policy-text.ts';
import { keepTrusted, type ProjectGrant } from '../decide/project-grants.ts';
import { findAnswersFile } from '../platform/answers-file.ts';
import { findPackageRoot } from '../platform/package-root.ts';
import { PolicyFile, versionOf } from '../platform/policy-files.ts';
import { findOwnerObjection, type LookAt } from '../platform/root-owned.ts';
import { fingerprint, type TrustRecord, type TrustStore } from '../platform/trust-store.ts';

/** Where layers are looked for. What is absent is not looked for, as in a test. */
export interface PolicyPlaces {
  readonly home: string;
  readonly userPolicyFile: string | undefined;
  readonly managedPolicyFile?: string | undefined;
  readonly managedPolicyFolder?: string | undefined;
  /** Saved answers, one file per workspace. */
  readonly answersFolder?: string | undefined;
  /** How the owners of managed files are looked up. */
  readonly lookAt?: LookAt | undefined;
}

/** What a client may choose about layers. */
export interface LayerChoice {
  readonly profile?: string | undefined;
  readonly import?: boolean | undefined;
}

export type LayerState = 'used' | 'absent' | 'broken' | 'untrusted' | 'ignored';

export interface PolicyLayer {
  readonly layer: Origin['layer'];
  readonly file: string;
  readonly state: LayerState;
  /** Why it is ignored. */
  readonly because: string | undefined;
  /** As far as it counts; empty where the file is absent or ignored. */
  readonly parsed: ParsedPolicy;
  /** Grants that wait for trust. */
  readonly waiting: readonly ProjectGrant[];
  /** All that it would grant, with trust. */
  readonly whole: ParsedPolicy;
  /** Keys of imported settings that would weaken the sandbox. */
  readonly weakening: readonly string[];
  /** Rules of imported settings for tools that sbx does not have. */
  readonly foreign: readonly string[];
  readonly imported: boolean;
}

interface Loaded {
  readonly parsed: ParsedPolicy;
  readonly weakening: readonly string[];
  readonly foreign: readonly string[];
  readonly ignoredBecause: string | undefined;
}

type CheckExamples = (parsed: ParsedPolicy, anchor: string) => ParsedPolicy;

/** Workspaces whose files are remembered; with more of them all are read again. */
const maxRemembered = 64;

export class PolicyLayers {
  readonly #places: PolicyPlaces;
  readonly #trust: TrustStore;
  readonly #checkExamples: CheckExamples;
  readonly #profiles = path.join(findPackageRoot(), 'policies', 'profiles');
  readonly #answers = new Map<string, string>();
  readonly #files = new Map<string, PolicyFile<Loaded>>();
  readonly #filtered = new WeakMap<ParsedPolicy, { record: TrustRecord; layer: PolicyLayer }>();
  #managedNames: { version: string | undefined; names: readonly string[] } = { version: undefined, names: [] };

  constructor(places: PolicyPlaces, trust: TrustStore, checkExamples: CheckExamples) {
    this.#places = places;
    this.#trust = trust;
    this.#checkExamples = checkExamples;
  }

  /** The highest first; flags and session come between the managed layers and the others. */
  read(workspace: string | undefined, choice: LayerChoice = {}): readonly PolicyLayer[] {
    const managed = this.managed();
    const user = this.#user(workspace);
    const { imports, profile } = choose([...managed, ...user], choice);
    const project = workspace === undefined ? [] : this.#project(workspace, imports);
    const home = imports ? this.#imported(path.join(this.#places.home, '.claude'), 'settings.json', 'user') : undefined;
    return [...managed, ...project, ...user, ...(home === undefined ? [] : [home]), this.#profile(profile)];
  }

  managed(): readonly PolicyLayer[] {
    const { managedPolicyFile, managedPolicyFolder } = this.#places;
    if (managedPolicyFile === undefined) return [];
    const files = [managedPolicyFile, ...this.#managedFiles(managedPolicyFolder)];
    return files.map((file) => this.#own('managed', file, path.dirname(managedPolicyFile)));
  }

  /** A managed file with a mistake: nothing may be decided as if it were not there (RULES O36). */
  managedProblem(): PolicyProblem | undefined {
    return this.managed().find((layer) => layer.state === 'broken')?.parsed.problems[0];
  }

  answersFile(workspace: string | undefined): string | undefined {
    const { answersFolder } = this.#places;
    if (answersFolder === undefined) return undefined;
    const known = this.#answers.get(workspace ?? '');
    if (known !== undefined) return known;
    if (this.#answers.size >= maxRemembered) this.#answers.clear();
    const file = findAnswersFile(answersFolder, workspace);
    this.#answers.set(workspace ?? '', file);
    return file;
  }

  /** Everything is read again, whatever the times of the files say. */
  reload(): void {
    for (const file of this.#files.values()) file.forget();
    this.#managedNames = { version: undefined, names: [] };
  }

  /** A file that a caller names; one of another agent, known by its folder, is read as such. */
  open(file: string, layer: Origin['layer'], home: string): ParsedPolicy | undefined {
    const folder = path.dirname(file);
    return this.#load(file, { layer, file, anchor: folder, home }, path.basename(folder) === '.claude')?.parsed;
  }

  #managedFiles(folder: string | undefined): readonly string[] {
    if (folder === undefined) return [];
    try {
      const version = versionOf(folder);
      if (version === undefined) return [];
      if (version !== this.#managedNames.version) {
        const names = readdirSync(folder).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
        this.#managedNames = { version, names: names.sort() };
      }
      return this.#managedNames.names.map((name) => path.join(folder, name));
    } catch {
      // The folder is there and cannot be listed: as a file of it that cannot be read.
      return [path.join(folder, '*.json')];
    }
  }

  #user(workspace: string | undefined): readonly PolicyLayer[] {
    const { userPolicyFile } = this.#places;
    const own = userPolicyFile === undefined ? [] : [this.#own('user', userPolicyFile, path.dirname(userPolicyFile))];
    const answers = this.answersFile(workspace);
    if (answers === undefined) return own;
    const saved = this.#own('user', answers, workspace ?? path.dirname(answers));
    const meant = saved.parsed.settings.workspace;
    if (meant === undefined || meant.value === workspace) return [...own, saved];
    const because = `it holds answers for \`${meant.value}\``;
    return [...own, { ...saved, state: 'ignored', because, parsed: emptyLayer('user', answers) }];
  }

  #project(workspace: string, imports: boolean): readonly PolicyLayer[] {
    const own = path.join(workspace, '.sbx');
    const other = path.join(workspace, '.claude');
    const layers = [
      this.#own('project-local', path.join(own, 'policy.local.json'), workspace),
      ...(imports ? [this.#imported(other, 'settings.local.json', 'project-local', workspace)] : []),
      this.#own('project', path.join(own, 'policy.json'), workspace),
      ...(imports ? [this.#imported(other, 'settings.json', 'project', workspace)] : []),
    ];
    const record = this.#trust.read();
    return layers.map((layer) => this.#filter(layer, record, workspace));
  }

  #filter(layer: PolicyLayer, record: TrustRecord, workspace: string): PolicyLayer {
    if (layer.state === 'absent') return layer;
    const known = this.#filtered.get(layer.whole);
    if (known?.record === record) return known.layer;
    const trusted = record.workspaces.get(workspace)?.grants;
    const isTrusted = (grant: ProjectGrant): boolean => trusted?.has(fingerprint(grant.identity)) === true;
    const { parsed, ignored } = keepTrusted(layer.whole, isTrusted);
    const state = ignored.length > 0 && layer.state === 'used' ? 'untrusted' : layer.state;
    const filtered: PolicyLayer = { ...layer, state, parsed, waiting: ignored };
    this.#filtered.set(layer.whole, { record, layer: filtered });
    return filtered;
  }

  #profile(name: string): PolicyLayer {
    return this.#own('built-in', `${this.#profiles}/${name}.jsonc`, this.#profiles);
  }

  #own(layer: Origin['layer'], file: string, anchor: string): PolicyLayer {
    return this.#layer(file, { layer, file, anchor, home: this.#places.home }, false);
  }

  #imported(folder: string, name: string, layer: Origin['layer'], anchor = folder): PolicyLayer {
    const file = path.join(folder, name);
    return this.#layer(file, { layer, file, anchor, home: this.#places.home }, true);
  }

  #layer(file: string, source: PolicySource, imported: boolean): PolicyLayer {
    const loaded = this.#load(file, source, imported);
    const parsed = loaded?.parsed ?? emptyLayer(source.layer, file);
    const because = loaded?.ignoredBecause;
    const state =
      loaded === undefined
        ? 'absent'
        : because !== undefined
          ? 'ignored'
          : parsed.problems.length > 0
            ? 'broken'
            : 'used';
    const { layer } = source;
    return {
      layer,
      file,
      state,
      because,
      parsed,
      whole: parsed,
      waiting: [],
      weakening: loaded?.weakening ?? [],
      foreign: loaded?.foreign ?? [],
      imported,
    };
  }

  #load(file: string, source: PolicySource, imported: boolean): Loaded | undefined {
    const key = `${source.layer}\0${source.anchor}\0${file}\0${imported}`;
    const known = this.#files.get(key);
    if (known !== undefined) return known.read();
    const opened = new PolicyFile<Loaded>(
      file,
      (text) => this.#parse(text, source, imported),
      (message, help) => this.#unreadable(source, message, help),
    );
    if (this.#files.size >= maxRemembered * 8) this.#files.clear();
    this.#files.set(key, opened);
    return opened.read();
  }

  #parse(text: string, source: PolicySource, imported: boolean): Loaded {
    const objection = this.#findObjection(source);
    if (objection !== undefined) return this.#disowned(source, objection);
    const read: ImportedSettings = imported
      ? importSettings(text, source)
      : { parsed: this.#checkExamples(parsePolicy(text, source), source.anchor), weakening: [], foreign: [] };
    return { ...read, ignoredBecause: undefined };
  }

  #unreadable(source: PolicySource, message: string, help: string | undefined): Loaded {
    const { layer, file } = source;
    const objection = this.#findObjection(source);
    if (objection !== undefined) return this.#disowned(source, objection);
    const origin = { layer, ...(file === undefined ? {} : { file }) };
    const parsed = { ...emptyLayer(layer, file), problems: [{ message, help, origin }] };
    return { parsed, weakening: [], foreign: [], ignoredBecause: undefined };
  }

  #findObjection({ layer, file }: PolicySource): string | undefined {
    if (layer !== 'managed' || file === undefined) return undefined;
    try {
      return findOwnerObjection(file, this.#places.lookAt);
    } catch {
      // What root keeps from being seen counts as managed, and as broken.
      return undefined;
    }
  }

  #disowned({ layer, file = '' }: PolicySource, because: string): Loaded {
    const message = `managed policy is ignored: ${because}`;
    const parsed = { ...emptyLayer(layer, file), notes: [{ message, origin: { layer, file } }] };
    return { parsed, weakening: [], foreign: [], ignoredBecause: because };
  }
}

/** Managed policy decides alone; else the client, then the user's own files. A project has no say (RULES S8). */
function choose(layers: readonly PolicyLayer[], choice: LayerChoice): { imports: boolean; profile: string } {
  const managed = layers.filter(({ layer }) => layer === 'managed');
  const user = layers.filter(({ layer }) => layer === 'user');
  const first = <T>(from: readonly PolicyLayer[], pick: (parsed: ParsedPolicy) => T | undefined): T | undefined =>
    from.map(({ parsed }) => pick(parsed)).find((value) => value !== undefined);
  const imports = (parsed: ParsedPolicy): boolean | undefined => parsed.settings.import?.value;
  const profile = (parsed: ParsedPolicy): string | undefined => parsed.settings.profile?.value;
  const named = first(managed, profile) ?? choice.profile ?? first(user, profile) ?? 'default';
  return {
    imports: first(managed, imports) ?? choice.import ?? first(user, imports) ?? true,
    profile: (profileNames as readonly string[]).includes(named) ? named : 'strict',
  };
}
