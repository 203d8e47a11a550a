/** Text of other languages on a command line: what a script of sed, awk or SQL does, and the shell commands inside of text. */
import { type Arg, makeArg } from './args.ts';
import { embeddedCommands } from './embedded-shell.ts';
import type { Draft } from './interpretation.ts';
import { commandsInCalls } from './languages/calls.ts';
import type { ProgramText } from './languages/program-text.ts';
import type { Facts, PathTarget } from './model.ts';
import { makeTarget } from './path-targets.ts';
import type { Reading } from './reading.ts';
import { connectionOf } from './remote-targets.ts';
import type { Role } from './roles.ts';

/** Roles of words in which the marks of the catalogue are looked for. */
const holdsCommands: ReadonlySet<Role> = new Set<Role>(['run', 'code', 'change', 'remote-read', 'remote-write']);

/** Commands in the value of an option: after the marks of the catalogue, or all of it where it names a program to run. */
export function applyEmbedded(
  role: Role,
  value: Arg,
  {
    shellAfter: marks,
    spawns,
  }: { readonly shellAfter?: readonly string[] | undefined; readonly spawns?: readonly string[] | undefined },
  draft: Draft,
  whole: boolean,
): void {
  if (value.text === undefined || !holdsCommands.has(role)) return;
  const commands = [
    ...embeddedCommands(value.text, marks ?? []),
    ...(role === 'code' ? commandsInCalls(value.text, spawns ?? []) : []),
  ];
  for (const text of commands) draft.embedded.push(makeArg(value.word, [{ kind: 'known', text }], false));
  if (whole && commands.length === 0) draft.shellTexts.push(value);
}

/** Files and machines that the text names after marks of the catalogue: `:r FILE` in an editor, `TCP:HOST` of socat. */
export function applyMarked(role: Role, arg: Arg, reading: Reading, draft: Draft, facts: Facts): void {
  if (arg.text === undefined) return;
  const { readsAfter = [], writesAfter = [], hostsAfter = [] } = reading.program.data;
  const marked = [
    ...embeddedCommands(arg.text, readsAfter).map((text) => ({ kind: 'read', text }) as const),
    ...embeddedCommands(arg.text, writesAfter).map((text) => ({ kind: 'write', text }) as const),
  ];
  for (const { kind, text } of marked) {
    const named = makeArg(arg.word, [{ kind: 'known', text: unquoted(text) }], false);
    const target = makeTarget(named, draft.cwd, facts, { recursive: role.endsWith('-tree') });
    if (target === undefined) continue;
    draft.effects.push({ kind, target });
    if (kind === 'write') draft.writes.push({ arg: named, cwd: draft.cwd, target });
  }
  for (const text of embeddedCommands(arg.text, hostsAfter)) {
    const { start, end } = arg.word;
    draft.effects.push({ kind: 'connect', ...connectionOf(text, true), span: { start, end } });
  }
}

function unquoted(text: string): string {
  return /^(["'])(.*)\1$/s.exec(text)?.[2] ?? text;
}

/** Text of the program's own language: harmless but for the shell commands in it. */
export function applyScript(arg: Arg, marks: readonly string[] | undefined, draft: Draft): void {
  const commands = embeddedCommands(arg.text ?? '', marks ?? []);
  for (const text of commands) draft.shellTexts.push(makeArg(arg.word, [{ kind: 'known', text }], false));
  if (arg.text !== undefined && commands.length === 0) return;
  draft.effects.push({ kind: 'execute', what: nameOf(arg), span: { start: arg.word.start, end: arg.word.end } });
  draft.unnamed.push({ word: arg.word, name: arg.word.source, because: 'can hold a shell command' });
  draft.notReadOnly ??= `\`${arg.word.source}\` can hold a shell command`;
}

export function nameOf(arg: Arg): string {
  return arg.text ?? arg.word.source;
}

/** Effects of an embedded program; what it does beyond reading must be named by a rule (RULES O16). */
export function applyProgramText(text: ProgramText, arg: Arg, draft: Draft, facts: Facts, reading: Reading): void {
  const span = { start: arg.word.start, end: arg.word.end };
  const target = (path: string): PathTarget | undefined =>
    makeTarget(makeArg(arg.word, [{ kind: 'known', text: path }], false), draft.cwd, facts, { recursive: false });
  for (const path of text.reads) {
    const read = target(path);
    if (read !== undefined) draft.effects.push({ kind: 'read', target: read });
  }
  for (const path of text.writes) {
    const write = target(path);
    if (write === undefined) continue;
    draft.effects.push({ kind: 'write', target: write });
    draft.writes.push({
      arg: makeArg(arg.word, [{ kind: 'known', text: path }], false),
      cwd: draft.cwd,
      target: write,
    });
  }
  for (const shell of text.shell ?? [])
    draft.shellTexts.push(makeArg(arg.word, [{ kind: 'known', text: shell }], false));
  if (text.runs) draft.effects.push({ kind: 'execute', what: nameOf(arg), span });
  if (text.danger === undefined) return;
  draft.unnamed.push({ word: arg.word, name: arg.word.source, because: text.danger });
  draft.notReadOnly ??= `the program text of \`${reading.program.path}\` ${text.danger}`;
}
