/** What reading a command line comes to: effects, dangers and further commands, and the draft in which they are collected. */
import type { Arg } from './args.ts';
import type { Effect, Facts, PathTarget, Route, UnnamedDanger } from './model.ts';
import type { Role } from './roles.ts';

/** A place that is removed, with what critical-path checks need to know about it. */
export interface Removal {
  readonly arg: Arg;
  readonly cwd: string | undefined;
  readonly recursive: boolean;
  /** Options narrow what is removed below it (`find -name`). */
  readonly filtered: boolean;
}

export interface Interpretation {
  readonly effects: readonly Effect[];
  readonly removals: readonly Removal[];
  /** Places that are written, with their arguments, for globs that could be a protected name. */
  readonly writes: readonly { readonly arg: Arg; readonly cwd: string | undefined; readonly target: PathTarget }[];
  /** Trees in which it changes files that it does not name. */
  readonly rewrites: readonly PathTarget[];
  readonly notReadOnly: string | undefined;
  readonly unnamed: readonly UnnamedDanger[];
  /** Shell text that it runs. */
  readonly shellTexts: readonly Arg[];
  /** Commands written into text of another language; what cannot be read there is no command. */
  readonly embedded: readonly Arg[];
  /** Options of a reader that run a command: no more than reading where that command only reads. */
  readonly delegated: readonly UnnamedDanger[];
  /** Words of commands that it runs. */
  readonly commands: readonly (readonly Arg[])[];
  /** Arguments that are names of shell variables. */
  readonly names: readonly Arg[];
  /** `NAME=value` words that reach a program's environment. */
  readonly environment: readonly Arg[];
  /** `NAME=value` words that the program keeps for itself. */
  readonly settings: readonly Arg[];
  /** Words that say where a connection goes, or send a file with it. */
  readonly routes: readonly Route[];
  /** Directory that relative paths of it resolve against. */
  readonly cwd: string | undefined;
}

/** The same while it is made. */
export interface Draft {
  effects: Effect[];
  removals: Removal[];
  writes: { arg: Arg; cwd: string | undefined; target: PathTarget }[];
  rewrites: PathTarget[];
  unnamed: UnnamedDanger[];
  shellTexts: Arg[];
  embedded: Arg[];
  delegated: UnnamedDanger[];
  commands: (readonly Arg[])[];
  names: Arg[];
  environment: Arg[];
  settings: Arg[];
  routes: Route[];
  notReadOnly: string | undefined;
  cwd: string | undefined;
}

/** Where an effect is noted and what its paths are relative to. */
export interface Place {
  readonly draft: Draft;
  readonly facts: Facts;
  readonly cwd: string | undefined;
}

export const defaultReasons: Partial<Record<Role, string>> = {
  run: 'runs another program',
  task: 'runs a task of the project',
  load: 'loads code from a file',
  code: 'runs code given as text',
  shell: 'runs shell text',
  'shell-line': 'runs shell text',
  typed: 'types text into another terminal',
  mount: 'gives away a file or folder of this machine',
  origin: 'may come from another machine',
  command: 'runs another command',
  'command-until': 'runs another command',
  write: 'writes a file',
  'write-tree': 'writes files',
  remove: 'removes files',
  'remove-tree': 'removes files',
  change: 'changes something',
  rewrite: 'changes files that it does not name',
  clean: 'removes files',
  'git-path': 'changes files',
  'git-switch': 'changes files',
  connect: 'connects to the network',
  route: 'sends the traffic another way',
  send: 'sends a file',
};
