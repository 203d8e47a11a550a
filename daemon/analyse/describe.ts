/**
 * The English account of one command, good enough to approve on: what it does, to what, where, and as whom. Made from the
 * analysis and the sentences of the catalogue alone, so the same text always reads the same.
 */
import type { CommandRecord, Instance } from './analyse-command.ts';
import type { Arg } from './args.ts';
import { foundPath } from './found-names.ts';
import type { AnalysedCommand, Effect } from './model.ts';
import { fillTemplate, mentions, type Telling, targets } from './placeholders.ts';
import type { Reading } from './reading.ts';
import { chooseTemplates } from './tell-account.ts';
import { listOf, quoteText, showArg, showSource } from './word-text.ts';

export function describeCommand(record: CommandRecord, result: AnalysedCommand): string {
  const [first] = record.instances;
  if (first === undefined || first.name === ':') return describeBare(record, result);
  const redirects = redirectClause(result.effects, record);
  return `${prefixOf(first, record)}${mainClause(first, record, result)}${redirects}`;
}

function describeBare({ command }: CommandRecord, { effects }: AnalysedCommand): string {
  const names = command.assignments.map((assignment) => assignment.name);
  const emptied = redirected(effects, command.redirections).filter(({ kind }) => kind === 'write');
  const files = listOf(emptied.map(({ target }) => showSource(target.source)));
  if (names.length > 0) return `sets ${listOf(names)}${files === '' ? '' : `, writing to ${files}`}`;
  if (files === '') return 'does nothing';
  return command.redirections.every(({ operator }) => operator === '>>')
    ? `creates ${files}`
    : `empties or creates ${files}`;
}

/** Who runs it, with which variables, how often. */
function prefixOf({ layered }: Instance, { command }: CommandRecord): string {
  const sets = command.assignments.map(
    ({ name, value }) => `${name}${value === undefined || value.source === '' ? '' : `=${value.source}`}`,
  );
  const variables = sets.length === 0 ? '' : `with ${listOf(sets.map(showSource))}, `;
  const wrappers = layered.wrappers.map((reading) => wrapperPrefix(reading)).join('');
  return `${variables}${wrappers}`;
}

function wrapperPrefix(reading: Reading): string {
  switch (reading.program.name) {
    case 'sudo':
    case 'doas':
    case 'runuser':
      return `as ${userOf(reading)}, `;
    case 'xargs':
      return 'for the names on its input, ';
    case 'watch':
      return 'again and again, ';
    default:
      return '';
  }
}

/** The account that a command runs as. */
export function userOf(reading: Reading): string {
  const option = reading.options.find(
    ({ option: { spellings } }) => spellings.includes('-u') || spellings.includes('--user'),
  );
  return option?.value === undefined ? 'root' : showArg(option.value);
}

function mainClause(instance: Instance, record: CommandRecord, result: AnalysedCommand): string {
  if (result.callsFunction !== undefined) return `calls the function \`${result.callsFunction}\``;
  const runs = [...new Set(record.inner.map((one) => one.result.description))].filter((text) => text !== '');
  const { reading } = record.instances.length > 1 ? asWritten(instance) : instance;
  if (reading === undefined) return withRuns(describeUnknown(instance), runs);
  const templates = chooseTemplates(reading);
  const telling: Telling = {
    instance,
    reading,
    runs: runs.length === 0 ? [] : [joinClauses(runs)],
    input: inputOf(record),
  };
  const own = templates === undefined ? `runs \`${reading.program.path}\`` : describeReading(templates, telling);
  if (templates !== undefined && [templates.does, ...templates.adds].some((text) => mentions(text, 'runs'))) return own;
  const here = reading.operands.every(({ role }) => role !== 'host');
  if (runs.length > 0 && (instance.name === 'eval' || (here && reading.program.data.interprets === 'shell')))
    return `runs shell text that ${joinClauses(runs)}`;
  // Any of its values could be a command, and most are none.
  const guessed = reading.program.data.shellAfter?.includes('') === true;
  return guessed ? own : withRuns(own, runs);
}

/** Of several ways that the words can turn out none is told: they stand as they were written. */
function asWritten(instance: Instance): Instance {
  const blur = (arg: Arg): Arg => (arg.word.values === undefined ? { ...arg, text: undefined } : arg);
  const { reading } = instance;
  if (reading === undefined) return { ...instance, args: instance.args.map(blur) };
  const operands = reading.operands.map((operand) => ({ ...operand, arg: blur(operand.arg) }));
  const options = reading.options.map((option) =>
    option.value === undefined ? option : { ...option, value: blur(option.value) },
  );
  return { ...instance, reading: { ...reading, operands, options } };
}

function withRuns(own: string, runs: readonly string[]): string {
  return runs.length === 0 ? own : `${own} and runs a command that ${joinClauses(runs)}`;
}

/** What a here-document or here-string gives is not just any input. */
function inputOf({ command }: CommandRecord): string {
  return command.redirections.some(({ operator }) => operator.startsWith('<<')) ? 'the given text' : 'its input';
}

function describeUnknown({ name, args }: Instance): string {
  if (name === undefined) return `runs a program whose name is not known (${quoteText(args[0]?.word.source ?? '')})`;
  const rest = args.slice(1).map(showArg);
  return rest.length === 0 ? `runs ${quoteText(name)}` : `runs ${quoteText(name)} with ${listOf(rest)}`;
}

function describeReading({ does, adds }: { does: string; adds: readonly string[] }, telling: Telling): string {
  const { reading, instance } = telling;
  const effects = instance.interpretation?.effects ?? [];
  const removed = targets(effects, 'remove', reading);
  const whole = mentions(does, 'removes') && removesTree(effects);
  const tail = whole ? ` and everything in ${removed.length > 1 || removed[0] === 'them' ? 'them' : 'it'}` : '';
  const added = adds.map((text) => `, ${fillTemplate(text, telling)}`).join('');
  const text = fillTemplate(does, telling);
  return `${text}${tail}${extraClauses(does, `${text}${added}`, telling, effects)}${added}`;
}

/** Writes and removals that the sentence does not speak of. */
function extraClauses(does: string, said: string, { reading }: Telling, effects: readonly Effect[]): string {
  const isSaid = (name: string): boolean =>
    said
      .split(/[ ,;()]+/)
      .join(' ')
      .includes(` ${name}`);
  const clauses: string[] = [];
  const writes = targets(effects, 'write', reading).filter((name) => !isSaid(name));
  if (writes.length > 0 && !mentions(does, 'writes', 'archives')) clauses.push(`writes ${listOf(writes)}`);
  const removes = targets(effects, 'remove', reading).filter((name) => !isSaid(name));
  if (removes.length > 0 && !mentions(does, 'removes') && !/^(?:moves|deletes|makes)\b/.test(does))
    clauses.push(`deletes ${listOf(removes)}`);
  return clauses.length === 0 ? '' : ` and ${clauses.join(' and ')}`;
}

function removesTree(effects: readonly Effect[]): boolean {
  const removed = effects.flatMap((effect) => (effect.kind === 'remove' ? [effect.target] : []));
  return removed.length > 0 && removed.every(({ recursive, source }) => recursive && source !== foundPath);
}

type PathEffect = Extract<Effect, { kind: 'read' | 'write' | 'remove' }>;

function redirected(effects: readonly Effect[], redirections: CommandRecord['command']['redirections']): PathEffect[] {
  const own = new Set(redirections);
  return effects.flatMap((effect) =>
    (effect.kind === 'write' || effect.kind === 'read') &&
    effect.target.redirection !== undefined &&
    own.has(effect.target.redirection)
      ? [effect]
      : [],
  );
}

function redirectClause(effects: readonly Effect[], { command }: CommandRecord): string {
  const clauses = redirected(effects, command.redirections).map(({ kind, target }) => {
    const name = showSource(target.source);
    if (kind === 'read') return `reading ${name}`;
    return `${target.redirection?.operator.includes('>>') === true ? 'appending to' : 'writing to'} ${name}`;
  });
  return clauses.length === 0 ? '' : `, ${[...new Set(clauses)].join(' and ')}`;
}

const maxClauses = 5;

export function joinClauses(clauses: readonly string[]): string {
  const distinct = clauses.filter((clause, index) => clause !== clauses[index - 1]);
  if (distinct.length <= maxClauses) return distinct.join(', then ');
  return `${distinct.slice(0, maxClauses - 1).join(', then ')}, and ${distinct.length - maxClauses + 1} more steps`;
}
