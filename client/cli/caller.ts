/** What a command of ours takes from whoever typed it, instead of from the process: so that tests can be one. */
export interface Caller {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @throws when the folder is gone */
  readonly cwd: () => string;
}
