/**
 * Fills the sentences of the catalogue with what a command line holds: `{reads|its input}` is a list of what is read, or
 * the text after the bar where there is nothing to list.
 */
import type { Instance } from './analyse-command.ts';
import type { Arg } from './args.ts';
import { foundPath } from './found-names.ts';
import type { Effect, PathTarget } from './model.ts';
import type { Reading } from './reading.ts';
import type { Role } from './roles.ts';
import { listOf, quoteText, showArg, showSource, showValue } from './word-text.ts';

/** What a sentence is filled from. */
export interface Telling {
  readonly instance: Instance;
  readonly reading: Reading;
  /** What the commands that it runs do. */
  readonly runs: readonly string[];
  /** How its standard input is called. */
  readonly input: string;
}

export function fillTemplate(template: string, telling: Telling): string {
  let out = '';
  let at = 0;
  for (let open = template.indexOf('{'); open >= 0; open = template.indexOf('{', at)) {
    const close = closingBrace(template, open);
    out += `${template.slice(at, open)}${fill(template.slice(open + 1, close), telling)}`;
    at = close + 1;
  }
  return out + template.slice(at);
}

function fill(placeholder: string, telling: Telling): string {
  const bar = placeholder.indexOf('|');
  const key = bar < 0 ? placeholder : placeholder.slice(0, bar);
  const items = placeholderItems(key, telling);
  if (items.length > 0) return key === 'words' ? items.join(' ') : listOf(items);
  return bar < 0 ? 'nothing' : fillTemplate(placeholder.slice(bar + 1), telling).replace('its input', telling.input);
}

/** What stands after the bar may hold placeholders of its own. */
function closingBrace(template: string, open: number): number {
  let depth = 0;
  for (let at = open; at < template.length; at += 1) {
    if (template[at] === '{') depth += 1;
    else if (template[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  return template.length;
}

/** Whether the sentence has a place for what this says. */
export function mentions(template: string, ...keys: readonly string[]): boolean {
  return keys.some((key) => template.includes(`{${key}}`) || template.includes(`{${key}|`));
}

function placeholderItems(key: string, { instance, reading, runs }: Telling): readonly string[] {
  const effects = instance.interpretation?.effects ?? [];
  const operands = reading.operands.map(({ arg }) => arg);
  switch (key) {
    case 'name':
      return [reading.program.name];
    case 'path':
      return [reading.program.path];
    case 'runs':
      return runs;
    case 'operands':
      return operands.map(showArg);
    case 'words':
      return shortened(operands.map(showArg));
    case 'sources':
      return operands.slice(0, -1).map(showArg);
    case 'last':
      return operands.slice(-1).map(showArg);
    case 'rest':
      return operands.slice(1).map(showArg);
    case 'reads':
      return targets(effects, 'read', reading).filter((source) => source !== '-' && source !== 'the current folder');
    case 'writes':
      return targets(effects, 'write', reading);
    case 'removes':
      return targets(effects, 'remove', reading);
    case 'archives':
      return reading.options
        .filter(({ option }) => option.meaning.role === 'archive')
        .flatMap(({ value }) => (value === undefined || value.text === '-' ? [] : [showArg(value)]));
    case 'urls':
    case 'hosts':
      return addresses(effects, reading);
    case 'code':
      return codeOf(reading).map((arg) => quoteText(arg.text ?? arg.word.source));
    case 'filters':
      return reading.options
        .filter(({ option }) => option.meaning.filters)
        .map(({ arg, value }) =>
          quoteText(value === undefined ? arg.word.source : `${arg.word.source} ${value.word.source}`),
        );
    default:
      return /^\d+$/.test(key)
        ? operands.slice(Number(key) - 1, Number(key)).map(showArg)
        : optionValues(key, reading).flatMap((arg) => (arg.text === '-' ? [] : [showArg(arg)]));
  }
}

/** Of an address that is not known the word is shown. */
function addresses(effects: readonly Effect[], reading: Reading): readonly string[] {
  const words = reading.operands.filter(({ arg, role }) => arg.text === undefined && addressRoles.has(role));
  const known = effects.flatMap((effect) => {
    const address = effect.kind === 'connect' ? (effect.url ?? effect.host) : undefined;
    return address === undefined ? [] : [showValue(address)];
  });
  return [...new Set([...known, ...words.map(({ arg }) => showArg(arg))])];
}

const addressRoles: ReadonlySet<Role> = new Set<Role>(['url', 'git-url', 'host']);

const maxWords = 6;

function shortened(words: readonly string[]): readonly string[] {
  return words.length <= maxWords ? words : [...words.slice(0, maxWords), '…'];
}

const codeKinds: ReadonlySet<Role> = new Set<Role>([
  'code',
  'sql',
  'sed',
  'awk',
  'jq',
  'script',
  'shell',
  'shell-line',
]);

/** Texts of any language on the command line. */
export function codeOf(reading: Reading): readonly Arg[] {
  return [
    ...reading.options.flatMap(({ role, value }) => (value !== undefined && codeKinds.has(role) ? [value] : [])),
    ...reading.operands.flatMap(({ role, arg }) => (codeKinds.has(role) ? [arg] : [])),
  ];
}

export function optionValues(spelling: string, reading: Reading): readonly Arg[] {
  return reading.options.flatMap(({ option, value }) =>
    value !== undefined && option.spellings.includes(spelling) ? [value] : [],
  );
}

/** Names of places, as written. What `find` and `xargs` fill in has no name. */
export function targets(
  effects: readonly Effect[],
  kind: 'read' | 'write' | 'remove',
  reading: Reading,
): readonly string[] {
  const isNamed = reading.operands.some(({ arg }) => arg.text === '.');
  return [
    ...new Set(
      effects.flatMap((effect) => {
        if (effect.kind !== kind || effect.target.redirection !== undefined) return [];
        const { source } = effect.target;
        if (source === '.' && !isNamed) return ['the current folder'];
        return [source === foundPath ? 'it' : (partOfWord(effect.target, reading) ?? showSource(source))];
      }),
    ),
  ];
}

/** A place that is only a part of its word: after `of=`, in a program of awk. */
function partOfWord({ span, path }: PathTarget, reading: Reading): string | undefined {
  const option = reading.options.find(({ arg, value }) => value !== undefined && arg.word.start === span.start);
  if (option?.value !== undefined && option.value.word === option.arg.word) return showArg(option.value);
  const isCode = codeOf(reading).some(({ word }) => word.start === span.start);
  return isCode && path !== undefined ? showValue(path) : undefined;
}
