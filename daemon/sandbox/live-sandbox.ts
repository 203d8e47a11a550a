/**
 * The sandbox of one session. Its template is made at first use, in the background, and made anew when the host's mounts
 * or what the plan masks have changed. A template that is still in use ends with its last command.
 */

import type { SandboxReport } from '../../client/protocol/events.ts';
import type { FilePolicy } from '../decide/file-rules.ts';
import type { ApprovedPlan, SandboxProcess, SandboxSession } from './model.ts';
import type { Account } from './plan/account.ts';

/** How the sandbox of one workspace is made. */
export interface TemplateSource {
  /** As whom its commands run. */
  readonly account: Account;
  /** Where tools keep their caches inside. */
  readonly cacheFolder: string;
  /** What the policy says about files, as it stands. */
  readonly files: () => FilePolicy;
  readonly open: (files: FilePolicy, unprotected?: readonly string[]) => Promise<SandboxSession>;
}

export interface LaunchedCommand extends Pick<SandboxSession, 'report' | 'explainFailure'> {
  readonly process: SandboxProcess;
}

/** Of one command, once the session is known that it runs in. */
export interface WayOut {
  /** With what the command needs to know of it. */
  readonly plan: ApprovedPlan;
  readonly warnings: readonly string[];
  readonly started: (process: SandboxProcess) => void;
  readonly close: () => void;
}

/** @param isAlone whether no other command is in the session at the moment */
export type OpenWayOut = (session: SandboxSession, plan: ApprovedPlan, isAlone: () => boolean) => WayOut;

interface Template {
  readonly key: string;
  readonly session: Promise<SandboxSession>;
  opened: SandboxSession | undefined;
  live: number;
  retired: boolean;
}

export class LiveSandbox {
  readonly #source: TemplateSource;
  #template: Template | undefined;

  constructor(source: TemplateSource) {
    this.#source = source;
  }

  get account(): Account {
    return this.#source.account;
  }

  get cacheFolder(): string {
    return this.#source.cacheFolder;
  }

  get isReady(): boolean {
    return this.#template?.opened !== undefined;
  }

  /**
   * Makes the template if there is none that fits: what an earlier policy granted is no part of a later command's. Errors
   * show at the next `launch`.
   */
  prepare(files = this.#source.files()): void {
    const current = this.#template;
    const fits = current?.key === files.key && (current.opened === undefined || current.opened.isCurrent());
    if (fits) return;
    if (current) this.#retire(current);
    const template = this.#open(files);
    this.#template = template;
    template.session.then(
      (session) => {
        template.opened = session;
        return session.closed.then(() => this.#forget(template));
      },
      () => this.#forget(template),
    );
  }

  #open(files: FilePolicy, unprotected?: readonly string[]): Template {
    return {
      key: files.key,
      session: this.#source.open(files, unprotected),
      opened: undefined,
      live: 0,
      retired: false,
    };
  }

  /** @throws {SbxError} `sandbox-failed`, `bad-policy` */
  async launch(plan: ApprovedPlan, files: FilePolicy, openWayOut: OpenWayOut): Promise<LaunchedCommand> {
    this.prepare(files);
    const template = this.#template as Template;
    const { unprotect: unprotected = [] } = plan;
    if (unprotected.length === 0) return this.#launchIn(template, plan, openWayOut);
    const session = await template.session;
    if (!unprotected.some(session.protects)) return this.#launchIn(template, plan, openWayOut);
    // One of its own, which ends with it: nothing else ever runs where a pin is lifted.
    return this.#launchIn({ ...this.#open(files, unprotected), retired: true }, plan, openWayOut);
  }

  async #launchIn(template: Template, plan: ApprovedPlan, openWayOut: OpenWayOut): Promise<LaunchedCommand> {
    template.live++;
    let wayOut: WayOut | undefined;
    const done = () => {
      wayOut?.close();
      template.live--;
      if (template.retired && template.live === 0) this.#close(template);
    };
    try {
      const session = await template.session;
      wayOut = openWayOut(session, plan, () => template.live === 1);
      const process = await session.launch(wayOut.plan);
      wayOut.started(process);
      void process.exit.then(done);
      const report = reportWayOut(session.report, wayOut);
      return { process, report, explainFailure: session.explainFailure };
    } catch (error) {
      done();
      throw error;
    }
  }

  async close(): Promise<void> {
    const template = this.#template;
    this.#template = undefined;
    if (template) await template.session.then((session) => session.close()).catch(() => undefined);
  }

  #forget(template: Template): void {
    if (this.#template === template) this.#template = undefined;
  }

  #retire(template: Template): void {
    template.retired = true;
    if (template.live === 0) this.#close(template);
  }

  #close(template: Template): void {
    void template.session.then((session) => session.close()).catch(() => undefined);
  }
}

function reportWayOut(report: SandboxReport, { plan, warnings }: WayOut): SandboxReport {
  const network = report.network === 'filtered' && plan.network === undefined ? 'none' : report.network;
  return { ...report, network, warnings: [...report.warnings, ...warnings] };
}
