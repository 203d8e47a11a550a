/**
 * The forms of a simple command that rules are matched against (RULES O2, O3, O30, N1–N6): as written, without leading
 * assignments, without wrappers, with the program's name in its plain form. Grants see a form only as long as everything
 * that was removed to reach it can change nothing but time, priority or language.
 */
import type { Assignment, Word } from '../parse/model.ts';
import { type Arg, makeArg } from './args.ts';
import type { Catalogue } from './compile-catalogue.ts';
import type { Layer, UnnamedDanger } from './model.ts';
import { normalisePath } from './path-targets.ts';
import { readArguments } from './read-arguments.ts';
import { hasOption, type Reading } from './reading.ts';

export interface LayeredCommand {
  readonly layers: readonly Layer[];
  /** Arguments of the last form that a grant may see, program first. */
  readonly granted: readonly Arg[];
  /** Arguments of the innermost form. */
  readonly innermost: readonly Arg[];
  /** Readings of the wrappers that were removed, outermost first. */
  readonly wrappers: readonly Reading[];
  readonly unnamed: readonly UnnamedDanger[];
}

/** What stands behind more of them is as unknown as code that is not in the text. */
export const maxWrappers = 12;

export function buildLayers(
  assignments: readonly Assignment[],
  args: readonly Arg[],
  sources: readonly string[],
  harmless: boolean,
  catalogue: Catalogue,
  isFunction: (name: string) => boolean,
): LayeredCommand {
  const layers: Layer[] = [];
  const words = wordsOf(args);
  const plain = sources.length === 0 ? textOf(args) : sources.join(' ');
  let grants = true;
  if (assignments.length > 0) {
    const prefix = assignments.map(assignmentSource);
    const resolved = prefix.map((text) => text);
    for (let at = 0; at < prefix.length; at += 1) {
      const whole = resolvedOf(args);
      layers.push({
        text: [...prefix.slice(at), plain].join(' '),
        resolved: whole === undefined ? undefined : [...resolved.slice(at), whole].join(' '),
        words,
        removed: at === 0 ? 'nothing' : 'assignment',
        grants: at === 0 || harmless,
      });
    }
    grants = harmless;
  }
  layers.push({
    text: plain,
    resolved: resolvedOf(args),
    words,
    removed: assignments.length > 0 ? 'assignment' : 'nothing',
    grants,
  });
  const wrappers: Reading[] = [];
  const unnamed: UnnamedDanger[] = [];
  let current = args;
  let granted = args;
  for (let depth = 0; depth < maxWrappers; depth += 1) {
    const name = current[0]?.text;
    if (name === undefined || isFunction(name)) break;
    const bare = baseName(name);
    const wrapper = catalogue.wrappers.get(bare);
    if (wrapper === undefined) break;
    const reading = readArguments(wrapper, current.slice(1));
    const rest = reading.command;
    if (rest === undefined || rest.length === 0) break;
    if (wrapper.data.queries?.some((spelling) => hasOption(reading, spelling)) === true) break;
    wrappers.push(reading);
    const kind = wrapper.data.wrapper;
    if (kind === 'exact' && grants && unnamed.length === 0) {
      const [arg] = rest;
      if (arg !== undefined)
        unnamed.push({
          word: arg.word,
          name: arg.word.source,
          because: `is run by \`${bare}\`, which only an exact rule can allow`,
        });
    }
    const plainOptions =
      reading.unknownOptions.length === 0 &&
      reading.uncertain.length === 0 &&
      reading.options.every(({ role }) => role === 'ok' || role === 'text');
    grants =
      grants &&
      bare === name &&
      plainOptions &&
      (kind === 'always' || (kind === 'bare' && reading.options.length === 0));
    current = rest;
    if (grants) granted = current;
    layers.push({
      text: textOf(current),
      resolved: resolvedOf(current),
      words: wordsOf(current),
      removed: 'wrapper',
      grants,
    });
  }
  addGlobalOptionLayer(layers, current, grants, catalogue);
  addPlainLayer(layers, current);
  return { layers, granted, innermost: current, wrappers, unnamed };
}

/** `git -C dir log` is also matched as `git log` (RULES O25, O27). */
function addGlobalOptionLayer(layers: Layer[], args: readonly Arg[], grants: boolean, catalogue: Catalogue): void {
  const name = args[0]?.text;
  if (name === undefined) return;
  const program = catalogue.programs.get(baseName(name));
  if (program?.data.globals === undefined) return;
  const reading = readArguments(program, args.slice(1));
  if (reading.subcommandAt === undefined || reading.subcommandAt === 0) return;
  const before = new Set(args.slice(1, 1 + reading.subcommandAt));
  const transparent =
    baseName(name) === name &&
    reading.uncertain.every((arg) => !before.has(arg)) &&
    reading.unknownOptions.every((arg) => !before.has(arg)) &&
    reading.options.every(({ arg, role }) => !before.has(arg) || role === 'ok' || role === 'directory');
  const [first] = args;
  if (first === undefined) return;
  const rest = [first, ...args.slice(1 + reading.subcommandAt)];
  layers.push({
    text: textOf(rest),
    resolved: resolvedOf(rest),
    words: wordsOf(rest),
    removed: 'wrapper',
    grants: grants && transparent,
  });
}

/** The program under its plain name and path operands normalised; for restrictions only (RULES O2, O27). */
function addPlainLayer(layers: Layer[], args: readonly Arg[]): void {
  let changed = false;
  const plain = args.map((arg, index) => {
    if (arg.text === undefined) return arg;
    const text = index === 0 ? baseName(arg.text) : normaliseOperand(arg.text);
    if (text === arg.text) return arg;
    changed = true;
    return makeArg(arg.word, [{ kind: 'known', text }], false);
  });
  if (!changed && args.every((arg) => arg.word.values !== undefined || arg.text === undefined)) return;
  const text = plain.map((arg) => arg.text ?? arg.word.source).join(' ');
  if (layers.some((layer) => layer.text === text)) return;
  layers.push({ text, resolved: resolvedOf(plain), words: wordsOf(plain), removed: 'path', grants: false });
}

/** `./a/../b` → `b`; only for words that look like paths and are no options or URLs. */
function normaliseOperand(text: string): string {
  if (!/(?:^|\/)\.{1,2}(?:\/|$)|\/\//.test(text) || text.startsWith('-') || text.includes('://') || /\s/.test(text))
    return text;
  if (text.startsWith('/')) return normalisePath(text);
  const ups = /^(?:\.\.\/)*(?:\.\.$)?/.exec(text)?.[0] ?? '';
  const rest = text.slice(ups.length);
  const out = normalisePath(`/${rest}`).slice(1);
  return ups + out === '' ? '.' : ups + out;
}

/** The last segment of a program's path: `/bin/rm` is `rm` to a restriction. */
export function baseName(name: string): string {
  const slash = name.lastIndexOf('/');
  return slash < 0 || slash === name.length - 1 ? name : name.slice(slash + 1);
}

function assignmentSource(assignment: Assignment): string {
  const subscript = assignment.subscript === undefined ? '' : `[${assignment.subscript.source}]`;
  const value = assignment.value?.source ?? `(${(assignment.elements ?? []).map((word) => word.source).join(' ')})`;
  return `${assignment.name}${subscript}${assignment.append ? '+=' : '='}${value}`;
}

function wordsOf(args: readonly Arg[]): readonly Word[] {
  const out: Word[] = [];
  for (const arg of args) if (out.at(-1) !== arg.word) out.push(arg.word);
  return out;
}

function textOf(args: readonly Arg[]): string {
  return wordsOf(args)
    .map((word) => word.source)
    .join(' ');
}

function resolvedOf(args: readonly Arg[]): string | undefined {
  let text = '';
  for (const arg of args) {
    if (arg.text === undefined) return undefined;
    text += text === '' ? arg.text : ` ${arg.text}`;
  }
  return text;
}
