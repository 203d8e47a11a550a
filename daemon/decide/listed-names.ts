/**
 * The names that a listing command can print, for what `xargs` makes of them: `find . -name '*.ts' | xargs grep x` reads
 * nothing but files of that name, so a restriction on `.env` has nothing to say. Only forms whose meaning is certain
 * count; everything else can print any name.
 */
import type { AnalysedCommand, PathTarget } from '../analyse/model.ts';
import { listingOfFind, withoutCommands } from './find-listing.ts';
import { anyInSegment, literalTokens, type Token } from './glob.ts';
import { listingOfGit, listingOfGrep, listingOfLs, listingOfVisible } from './listing-programs.ts';
import { anyCase, below, byEnding, type Listing, nameShape } from './name-shapes.ts';

/** Where the names that a target stands for come from a listing; undefined when they could be any. */
export function findListing(
  command: AnalysedCommand,
  target: PathTarget,
  all: readonly AnalysedCommand[],
): Listing | undefined {
  if (target.printedBy !== undefined) {
    const printer = all.find((each) => each.command.id === target.printedBy);
    return printer !== undefined && printer.cwd === command.cwd ? readListing(printer, all) : undefined;
  }
  // What a command runs in turn may have an input of its own.
  if (target.source !== standardInput || command.inner.length > 0 || readsElsewhere(command)) return undefined;
  const feeder = onlyFeeders(all).get(command.command.id);
  // Names are relative to the folder of who prints them.
  return feeder !== undefined && feeder.cwd === command.cwd ? readListing(feeder, all) : undefined;
}

/** `a|b` and `\\.(a|b)$` of an extended pattern, `a\\|b` of a basic one. */
function alternativesOf(pattern: string, extended: boolean): readonly string[] {
  if (!extended) return pattern.split('\\|');
  const [, before = '', group, after = ''] = /^([^()|]*)\(([^()]*)\)([^()|]*)$/.exec(pattern) ?? [];
  if (group === undefined) return pattern.split('|');
  return group.split('|').map((one) => `${before}${one}${after}`);
}

/** What analysis writes for the words that `xargs` takes from its standard input. */
const standardInput = '…';

function readsElsewhere({ command }: AnalysedCommand): boolean {
  const words = command.words.map((word) => word.values?.[0]);
  if (command.redirections.some(({ operator }) => operator.startsWith('<'))) return true;
  return words.some((word) => word === undefined || /^(?:-[^-]*a|--a)/.test(word)) && words[0] === 'xargs';
}

function readListing(feeder: AnalysedCommand, all: readonly AnalysedCommand[]): Listing | undefined {
  if (feeder.inner.length > 0 || feeder.callsFunction !== undefined) return undefined;
  const { cwd } = feeder;
  if (cwd === undefined) return undefined;
  if (feeder.program === 'ls') return listingOfLs(feeder.command.words.slice(1), cwd);
  const words = feeder.command.words.map((word) => (word.values?.length === 1 ? word.values[0] : undefined));
  if (!words.every((word) => word !== undefined)) return undefined;
  const [program = '', ...rest] = words;
  if (program === 'find') return listingOfFind(rest, cwd);
  if (program === 'git') return listingOfGit(rest, cwd);
  if (program === 'rg' || program === 'fd') return listingOfVisible(program, rest, cwd);
  if (program === 'grep') return listingOfGrep(rest, cwd) ?? passOn(feeder, program, rest, all);
  return passOn(feeder, program, rest, all);
}

/** What a filter leaves of a listing. */
function passOn(
  filter: AnalysedCommand,
  program: string,
  rest: readonly string[],
  all: readonly AnalysedCommand[],
): Listing | undefined {
  if (filter.command.redirections.some(({ operator }) => operator.startsWith('<'))) return undefined;
  const feeder = isFilter(program, rest) ? onlyFeeders(all).get(filter.command.id) : undefined;
  const listing = feeder === undefined ? undefined : readListing(feeder, all);
  if (listing === undefined || program !== 'grep' || listing.trees.length === 0) return listing;
  const chosen = chosenNames(rest);
  if (chosen === undefined) return undefined;
  const names = listing.trees.flatMap((tree) => chosen.map((name) => [...below(tree, '/'), ...name]));
  return chosen.length === 0 ? listing : { names: [...listing.names, ...names], trees: [] };
}

/**
 * Shapes of the names that `grep` picks, by the last part of each: what is found in a folder that was picked is no more
 * particular than a search of that folder. None for "all but"; undefined where the pattern is not plain enough.
 */
function chosenNames(args: readonly string[]): readonly (readonly Token[])[] | undefined {
  const options = args.filter((arg) => /^-[viEF]+$/.test(arg)).join('');
  if (options.includes('v')) return [];
  const pattern = args.find((arg) => !/^-[viEF]+$/.test(arg)) ?? '';
  const shapes: (readonly Token[])[] = [];
  for (const [, start, text = '', end] of alternativesOf(pattern, options.includes('E')).map(
    (part) => /^(\^?)((?:[\w/ -]|\\\.)+)(\$?)$/.exec(part) ?? [],
  )) {
    if (text === '') return undefined;
    const plain = text.replaceAll('\\.', '.');
    const name = plain.slice(plain.lastIndexOf('/') + 1);
    const opens = start === '' && name === plain;
    if (name !== plain && name === '') shapes.push([anyInSegment]);
    else if (opens && end === '$' && byEnding.test(`*${name}`)) shapes.push(nameShape(`*${name}`, anyInSegment));
    else
      shapes.push([...(opens ? [anyInSegment] : []), ...literalTokens(name), ...(end === '$' ? [] : [anyInSegment])]);
  }
  return options.includes('i') ? shapes.map((shape) => shape.map(anyCase)) : shapes;
}

/** Asked for by every `xargs` of a text. */
const feedersOfText = new WeakMap<readonly AnalysedCommand[], ReadonlyMap<number, AnalysedCommand | undefined>>();

/** The one command that is piped to each; undefined where there are several. */
function onlyFeeders(all: readonly AnalysedCommand[]): ReadonlyMap<number, AnalysedCommand | undefined> {
  const known = feedersOfText.get(all);
  if (known !== undefined) return known;
  const feeders = new Map<number, AnalysedCommand | undefined>();
  for (const each of all) {
    const { pipedTo } = each.command;
    if (pipedTo !== undefined) feeders.set(pipedTo, feeders.has(pipedTo) ? undefined : each);
  }
  feedersOfText.set(all, feeders);
  return feeders;
}

/** The names that `find` gives to the commands that it runs; undefined when it could be any below its folders. */
export function findFoundNames(command: AnalysedCommand): readonly (readonly Token[])[] | undefined {
  const words = command.command.words.map((word) => (word.values?.length === 1 ? word.values[0] : undefined));
  const start = words.findIndex((word) => word === 'find' || word === 'fd');
  if (start < 0 || !words.every((word) => word !== undefined) || command.cwd === undefined) return undefined;
  const args = withoutCommands(words.slice(start + 1));
  const listing = words[start] === 'fd' ? listingOfVisible('fd', args, command.cwd) : listingOfFind(args, command.cwd);
  return listing === undefined || listing.trees.length > 0 ? undefined : listing.names;
}

/** Programs that pass some of their lines on unchanged. */
function isFilter(program: string | undefined, rest: readonly string[]): boolean {
  if (program === 'sort' || program === 'head' || program === 'tail')
    return rest.every((word) => /^-[a-zA-Z0-9]+$/.test(word));
  if (program === 'uniq') return rest.length === 0;
  const [pattern, ...others] = rest.filter((word) => !/^-[viEF]+$/.test(word));
  return program === 'grep' && pattern !== undefined && !pattern.startsWith('-') && others.length === 0;
}
