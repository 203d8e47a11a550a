/**
 * What a command line means: walks a reading of it and says its effects, whether the built-in read-only set covers it,
 * what a broad grant leaves out, and which further commands it runs.
 */
import { codeRoles, harmlessRoles, type Role } from './catalogue.ts';
import { needsNaming } from './compile-catalogue.ts';
import { embeddedCommands } from './embedded-shell.ts';
import { readAwk } from './languages/awk.ts';
import { readJq } from './languages/jq.ts';
import type { ProgramText } from './languages/program-text.ts';
import { readSed } from './languages/sed.ts';
import { readSql } from './languages/sql.ts';
import type { Effect, Facts, PathTarget, Route, UnnamedDanger } from './model.ts';
import { isFreeTarget, makeTarget, resolvePath } from './path-targets.ts';
import { hasOption, type Reading } from './read-arguments.ts';
import { connectionOf, isRemotePath } from './remote-targets.ts';
import type { Variables } from './variables.ts';
import { type Arg, argFrom, couldBeOption, makeArg, prefixOf } from './words.ts';

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
  /** Words that say where a connection goes, or send a file with it. */
  readonly routes: readonly Route[];
  /** Directory that relative paths of it resolve against. */
  readonly cwd: string | undefined;
}

interface Draft {
  effects: Effect[];
  removals: Removal[];
  writes: { arg: Arg; cwd: string | undefined; target: PathTarget }[];
  unnamed: UnnamedDanger[];
  shellTexts: Arg[];
  embedded: Arg[];
  delegated: UnnamedDanger[];
  commands: (readonly Arg[])[];
  names: Arg[];
  environment: Arg[];
  routes: Route[];
  notReadOnly: string | undefined;
  cwd: string | undefined;
}

/** Where an effect is noted and what its paths are relative to. */
interface Place {
  readonly draft: Draft;
  readonly facts: Facts;
  readonly cwd: string | undefined;
}

const defaultReasons: Partial<Record<Role, string>> = {
  run: 'runs another program',
  load: 'loads code from a file',
  code: 'runs code given as text',
  shell: 'runs shell text',
  'shell-line': 'runs shell text',
  command: 'runs another command',
  'command-until': 'runs another command',
  write: 'writes a file',
  'write-tree': 'writes files',
  remove: 'removes files',
  'remove-tree': 'removes files',
  change: 'changes something',
  connect: 'connects to the network',
  route: 'sends the traffic another way',
  send: 'sends a file',
};

export function interpret(
  reading: Reading,
  cwd: string | undefined,
  facts: Facts,
  variables: Variables,
): Interpretation {
  const { program } = reading;
  const draft: Draft = {
    effects: [],
    removals: [],
    writes: [],
    unnamed: [],
    shellTexts: [],
    embedded: [],
    delegated: [],
    commands: [],
    names: [],
    environment: [],
    routes: [],
    notReadOnly: undefined,
    cwd,
  };
  for (const { role, value } of reading.options) {
    if (role !== 'directory' || value === undefined) continue;
    const target = makeTarget(value, draft.cwd, facts, { recursive: false });
    if (target !== undefined) draft.effects.push({ kind: 'chdir', target });
    draft.cwd = value.text === undefined ? undefined : resolvePath(value.text, draft.cwd);
  }
  for (const { option, value, role, arg, command, further } of reading.options) {
    const before = draft.unnamed.length;
    if (command !== undefined) draft.commands.push(command);
    const subject = value ?? arg;
    const isArchive = option.meaning.role === 'archive';
    if (isArchive && value !== undefined && isRemoteArchive(value, reading)) {
      applyRemoteArchive(value, draft);
      continue;
    }
    const base = isArchive ? cwd : draft.cwd;
    const marks = option.meaning.shellAfter ?? program.data.shellAfter;
    if (value !== undefined) applyEmbedded(role, value, marks, draft, role === 'run');
    apply(role, subject, value !== undefined, reading, { draft, facts, cwd: base });
    if (option.meaning.further !== undefined && further !== undefined)
      apply(option.meaning.further, further, true, reading, { draft, facts, cwd: base });
    if (role === 'command-until' && program.data.readOnly === true && !option.meaning.mustBeNamed) {
      const because = option.meaning.because ?? defaultReasons[role] ?? 'runs another command';
      draft.delegated.push({ word: arg.word, name: option.spelling, because });
      continue;
    }
    if (
      needsNaming({ role, mustBeNamed: option.meaning.mustBeNamed }, program.data) &&
      draft.unnamed.length === before
    ) {
      draft.unnamed.push({
        word: arg.word,
        name: option.spelling,
        because: option.meaning.because ?? defaultReasons[role] ?? 'can do more than its program',
      });
    }
    if (!harmlessRoles.has(role) || option.meaning.mustBeNamed)
      draft.notReadOnly ??= `\`${option.spelling}\` ${option.meaning.because ?? defaultReasons[role] ?? 'is not read-only'}`;
  }
  const asks = onlyAsks(reading);
  for (const { arg, role: given, mustBeNamed } of joinShellOperands(reading.operands)) {
    const role = asks && given === 'write' ? 'read' : given;
    const before = draft.unnamed.length;
    apply(role, arg, true, reading, { draft, facts, cwd: draft.cwd });
    applyEmbedded(role, arg, program.data.shellAfter, draft, false);
    const dangerous = mustBeNamed || (codeRoles.has(role) && program.data.purpose !== 'run');
    if (dangerous && draft.unnamed.length === before) {
      draft.unnamed.push({
        word: arg.word,
        name: arg.word.source,
        because: defaultReasons[role] ?? 'can do more than its program',
      });
    }
    if (role === 'assignment') {
      if (!isHarmlessAssignment(arg, variables))
        draft.notReadOnly ??= `\`${arg.word.source}\` can change more than language, colour or verbosity`;
    } else if (!harmlessRoles.has(role) && !(role === 'write' && isFree(arg)))
      draft.notReadOnly ??=
        role === 'unknown'
          ? `\`${arg.word.source}\` is more than the catalogue knows of \`${program.path}\``
          : `\`${program.path}\` ${defaultReasons[role] ?? 'is not read-only'}`;
  }
  if (program.data.into === true) applyInto(reading, draft, facts);
  applyImplicit(reading, draft, facts);
  applyAlways(reading, draft, facts);
  if (reading.command !== undefined) {
    draft.commands.push(reading.command);
    draft.notReadOnly ??= `\`${program.path}\` runs another command`;
    const [first] = reading.command;
    if (first !== undefined && program.data.purpose !== 'run' && program.data.wrapper === undefined) {
      draft.unnamed.push({ word: first.word, name: first.word.source, because: 'is a command that it runs' });
    }
  }
  applyUncertainty(reading, draft);
  draft.notReadOnly ??= findReadOnlyObstacle(reading);
  return draft;
}

/** Whether SQL is given and all of it only asks: the file that it works on is read then. */
function onlyAsks(reading: Reading): boolean {
  const texts = [
    ...reading.operands.flatMap(({ role, arg }) => (role === 'sql' ? [arg] : [])),
    ...reading.options.flatMap(({ role, value }) => (role === 'sql' && value !== undefined ? [value] : [])),
  ];
  return texts.length > 0 && texts.every((arg) => readSql(arg).danger === undefined);
}

function isFree(arg: Arg): boolean {
  return arg.text !== undefined && isFreeTarget(arg.text);
}

/** GNU tar takes `HOST:FILE` for an archive on another machine unless it is told otherwise. */
function isRemoteArchive(value: Arg, reading: Reading): boolean {
  return value.text !== undefined && isRemotePath(value.text) && !hasOption(reading, '--force-local');
}

function applyRemoteArchive(value: Arg, draft: Draft): void {
  const { word } = value;
  draft.effects.push({
    kind: 'connect',
    ...connectionOf(value.text, true),
    span: { start: word.start, end: word.end },
  });
  draft.unnamed.push({ word, name: word.source, because: 'is on another machine, which a program is run to reach' });
  draft.notReadOnly ??= `\`${word.source}\` is on another machine`;
}

/** `eval` and `ssh` join their operands with blanks before a shell reads them. */
function joinShellOperands(operands: Reading['operands']): Reading['operands'] {
  const shell = operands.filter(({ role }) => role === 'shell');
  const texts = shell.length > 1 && shell[0]?.arg.text === '--' ? shell.slice(1) : shell;
  const [first] = texts;
  if (first === undefined || shell.length === 1) return operands;
  const pieces = texts.flatMap(({ arg }, index) =>
    index === 0 ? arg.pieces : [{ kind: 'known', text: ' ' } as const, ...arg.pieces],
  );
  const joined = {
    ...first,
    arg: makeArg(
      first.arg.word,
      pieces,
      texts.some(({ arg }) => arg.many),
    ),
  };
  return [...operands.filter(({ role }) => role !== 'shell'), joined];
}

function apply(role: Role, arg: Arg, hasValue: boolean, reading: Reading, place: Place): void {
  const { draft, facts, cwd } = place;
  const span = { start: arg.word.start, end: arg.word.end };
  const path = (kind: 'read' | 'write' | 'remove', recursive: boolean): void => {
    if (!hasValue || arg.text === '-') return;
    const target = makeTarget(arg, cwd, facts, { recursive });
    if (target === undefined) return;
    draft.effects.push({ kind, target });
    if (kind !== 'read') draft.writes.push({ arg, cwd, target });
    if (kind === 'remove') draft.removals.push({ arg, cwd, recursive, filtered: reading.filtered });
  };
  switch (role) {
    case 'read':
    case 'read-tree':
      path('read', role === 'read-tree');
      return;
    case 'write':
    case 'write-tree':
      path('write', role === 'write-tree');
      return;
    case 'remove':
    case 'remove-tree':
      path('remove', role === 'remove-tree');
      return;
    case 'move':
      path('read', true);
      path('remove', true);
      return;
    case 'link': {
      path('read', false);
      const target = makeTarget(arg, cwd, facts, { recursive: false });
      if (target !== undefined) draft.writes.push({ arg, cwd, target });
      return;
    }
    case 'list':
      // Names of a place that is not known are nobody's contents.
      if (arg.text !== undefined) path('read', false);
      return;
    case 'format':
      if (/^\+/.test(prefixOf(arg))) return;
      draft.notReadOnly ??= `\`${arg.word.source}\` may set what \`${reading.program.path}\` shows`;
      return;
    case 'suffix':
      // A suffix with a slash or star is a place of its own for the copies. Source: sed manual "-i".
      if (!hasValue || !/[/*]/.test(arg.text ?? '/')) return;
      apply('write', makeArg(arg.word, [...arg.pieces, { kind: 'glob', text: '*' }], false), true, reading, place);
      return;
    case 'git-object':
      applyGitObject(arg, draft, facts);
      return;
    case 'git-url':
      if (arg.text !== undefined && !isRemotePath(arg.text)) {
        // The name of a remote, or a repository on this machine.
        if (/^\w[\w.-]*$/.test(arg.text))
          draft.effects.push({ kind: 'connect', host: undefined, url: undefined, span });
        else path('read', true);
        return;
      }
      draft.effects.push({ kind: 'connect', ...connectionOf(arg.text, false), span });
      if (arg.text === undefined ? couldBeOption(arg) : /^[A-Za-z0-9]+::/.test(arg.text)) {
        draft.unnamed.push({
          word: arg.word,
          name: arg.word.source,
          because: 'a transport of this kind runs a program',
        });
        draft.notReadOnly ??= `\`${arg.word.source}\` can run a program`;
      }
      return;
    case 'url':
      draft.routes.push({ word: arg.word, address: true });
      if (/^file:/i.test(prefixOf(arg))) {
        const local = argFrom(arg, /^file:(?:\/\/(?:localhost)?(?=\/|$))?/i.exec(prefixOf(arg))?.[0].length ?? 0);
        const target = makeTarget(local, cwd, facts, { recursive: false });
        if (target !== undefined) draft.effects.push({ kind: 'read', target });
        return;
      }
      draft.effects.push({ kind: 'connect', ...connectionOf(arg.text, false), span });
      return;
    case 'host':
      draft.effects.push({ kind: 'connect', ...connectionOf(arg.text, role === 'host'), span });
      return;
    case 'remote-read':
    case 'remote-write':
    case 'remote-mirror':
      if (arg.text !== undefined && isRemotePath(arg.text))
        draft.effects.push({ kind: 'connect', ...connectionOf(arg.text, true), span });
      else {
        path(role === 'remote-read' ? 'read' : 'write', true);
        if (role === 'remote-mirror') path('remove', true);
      }
      return;
    case 'upload': {
      const file = /^(?:[^=@<]*=)?[@<]([^;,]+)/.exec(arg.text ?? '')?.[1];
      const target =
        file === undefined || file === '-'
          ? undefined
          : makeTarget(makeArg(arg.word, [{ kind: 'known', text: file }], false), cwd, facts, { recursive: false });
      if (target !== undefined) draft.effects.push({ kind: 'read', target });
      return;
    }
    case 'connect':
      draft.effects.push({ kind: 'connect', host: undefined, url: undefined, span });
      return;
    case 'script':
      applyScript(arg, reading, draft);
      return;
    case 'run':
    case 'code':
      draft.effects.push({ kind: 'execute', what: hasValue ? nameOf(arg) : reading.program.path, span });
      return;
    case 'load':
      path('read', false);
      draft.effects.push({ kind: 'execute', what: nameOf(arg), span });
      return;
    case 'shell':
    case 'shell-line':
      draft.shellTexts.push(arg);
      if (arg.text === undefined) draft.effects.push({ kind: 'execute', what: arg.word.source, span });
      return;
    case 'assignment':
      draft.environment.push(arg);
      return;
    case 'name':
      draft.names.push(arg);
      return;
    case 'sed':
      applyProgramText(readSed(arg), arg, draft, facts, reading);
      return;
    case 'awk':
      applyProgramText(readAwk(arg), arg, draft, facts, reading);
      return;
    case 'jq':
      applyProgramText(readJq(arg), arg, draft, facts, reading);
      return;
    case 'sql':
      applyProgramText(readSql(arg), arg, draft, facts, reading);
      return;
    case 'database':
    case 'database-host':
      applyDatabase(role, arg, draft);
      return;
    case 'send':
      draft.routes.push({ word: arg.word, address: false });
      path('read', false);
      return;
    case 'route':
      draft.routes.push({ word: arg.word, address: false });
      draft.effects.push({ kind: 'connect', ...connectionOf(arg.text, true), span });
      return;
    default:
      return;
  }
}

/** `REVISION:PATH`, or a path of the working tree; a plain revision names no file that anybody restricts. */
function applyGitObject(arg: Arg, draft: Draft, facts: Facts): void {
  const known = prefixOf(arg);
  const colon = known.indexOf(':');
  if (arg.text === undefined && colon < 0) return;
  const rest = colon < 0 ? arg : argFrom(arg, colon + 1);
  // The path of a revision starts at the top of the repository unless it begins with a dot.
  const top = draft.cwd === undefined ? undefined : (facts.paths.get(draft.cwd)?.repository ?? draft.cwd);
  const target = makeTarget(rest, colon < 0 || prefixOf(rest).startsWith('.') ? draft.cwd : top, facts, {
    recursive: colon < 0,
  });
  if (target !== undefined) draft.effects.push({ kind: 'read', target });
}

/** A database on this machine is no place of the network: a plain name, a socket, a loopback address. */
function applyDatabase(role: 'database' | 'database-host', arg: Arg, draft: Draft): void {
  const plain = role === 'database' ? /^[\w.@-]+$/ : /^(?:localhost|127\.\d+\.\d+\.\d+|::1|\/[^:]*)$/;
  const local = /^postgres(?:ql)?:\/\/(?:[^@/?#]*@)?(?:localhost|127\.0\.0\.1|\[::1\])?(?::\d+)?\/[\w.-]*$/;
  if (arg.text !== undefined && (plain.test(arg.text) || (role === 'database' && local.test(arg.text)))) return;
  const { start, end } = arg.word;
  draft.effects.push({ kind: 'connect', ...connectionOf(arg.text, true), span: { start, end } });
  draft.notReadOnly ??= `\`${arg.word.source}\` may be on another machine`;
}

/** Commands in the value of an option: after the marks of the catalogue, or all of it where it names a program to run. */
function applyEmbedded(
  role: Role,
  value: Arg,
  marks: readonly string[] | undefined,
  draft: Draft,
  whole: boolean,
): void {
  if (value.text === undefined || (role !== 'run' && role !== 'code' && role !== 'change')) return;
  const commands = embeddedCommands(value.text, marks ?? []);
  for (const text of commands) draft.embedded.push(makeArg(value.word, [{ kind: 'known', text }], false));
  if (whole && commands.length === 0) draft.shellTexts.push(value);
}

/** Text of the program's own language: harmless but for the shell commands in it. */
function applyScript(arg: Arg, reading: Reading, draft: Draft): void {
  const commands = embeddedCommands(arg.text ?? '', reading.program.data.shellAfter ?? []);
  for (const text of commands) draft.shellTexts.push(makeArg(arg.word, [{ kind: 'known', text }], false));
  if (arg.text !== undefined && commands.length === 0) return;
  draft.effects.push({ kind: 'execute', what: nameOf(arg), span: { start: arg.word.start, end: arg.word.end } });
  draft.unnamed.push({ word: arg.word, name: arg.word.source, because: 'can hold a shell command' });
  draft.notReadOnly ??= `\`${arg.word.source}\` can hold a shell command`;
}

function isHarmlessAssignment(arg: Arg, variables: Variables): boolean {
  const match = /^([A-Za-z_]\w*)(=([\s\S]*))?$/.exec(arg.text ?? '');
  return match?.[1] !== undefined && variables.harmless(match[1], match[3]);
}

function nameOf(arg: Arg): string {
  return arg.text ?? arg.word.source;
}

/** Effects of an embedded program; what it does beyond reading must be named by a rule (RULES O16). */
function applyProgramText(text: ProgramText, arg: Arg, draft: Draft, facts: Facts, reading: Reading): void {
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

/** The names that sources get in the folder that they are put into. */
function applyInto(reading: Reading, draft: Draft, facts: Facts): void {
  const all = [
    ...reading.operands,
    ...reading.options.flatMap(({ role, value }) => (value === undefined ? [] : [{ role, arg: value }])),
  ];
  const folder = all.find(({ role }) => role === 'write' || role === 'write-tree' || role === 'remote-write')?.arg;
  const path = folder?.text === undefined ? undefined : resolvePath(folder.text, draft.cwd);
  if (folder?.text === undefined || path === undefined) return;
  const isFolder =
    /(?:^|\/)\.{0,2}$/.test(folder.text) ||
    facts.paths.get(facts.paths.get(path)?.resolved ?? path)?.kind === 'directory';
  if (!isFolder && facts.paths.get(path)?.kind !== 'directory') return;
  for (const { role, arg } of all) {
    if (role !== 'read' && role !== 'read-tree' && role !== 'move' && role !== 'link' && role !== 'remote-read')
      continue;
    const name = /([^/]+)\/*$/.exec(arg.text ?? '')?.[1];
    if (name === undefined || name === '.' || name === '..') continue;
    const named = makeArg(arg.word, [{ kind: 'known', text: path === '/' ? `/${name}` : `${path}/${name}` }], false);
    const target = makeTarget(named, draft.cwd, facts, { recursive: true });
    if (target !== undefined) draft.writes.push({ arg: named, cwd: draft.cwd, target });
  }
}

function applyImplicit(reading: Reading, draft: Draft, facts: Facts): void {
  for (const map of reading.implicit) {
    for (const [role, text] of Object.entries(map) as [Role, string][]) {
      const named =
        reading.operands.some((operand) => operand.role === role) ||
        reading.options.some((option) => option.role === role && option.value !== undefined);
      // A folder that is not known holds what it holds; only its names are shown.
      if (named || (role === 'list' && draft.cwd === undefined)) continue;
      const word = reading.options.at(-1)?.arg.word ?? {
        start: 0,
        end: 0,
        source: text,
        parts: [],
        values: [text],
        quoted: false,
      };
      apply(
        role,
        { word: { ...word, source: text }, pieces: [{ kind: 'known', text }], text, many: false },
        true,
        reading,
        { draft, facts, cwd: draft.cwd },
      );
      if (!harmlessRoles.has(role))
        draft.notReadOnly ??= `\`${reading.program.path}\` ${defaultReasons[role] ?? 'is not read-only'}`;
    }
  }
}

function applyAlways(reading: Reading, draft: Draft, facts: Facts): void {
  for (const text of reading.program.data.also ?? []) {
    const [role = '', value] = text.split(' ');
    const span = { start: 0, end: 0 };
    if (role === 'connect') draft.effects.push({ kind: 'connect', host: value, url: undefined, span });
    else if (role === 'run') draft.effects.push({ kind: 'execute', what: reading.program.path, span });
    else if (value !== undefined) {
      const word = { start: 0, end: 0, source: value, parts: [], values: [value], quoted: false };
      apply(role as Role, makeArg(word, [{ kind: 'known', text: value }], false), true, reading, {
        draft,
        facts,
        cwd: draft.cwd,
      });
    }
    if (text === 'connect localhost') continue;
    draft.notReadOnly ??= `\`${reading.program.path}\` ${defaultReasons[role as Role] ?? 'is not read-only'}`;
  }
}

/** A word that could be any option counts as the worst one (RULES O9, O24). */
function applyUncertainty(reading: Reading, draft: Draft): void {
  const { worst, worstUnnamed, path } = reading.program;
  for (const arg of reading.uncertain) {
    if (worstUnnamed !== undefined) {
      draft.unnamed.push({
        word: arg.word,
        name: arg.word.source,
        because: `its value is not known, and it could become \`${worstUnnamed.spelling}\``,
      });
    }
    if (worst !== undefined)
      draft.notReadOnly ??= `\`${arg.word.source}\` could become \`${worst.spelling}\` of \`${path}\``;
  }
  for (const arg of reading.unknownOptions)
    draft.notReadOnly ??= `\`${arg.word.source}\` is an option that the catalogue does not know`;
  if (reading.unknownSubcommand !== undefined) {
    draft.notReadOnly ??= `\`${reading.unknownSubcommand.word.source}\` is a subcommand that the catalogue does not know`;
  }
}

function findReadOnlyObstacle(reading: Reading): string | undefined {
  const { program } = reading;
  if (program.readOnly === undefined) return `\`${program.path}\` is not on the read-only list`;
  const holds = program.readOnly.some(
    (condition) =>
      (condition.needs === undefined || condition.needs.some((spelling) => hasOption(reading, spelling))) &&
      (condition.given === undefined ||
        reading.operands.some(({ role }) => role === condition.given) ||
        reading.options.some(({ role }) => role === condition.given)) &&
      (condition.lacks === undefined || !condition.lacks.some((spelling) => hasOption(reading, spelling))) &&
      (condition.operands === undefined ||
        (reading.operands.length <= condition.operands && !reading.operands.some(({ arg }) => arg.many))),
  );
  return holds ? undefined : `\`${program.path}\` is not read-only with these options and operands`;
}
