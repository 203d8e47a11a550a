/** Steps of an account, put together: the weightiest are told, and of the others how many they are. */
import type { CommandRecord } from './analyse-command.ts';
import type { Effect } from './model.ts';
import { accountsOf } from './tell-account.ts';

/** One step of the account, and how much it weighs when not all can be told. */
export interface Clause {
  readonly text: string;
  readonly weight: number;
}

/** 0 only reads, 1 writes, 2 does more, 3 removes, connects or runs as another, 4 is grave by its account. */
export function weightOf({ result, instances }: CommandRecord): number {
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

export function heaviest(clauses: readonly Clause[]): number {
  return Math.max(0, ...clauses.map(({ weight }) => weight));
}

/** In the order of the text; where there are too many, the lightest give way. */
export function joinClauses(clauses: readonly Clause[], between: string, max: number): string {
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
