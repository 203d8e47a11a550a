/**
 * The second pass over a text that was read: finds every simple command, wherever bash would run it, and gives it its
 * number, its positions and the command its output is piped to.
 */
import type { Position, SimpleCommand, Statement } from './model.ts';
import { childrenOf } from './walk.ts';

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** Every simple command in source order, completed in place. */
export function numberCommands(body: readonly Statement[]): SimpleCommand[] {
  const found: Mutable<SimpleCommand>[] = [];
  const pipes: { from: Mutable<SimpleCommand>; to: SimpleCommand }[] = [];

  function visitAll(
    statements: readonly Statement[],
    positions: readonly Position[],
    target: SimpleCommand | undefined,
  ) {
    for (const statement of statements) visit(statement, positions, target);
  }

  /** @param target what the statement's standard output feeds */
  function visit(statement: Statement, outer: readonly Position[], target: SimpleCommand | undefined): void {
    const positions = statement.background ? add(outer, 'background') : outer;
    if (statement.type === 'command') {
      const command = statement.command as Mutable<SimpleCommand>;
      command.positions = positions;
      found.push(command);
      if (target !== undefined) pipes.push({ from: command, to: target });
    }
    if (statement.type === 'pipeline' && statement.stages.length > 1) {
      for (const [index, stage] of statement.stages.entries()) {
        const next = statement.stages[index + 1];
        visit(stage, add(positions, 'pipeline'), next === undefined ? target : findFirstCommand(next));
      }
      return;
    }
    for (const child of childrenOf(statement)) {
      visitAll(child.body, child.positions.reduce(add, positions), child.sharesOutput ? target : undefined);
    }
  }

  visitAll(body, [], undefined);
  found.sort((one, other) => one.start - other.start || one.end - other.end);
  for (const [id, command] of found.entries()) command.id = id;
  for (const { from, to } of pipes) from.pipedTo = to.id;
  return found;
}

function add(positions: readonly Position[], position: Position): readonly Position[] {
  return positions.includes(position) ? positions : [...positions, position];
}

/** The command of a pipeline's stage that stands first in the text: the one a reader sees after the `|`. */
function findFirstCommand(statement: Statement): SimpleCommand | undefined {
  if (statement.type === 'command') return statement.command;
  for (const child of childrenOf(statement)) {
    if (!child.sharesOutput) continue;
    for (const inner of child.body) {
      const found = findFirstCommand(inner);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
