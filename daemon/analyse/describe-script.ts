/**
 * One sentence for a whole text: pipelines, loops, conditions, functions and substitutions as a person would tell them. A
 * long text is told by its weightiest steps; how many are left out is said, and that they only read where they do.
 */
import type { ParsedScript, Redirection, SimpleCommand, Statement, Word, WordPart } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';
import type { CommandRecord, Instance } from './analyse-command.ts';
import type { Effect } from './model.ts';
import { isFreeTarget } from './path-targets.ts';
import { readsProgramFromStdin } from './stdin-program.ts';
import { accountsOf } from './tell-account.ts';
import { listOf, showSource } from './word-text.ts';

/** One step of the account, and how much it weighs when not all can be told. */
interface Clause {
  readonly text: string;
  readonly weight: number;
}

const maxClauses = 6;
const maxInner = 3;

export function describeScript(script: ParsedScript, records: readonly CommandRecord[]): string {
  const clauses = new Teller(script, records).tell(script.body);
  return clauses.length === 0 ? 'tests a condition or does nothing' : join(clauses, ', then ', maxClauses);
}

class Teller {
  readonly #records: readonly CommandRecord[];
  readonly #functions = new Map<string, Statement>();
  readonly #told = new Set<string>();

  constructor(script: ParsedScript, records: readonly CommandRecord[]) {
    this.#records = records;
    this.#collectFunctions(script.body);
  }

  tell(statements: readonly Statement[]): readonly Clause[] {
    return statements.flatMap((statement) => this.#statement(statement));
  }

  #collectFunctions(statements: readonly Statement[]): void {
    for (const statement of statements)
      if (statement.type === 'function') this.#functions.set(statement.name, statement.body);
  }

  #statement(statement: Statement): readonly Clause[] {
    const clauses = this.#bare(statement);
    const target = statement.type === 'command' ? '' : describeRedirections(statement.redirections);
    const end = `${target}${statement.background ? ' in the background' : ''}`;
    const last = clauses.at(-1);
    if (end === '' || last === undefined) return clauses;
    if (clauses.length === 1) return [{ ...last, text: `${last.text}${end}` }];
    return [
      { text: `${join(clauses, ' and ', maxInner)}, all ${end.replace(/^, /, '').trim()}`, weight: heaviest(clauses) },
    ];
  }

  #bare(statement: Statement): readonly Clause[] {
    switch (statement.type) {
      case 'command':
        return this.#command(statement.command);
      case 'pipeline':
        return this.#pipeline(statement.stages);
      case 'and-or': {
        const left = this.#statement(statement.left);
        const right = this.#statement(statement.right);
        if (statement.operator === '&&' || left.length === 0) return [...left, ...right];
        const isIdle = right.every(({ text }) => text === 'does nothing' || text === 'fails');
        return isIdle
          ? left
          : [...left, { text: `if that fails ${join(right, ' and ', maxInner)}`, weight: heaviest(right) }];
      }
      case 'group':
      case 'subshell':
        return this.tell(statement.body);
      case 'if':
        return [
          ...statement.branches.flatMap(({ condition, body }, index) => [
            ...this.#changing(condition),
            ...this.#inside(index === 0 ? 'if a condition holds, ' : 'or if another one holds, ', body),
          ]),
          ...this.#inside('otherwise ', statement.otherwise),
        ];
      case 'while':
      case 'until':
        return this.#inside('again and again, ', statement.body, this.#changing(statement.condition));
      case 'for':
      case 'select': {
        const names = statement.words?.map(({ source }) => showSource(source)) ?? ['"$@"'];
        return this.#inside(
          `for each ${statement.variable} in ${listOf(names)}, `,
          statement.body,
          this.#used(statement.words ?? []),
        );
      }
      case 'arithmetic-for':
        return this.#inside('several times, ', statement.body);
      case 'case': {
        const branches = statement.items.flatMap((item) => {
          const clauses = this.tell(item.body);
          return clauses.length === 0 ? [] : [{ text: join(clauses, ' and ', maxInner), weight: heaviest(clauses) }];
        });
        if (branches.length === 0) return [];
        const text = `depending on ${showSource(statement.subject.source)}, ${join(branches, ' or ', maxInner)}`;
        return [{ text, weight: heaviest(branches) }];
      }
      case 'function':
        return this.#isCalled(statement.name)
          ? []
          : this.#inside(`defines the function \`${statement.name}\`, which `, [statement.body]);
      case 'coproc':
        return this.#statement(statement.body);
      case 'conditional':
        return [{ text: 'tests a condition', weight: 0 }, ...this.#used(statement.words)];
      case 'arithmetic':
        return [{ text: 'computes', weight: 0 }];
    }
  }

  /** A condition is told where finding it out changes something. */
  #changing(statements: readonly Statement[]): readonly Clause[] {
    return this.tell(statements).filter(({ weight }) => weight > 0);
  }

  #inside(lead: string, body: readonly Statement[], before: readonly Clause[] = []): readonly Clause[] {
    const clauses = [...before, ...this.tell(body)];
    if (clauses.length === 0) return [];
    return [{ text: `${lead}${join(clauses, ' and ', maxInner)}`, weight: heaviest(clauses) }];
  }

  #isCalled(name: string): boolean {
    return this.#records.some(({ result }) => result.callsFunction === name);
  }

  #command(command: SimpleCommand): readonly Clause[] {
    const record = this.#records[command.id];
    if (record === undefined) return [];
    const download = this.#downloaded(record);
    if (download !== undefined) return [download];
    const text = `${record.result.description}${this.#body(record)}`;
    const used = this.#used(allWords(command));
    if (used.length === 0) return [{ text, weight: weightOf(record) }];
    const from = ` (taken from a command that ${join(used, ', and one that ', maxInner)})`;
    return [{ text: `${text}${from}`, weight: Math.max(weightOf(record), heaviest(used)) }];
  }

  /** What a function does is told where it is first called. */
  #body({ result }: CommandRecord): string {
    const name = result.callsFunction;
    const body = name === undefined ? undefined : this.#functions.get(name);
    if (name === undefined || body === undefined || this.#told.has(name)) return '';
    this.#told.add(name);
    const clauses = this.#statement(body);
    return clauses.length === 0 ? '' : `, which ${join(clauses, ', then ', maxInner)}`;
  }

  /** What substitutions in these words run. */
  #used(words: readonly Word[]): readonly Clause[] {
    return words.flatMap((word) => nestedBodies(word.parts)).flatMap((body) => this.tell(body));
  }

  /** A stage that only passes on part of its input is named and not told. */
  #pipeline(stages: readonly Statement[]): readonly Clause[] {
    const [first, last] = [stages[0], stages.at(-1)];
    if (stages.length === 1 || first === undefined || last === undefined)
      return stages.flatMap((stage) => this.#statement(stage));
    const runner = this.#simple(last);
    const source = this.#simple(first);
    const runs = runner === undefined ? undefined : interpreterName(runner);
    if (runs !== undefined && source !== undefined && fetches(source)) {
      const filters = stages.slice(1, -1).flatMap((stage) => this.#filterName(stage) ?? []);
      const through = filters.length === 0 ? '' : `, passes it through ${listOf([...new Set(filters)])}`;
      return [{ text: `${source.result.description}${through} and runs it with ${runs}`, weight: 4 }];
    }
    const clauses: Clause[] = [];
    let filters: string[] = [];
    const flush = (): void => {
      const before = clauses.pop();
      if (before !== undefined)
        clauses.push(
          filters.length === 0
            ? before
            : { ...before, text: `${before.text}, filtered with ${listOf([...new Set(filters)])}` },
        );
      filters = [];
    };
    for (const [index, stage] of stages.entries()) {
      const filter = index === 0 ? undefined : this.#filterName(stage);
      if (filter !== undefined) {
        filters.push(filter);
        continue;
      }
      flush();
      if (index === stages.length - 1 && runs !== undefined)
        clauses.push({ text: `runs the result with ${runs}`, weight: 4 });
      else clauses.push(...this.#statement(stage));
    }
    flush();
    return clauses;
  }

  #simple(stage: Statement): CommandRecord | undefined {
    return stage.type === 'command' ? this.#records[stage.command.id] : undefined;
  }

  #filterName(stage: Statement): string | undefined {
    const record = this.#simple(stage);
    const [instance] = record?.instances ?? [];
    if (record === undefined || instance?.reading === undefined || instance.program?.data.decodes === true)
      return undefined;
    const { readOnly, effects, inner, known } = record.result;
    const idle = readOnly && known && effects.length === 0 && inner.length === 0;
    return idle && instance.layered.wrappers.length === 0 && this.#used(allWords(record.command)).length === 0
      ? instance.name
      : undefined;
  }

  /** `sh -c "$(curl …)"`, `bash <(curl …)`: says in one clause what the two halves together mean. */
  #downloaded(record: CommandRecord): Clause | undefined {
    const [instance] = record.instances;
    const name = instance === undefined ? undefined : runnerName(instance);
    if (name === undefined) return undefined;
    const bodies = allWords(record.command).flatMap((word) => nestedBodies(word.parts));
    for (const [only, ...others] of bodies) {
      const stages = only?.type === 'pipeline' ? only.stages : only === undefined ? [] : [only];
      const source = stages[0] === undefined ? undefined : this.#simple(stages[0]);
      if (others.length > 0 || source === undefined || !fetches(source)) continue;
      return {
        text: `${join(this.tell([only as Statement]), ', then ', maxInner)} and runs it with ${name}`,
        weight: 4,
      };
    }
    return undefined;
  }
}

function fetches({ instances }: CommandRecord): boolean {
  return instances[0]?.program?.data.fetches === true;
}

/** The shell or interpreter that takes its program from a pipe. */
function interpreterName({ instances }: CommandRecord): string | undefined {
  const [instance] = instances;
  return instance?.program?.data.interprets !== undefined && readsProgramFromStdin(instance.reading)
    ? runnerName(instance)
    : undefined;
}

function runnerName({ name, program, layered, reading }: Instance): string | undefined {
  // On another machine its own account says so.
  if (reading?.operands.some(({ role }) => role === 'host') === true) return undefined;
  if (
    name === undefined ||
    (program?.data.interprets === undefined && name !== 'eval' && name !== 'source' && name !== '.')
  )
    return undefined;
  const isRoot = layered.wrappers.some((wrapper) => wrapper.program.name === 'sudo' || wrapper.program.name === 'doas');
  return isRoot ? `${name} as root` : name;
}

function allWords({ words, assignments, redirections }: SimpleCommand): readonly Word[] {
  return [
    ...assignments.flatMap(({ value, elements, subscript }) => [value, subscript, ...(elements ?? [])]),
    ...words,
    ...redirections.flatMap(({ target, heredoc }) => [target, heredoc?.body]),
  ].filter((word) => word !== undefined);
}

function nestedBodies(parts: readonly WordPart[]): readonly (readonly Statement[])[] {
  return parts.flatMap((part): readonly (readonly Statement[])[] => {
    switch (part.type) {
      case 'substitution':
      case 'process':
        return [part.body];
      case 'brace':
        return part.words.flatMap((word) => nestedBodies(word.parts));
      case 'parameter':
        return part.operands.flatMap((word) => nestedBodies(word.parts));
      case 'arithmetic':
        return nestedBodies(part.expression.expansions);
      default:
        return [];
    }
  });
}

function describeRedirections(redirections: readonly Redirection[]): string {
  const clauses = redirections.flatMap(({ operator, target }) => {
    const name = wordValue(target);
    if (name !== undefined && (isFreeTarget(name) || /^(?:\d+|-)$/.test(name))) return [];
    if (operator === '<') return [`reading ${showSource(target.source)}`];
    if (!operator.includes('>')) return [];
    return [`${operator.includes('>>') ? 'appending to' : 'writing to'} ${showSource(target.source)}`];
  });
  return clauses.length === 0 ? '' : `, ${clauses.join(' and ')}`;
}

/** 0 only reads, 1 writes, 2 does more, 3 removes, connects or runs as another, 4 is grave by its account. */
function weightOf({ result, instances }: CommandRecord): number {
  const isGrave = instances.some(
    ({ reading }) => reading !== undefined && accountsOf(reading).some(({ risk }) => risk?.level === 'high'),
  );
  if (isGrave) return 4;
  if (result.effects.some(({ kind }) => kind === 'remove' || kind === 'connect')) return 3;
  if (result.readOnly && result.effects.every(isRead)) return 0;
  return result.effects.some(({ kind }) => kind === 'execute') || !result.known ? 2 : 1;
}

function isRead(effect: Effect): boolean {
  return effect.kind === 'read' || effect.kind === 'chdir';
}

function heaviest(clauses: readonly Clause[]): number {
  return Math.max(0, ...clauses.map(({ weight }) => weight));
}

/** In the order of the text; where there are too many, the lightest give way. */
function join(clauses: readonly Clause[], between: string, max: number): string {
  const distinct = clauses.filter(({ text }, index) => text !== clauses[index - 1]?.text);
  if (distinct.length <= max) return distinct.map(({ text }) => text).join(between);
  const kept = new Set(
    distinct
      .map((clause, index) => ({ clause, index }))
      .sort((a, b) => b.clause.weight - a.clause.weight || a.index - b.index)
      .slice(0, max - 1)
      .map(({ clause }) => clause),
  );
  const left = distinct.filter((clause) => !kept.has(clause));
  const count = left.length === 1 ? '1 more step' : `${left.length} more steps`;
  const what = heaviest(left) === 0 ? ` that only read${left.length === 1 ? 's' : ''}` : '';
  return `${distinct
    .filter((clause) => kept.has(clause))
    .map(({ text }) => text)
    .join(between)}, and ${count}${what}`;
}
