/**
 * One sentence for a whole text: pipelines, loops, conditions, functions and substitutions as a person would tell them. A
 * long text is told by its weightiest steps; how many are left out is said, and that they only read where they do.
 */
import type { ParsedScript, Redirection, SimpleCommand, Statement, Word } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';
import type { CommandRecord } from './analyse-command.ts';
import { type Clause, heaviest, joinClauses, weightOf } from './clauses.ts';
import { allWords, nestedBodies } from './nested-bodies.ts';
import { isFreeTarget } from './path-targets.ts';
import { fetches, interpreterName, runnerName } from './runner-name.ts';
import { listOf, showSource } from './word-text.ts';

const maxClauses = 6;
const maxInner = 3;

export function describeScript(script: ParsedScript, records: readonly CommandRecord[]): string {
  const clauses = new Teller(script, records).tell(script.body);
  return clauses.length === 0 ? 'tests a condition or does nothing' : joinClauses(clauses, ', then ', maxClauses);
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
      {
        text: `${joinClauses(clauses, ' and ', maxInner)}, all ${end.replace(/^, /, '').trim()}`,
        weight: heaviest(clauses),
      },
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
          : [...left, { text: `if that fails ${joinClauses(right, ' and ', maxInner)}`, weight: heaviest(right) }];
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
          return clauses.length === 0
            ? []
            : [{ text: joinClauses(clauses, ' and ', maxInner), weight: heaviest(clauses) }];
        });
        if (branches.length === 0) return [];
        const text = `depending on ${showSource(statement.subject.source)}, ${joinClauses(branches, ' or ', maxInner)}`;
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
    return [{ text: `${lead}${joinClauses(clauses, ' and ', maxInner)}`, weight: heaviest(clauses) }];
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
    const from = ` (taken from a command that ${joinClauses(used, ', and one that ', maxInner)})`;
    return [{ text: `${text}${from}`, weight: Math.max(weightOf(record), heaviest(used)) }];
  }

  /** What a function does is told where it is first called. */
  #body({ result }: CommandRecord): string {
    const name = result.callsFunction;
    const body = name === undefined ? undefined : this.#functions.get(name);
    if (name === undefined || body === undefined || this.#told.has(name)) return '';
    this.#told.add(name);
    const clauses = this.#statement(body);
    return clauses.length === 0 ? '' : `, which ${joinClauses(clauses, ', then ', maxInner)}`;
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
        text: `${joinClauses(this.tell([only as Statement]), ', then ', maxInner)} and runs it with ${name}`,
        weight: 4,
      };
    }
    return undefined;
  }
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
