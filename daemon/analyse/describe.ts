/**
 * English accounts of commands and of a whole text, good enough to approve on. Made from the analysis and the catalogue's
 * sentences alone, so the same text always reads the same.
 */
import type { ParsedScript } from '../parse/model.ts';
import type { CommandRecord, Instance } from './analyse-command.ts';
import type { AnalysedCommand, Effect } from './model.ts';
import type { Reading } from './read-arguments.ts';
import type { Arg } from './words.ts';

const maxNames = 3;
const maxLength = 60;

export function describeCommand(record: CommandRecord, result: AnalysedCommand): string {
  const [first] = record.instances;
  if (first === undefined) return describeBare(record);
  return [prefixOf(first), mainClause(first, record, result), redirectClause(result.effects, record)].join('');
}

function describeBare(record: CommandRecord): string {
  const names = record.command.assignments.map((assignment) => assignment.name);
  const sets = names.length === 0 ? '' : `sets ${listOf(names)}`;
  const redirect = redirectClause(record.result.effects, record);
  return sets === '' ? `does nothing${redirect}` : `${sets}${redirect}`;
}

/** What wrappers add that a person should know. */
function prefixOf(instance: Instance): string {
  const names = instance.layered.wrappers.map((wrapper) => wrapper.program.name);
  if (names.some((name) => name === 'sudo' || name === 'doas' || name === 'runuser')) return 'as another user, ';
  if (names.includes('xargs')) return 'for the names on its input, ';
  if (names.includes('watch')) return 'again and again, ';
  return '';
}

function mainClause(instance: Instance, record: CommandRecord, result: AnalysedCommand): string {
  if (result.callsFunction !== undefined) return `calls the function \`${result.callsFunction}\``;
  const inner = record.inner.map((one) => one.result.description).filter((text) => text !== '');
  const { reading } = instance;
  const own = reading === undefined ? describeUnknown(instance) : describeReading(reading, instance);
  if (inner.length === 0) return own;
  const runs = joinClauses(inner);
  const here = reading?.operands.every(({ role }) => role !== 'host') === true;
  if (instance.name === 'eval' || (here && reading.program.data.interprets === 'shell'))
    return `runs shell text that ${runs}`;
  if (instance.name === 'trap') return `arranges for a signal that it ${runs}`;
  return `${own} and runs a command that ${runs}`;
}

function describeUnknown(instance: Instance): string {
  if (instance.name === undefined)
    return `runs a program whose name is not known (\`${instance.args[0]?.word.source ?? ''}\`)`;
  const rest = instance.args.slice(1).map(showArg);
  return rest.length === 0 ? `runs \`${instance.name}\`` : `runs \`${instance.name}\` with ${listOf(rest)}`;
}

function describeReading(reading: Reading, instance: Instance): string {
  const template = reading.program.data.does;
  if (template === undefined) return `runs \`${reading.program.path}\``;
  const text = fillTemplate(template, reading, instance);
  const effects = instance.interpretation?.effects ?? [];
  const tail = removesTree(effects) && template.includes('{removes') ? `${text} and everything in it` : text;
  return tail + extraClauses(template, effects, reading.filtered);
}

/** Effects that the sentence does not speak of. */
function extraClauses(template: string, effects: readonly Effect[], filtered: boolean): string {
  const clauses: string[] = [];
  const named = (kind: string): boolean =>
    template.includes(`{${kind}`) ||
    (kind === 'removes' && template.startsWith('moves')) ||
    template.includes('{operands') ||
    template.includes('{archives');
  const writes = targets(effects, 'write');
  if (writes.length > 0 && !named('writes')) clauses.push(`writes ${listOf(writes)}`);
  const removes = targets(effects, 'remove');
  if (removes.length > 0 && (filtered || !named('removes')))
    clauses.push(filtered ? 'deletes what matches' : `deletes ${listOf(removes)}`);
  return clauses.length === 0 ? '' : ` and ${clauses.join(' and ')}`;
}

function removesTree(effects: readonly Effect[]): boolean {
  const removals = effects.filter((effect) => effect.kind === 'remove');
  return removals.length > 0 && removals.every((effect) => effect.kind === 'remove' && effect.target.recursive);
}

function redirectClause(effects: readonly Effect[], record: CommandRecord): string {
  const out: string[] = [];
  const own = new Set(record.command.redirections);
  for (const effect of effects) {
    if (effect.kind !== 'write' || effect.target.redirection === undefined) continue;
    if (!own.has(effect.target.redirection)) continue;
    out.push(
      `${effect.target.redirection.operator.includes('>>') ? 'appending to' : 'writing to'} ${effect.target.source}`,
    );
  }
  return out.length === 0 ? '' : `, ${out.join(' and ')}`;
}

/** `{reads|the current folder}`: a list, or the text after the bar when there is nothing to list. */
function fillTemplate(template: string, reading: Reading, instance: Instance): string {
  const effects = instance.interpretation?.effects ?? [];
  return template.replace(
    /\{(\w+)(?:\|([^{}]*(?:\{\w+\})?[^{}]*))?\}/g,
    (_whole, key: string, fallback: string | undefined) => {
      const items = placeholderItems(key, reading, effects);
      if (items.length > 0) return listOf(items);
      return (fallback ?? 'nothing').replace('{name}', reading.program.name);
    },
  );
}

function placeholderItems(key: string, reading: Reading, effects: readonly Effect[]): readonly string[] {
  switch (key) {
    case 'name':
      return [reading.program.name];
    case 'path':
      return [reading.program.path];
    case 'operands':
      return reading.operands.map(({ arg }) => showArg(arg));
    case 'reads':
      return targets(effects, 'read').filter(
        (source) => source !== '-' && (source !== '.' || reading.operands.some(({ arg }) => arg.text === '.')),
      );
    case 'writes':
      return targets(effects, 'write');
    case 'removes':
      return targets(effects, 'remove');
    case 'archives':
      return reading.options
        .filter(({ option }) => option.meaning.role === 'archive')
        .flatMap(({ value }) => (value === undefined ? [] : [showArg(value)]));
    case 'urls':
    case 'hosts':
      return effects.flatMap((effect) =>
        effect.kind === 'connect' ? [effect.url ?? effect.host ?? 'a host that is not known'] : [],
      );
    default: {
      const operand = reading.operands[Number(key) - 1];
      return operand === undefined ? [] : [showArg(operand.arg)];
    }
  }
}

function targets(effects: readonly Effect[], kind: 'read' | 'write' | 'remove'): readonly string[] {
  return [
    ...new Set(
      effects.flatMap((effect) =>
        effect.kind === kind && effect.target.redirection === undefined ? [shorten(effect.target.source)] : [],
      ),
    ),
  ];
}

function showArg(arg: Arg): string {
  return shorten(arg.text !== undefined && /^[\w./:@%+,=~-]+$/.test(arg.text) ? arg.text : arg.word.source);
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1)}…`;
}

function listOf(items: readonly string[]): string {
  if (items.length > maxNames) return `${items.slice(0, maxNames).join(', ')} and ${items.length - maxNames} more`;
  if (items.length <= 1) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}

const maxClauses = 5;

function joinClauses(clauses: readonly string[]): string {
  const distinct = clauses.filter((clause, index) => clause !== clauses[index - 1]);
  if (distinct.length <= maxClauses) return distinct.join(', then ');
  return `${distinct.slice(0, maxClauses - 1).join(', then ')}, and ${distinct.length - maxClauses + 1} more steps`;
}

/** One sentence for the whole text; harmless helpers of a text that changes something are left out. */
export function describeScript(script: ParsedScript, commands: readonly CommandRecord[]): string {
  const downloads = describeDownload(script, commands);
  if (downloads !== undefined) return downloads;
  const clauses = commands.map((record) => record.result.description);
  const important = commands.flatMap((record, index) =>
    record.result.readOnly && record.result.effects.every(isRead) ? [] : [clauses[index] ?? ''],
  );
  const chosen = important.length > 0 && clauses.length > maxClauses ? important : clauses;
  return chosen.length === 0 ? 'tests a condition or does nothing' : joinClauses(chosen);
}

function isRead(effect: Effect): boolean {
  return effect.kind === 'read' || effect.kind === 'chdir';
}

/** `curl … | bash` says in one clause what the two halves together mean. */
function describeDownload(script: ParsedScript, commands: readonly CommandRecord[]): string | undefined {
  if (commands.length !== 2) return undefined;
  const [from, to] = commands;
  const source = from?.instances[0];
  const sink = to?.instances[0];
  if (source?.program?.data.fetches !== true || sink?.program?.data.interprets === undefined) return undefined;
  if (script.commands[0]?.pipedTo !== script.commands[1]?.id) return undefined;
  const urls = (source.interpretation?.effects ?? []).flatMap((effect) =>
    effect.kind === 'connect' ? [effect.url ?? effect.host ?? 'something'] : [],
  );
  return `downloads ${listOf(urls.length === 0 ? ['something'] : urls)} with ${source.name ?? 'a program'} and runs it with ${sink.name ?? 'a shell'}`;
}
