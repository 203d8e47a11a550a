/**
 * What a command line means: walks a reading of it and says its effects, whether the built-in read-only set covers it,
 * what a broad grant leaves out, and which further commands it runs.
 */
import { type Arg, makeArg } from './args.ts';
import { needsNaming } from './compile-catalogue.ts';
import { applyEmbedded, applyMarked } from './embedded-text.ts';
import { applyAlways, applyImplicit, applyInto } from './implied-effects.ts';
import { type Draft, defaultReasons, type Interpretation } from './interpretation.ts';
import { readSql } from './languages/sql.ts';
import type { Facts } from './model.ts';
import { isFreeTarget, makeTarget, resolvePath } from './path-targets.ts';
import { hasOption, type Reading } from './reading.ts';
import { connectionOf, isRemotePath } from './remote-targets.ts';
import { apply } from './role-effects.ts';
import { codeRoles, harmlessRoles, type Role } from './roles.ts';
import { joinTyped } from './typed-text.ts';
import type { Variables } from './variables.ts';

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
    rewrites: [],
    unnamed: [],
    shellTexts: [],
    embedded: [],
    delegated: [],
    commands: [],
    names: [],
    environment: [],
    settings: [],
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
    if (value?.text !== undefined && isExcepted(value.text, option.meaning.except)) continue;
    const before = draft.unnamed.length;
    if (command !== undefined) draft.commands.push(command);
    const subject = value ?? arg;
    const isArchive = option.meaning.role === 'archive';
    if (isArchive && value !== undefined && isRemoteArchive(value, reading)) {
      applyRemoteArchive(value, draft);
      continue;
    }
    const base = isArchive ? cwd : draft.cwd;
    const shellAfter = option.meaning.shellAfter ?? program.data.shellAfter;
    const { spawns } = program.data;
    if (value !== undefined) applyEmbedded(role, value, { shellAfter, spawns }, draft, role === 'run');
    if (value !== undefined) applyMarked(role, value, reading, draft, facts);
    apply(role, subject, value !== undefined, reading, { draft, facts, cwd: base }, shellAfter);
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
    if (!(harmlessRoles.has(role) || isLocalFile(role, subject)) || option.meaning.mustBeNamed)
      draft.notReadOnly ??= `\`${option.spelling}\` ${option.meaning.because ?? defaultReasons[role] ?? 'is not read-only'}`;
  }
  const asks = onlyAsks(reading);
  for (const { arg, role: given, mustBeNamed } of joinShellOperands(reading.operands)) {
    const role = asks && given === 'write' ? 'read' : given;
    const before = draft.unnamed.length;
    const held = role === 'shell' && program.data.readOnly === true;
    // `trap - EXIT`, `trap '' INT` and `trap EXIT` hold no code. Source: bash(1) "trap".
    if (held && (arg.text === '-' || arg.text === '' || reading.operands.length === 1)) continue;
    apply(role, arg, true, reading, { draft, facts, cwd: draft.cwd });
    applyEmbedded(role, arg, program.data, draft, false);
    applyMarked(role, arg, reading, draft, facts);
    const dangerous = mustBeNamed || (codeRoles.has(role) && program.data.purpose !== 'run' && !held);
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
    } else if (held && !mustBeNamed) {
      draft.delegated.push({
        word: arg.word,
        name: arg.word.source,
        because: defaultReasons[role] ?? 'runs shell text',
      });
    } else if (!harmlessRoles.has(role) && !(role === 'write' && isFree(arg)) && !isLocalFile(role, arg))
      draft.notReadOnly ??=
        role === 'unknown'
          ? `\`${arg.word.source}\` is more than the catalogue knows of \`${program.path}\``
          : `\`${program.path}\` ${defaultReasons[role] ?? 'is not read-only'}`;
  }
  applyImplicit(reading, draft, facts);
  if (program.data.into === true) applyInto(reading, draft, facts);
  applyAlways(reading, draft, facts);
  for (const words of reading.following) {
    const [first] = words;
    if (first === undefined) continue;
    draft.commands.push([
      makeArg(first.word, [{ kind: 'known', text: program.path.split(' ', 1)[0] ?? '' }], false),
      ...words,
    ]);
    draft.unnamed.push({ word: first.word, name: first.word.source, because: 'is a further command' });
    draft.notReadOnly ??= `\`${first.word.source}\` is a further command`;
  }
  if (reading.command !== undefined) {
    const leading = reading.options.flatMap(({ option, value }) => (option.meaning.leads && value ? [value] : []));
    draft.commands.push([...leading, ...reading.command]);
    draft.notReadOnly ??= `\`${program.path}\` runs another command`;
    const [first] = reading.command;
    // A runner of packages fetches what it is given as an address.
    if (first?.text?.includes('://') === true) {
      const { start, end } = first.word;
      draft.effects.push({ kind: 'connect', ...connectionOf(first.text, false), span: { start, end } });
    }
    if (first !== undefined && program.data.purpose !== 'run' && program.data.wrapper === undefined) {
      draft.unnamed.push({ word: first.word, name: first.word.source, because: 'is a command that it runs' });
    }
  }
  applyUncertainty(reading, draft);
  draft.notReadOnly ??= findReadOnlyObstacle(reading);
  return draft;
}

/** Whether a `name=value` is one of those that change nothing of weight. Names of settings know no case. */
function isExcepted(text: string, except: readonly string[]): boolean {
  if (except.length === 0) return false;
  const given = text.toLowerCase();
  const name = given.split('=', 1)[0] ?? '';
  return except.some((each) =>
    each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : each.includes('=') ? given === each : name === each,
  );
}

/** Whether SQL is given and all of it only asks: the file that it works on is read then. */
function onlyAsks(reading: Reading): boolean {
  const texts = [
    ...reading.operands.flatMap(({ role, arg }) => (role === 'sql' ? [arg] : [])),
    ...reading.options.flatMap(({ role, value }) => (role === 'sql' && value !== undefined ? [value] : [])),
  ];
  return texts.length > 0 && texts.every((arg) => readSql(arg).danger === undefined);
}

/** A file that could as well have been an address. */
function isLocalFile(role: Role, arg: Arg): boolean {
  return role === 'remote-read' && arg.text !== undefined && !isRemotePath(arg.text);
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

/** What is typed is one text. `eval` and `ssh` join their operands with blanks before a shell reads them. */
function joinShellOperands(operands: Reading['operands']): Reading['operands'] {
  const typed = operands.filter(({ role }) => role === 'typed');
  const [key] = typed;
  if (key !== undefined) {
    const text = joinTyped(typed.map(({ arg }) => arg));
    const others = operands.filter(({ role }) => role !== 'typed');
    return text === undefined ? others : [...others, { ...key, arg: text }];
  }
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

function isHarmlessAssignment(arg: Arg, variables: Variables): boolean {
  const match = /^([A-Za-z_]\w*)(=([\s\S]*))?$/.exec(arg.text ?? '');
  return match?.[1] !== undefined && variables.harmless(match[1], match[3]);
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
