/**
 * A family of findings: their stable ids with class and severity, a command that each hits and a near miss, and the code
 * that finds them. One test runs every example, so an id without a proof cannot exist.
 */
import type { Arithmetic, ParsedScript, Span, Statement } from '../../parse/model.ts';
import type { AnalysisContext } from '../analyse.ts';
import type { CommandRecord } from '../analyse-command.ts';
import type { Effect, FindingClass } from '../model.ts';

export interface FindingDefinition {
  readonly class: FindingClass;
  readonly severity: 'low' | 'medium' | 'high';
  /** Not even an exact rule lifts it (RULES O23). Class deception always counts as such. */
  readonly neverAutoApproved?: true;
  readonly hits: readonly string[];
  readonly misses: readonly string[];
}

export type Report<Id extends string> = (id: Id, message: string, span: Span, command: number | undefined) => void;

export interface FindingFamily<Id extends string = string> {
  readonly definitions: Readonly<Record<Id, FindingDefinition>>;
  /** Called for every command, and for those that it runs. */
  readonly inCommand?: (record: CommandRecord, context: AnalysisContext, report: Report<Id>) => void;
  readonly inScript?: (
    script: ParsedScript,
    commands: readonly CommandRecord[],
    loose: readonly Effect[],
    context: AnalysisContext,
    report: Report<Id>,
  ) => void;
}

export type { Arithmetic, Statement };
