/** Runs every family over a walked script and collects what they find. */
import type { ParsedScript, Span } from '../../parse/model.ts';
import type { AnalysisContext } from '../analyse.ts';
import type { CommandRecord } from '../analyse-command.ts';
import type { Effect } from '../model.ts';
import { arithmetic } from './arithmetic.ts';
import { credentialReads } from './credential-reads.ts';
import { criticalRemovals } from './critical-removals.ts';
import { devices } from './devices.ts';
import { environment } from './environment.ts';
import { evaluatedValues } from './evaluated-values.ts';
import type { FindingFamily } from './family.ts';
import { globOptions } from './glob-options.ts';
import { innerCode } from './inner-code.ts';
import { programNames } from './program-names.ts';
import { protectedWrites } from './protected-writes.ts';
import { redefinitions } from './redefinitions.ts';
import { repositories } from './repositories.ts';
import { variableNames } from './variable-names.ts';

export const families: readonly FindingFamily[] = [
  criticalRemovals,
  protectedWrites,
  credentialReads,
  programNames,
  innerCode,
  environment,
  redefinitions,
  devices,
  variableNames,
  repositories,
  globOptions,
  arithmetic,
  evaluatedValues,
] as readonly FindingFamily[];

export function findAll(
  script: ParsedScript,
  commands: readonly CommandRecord[],
  loose: readonly Effect[],
  context: AnalysisContext,
): void {
  for (const family of families) {
    const report = reporter(family, context);
    if (family.inCommand !== undefined) for (const record of commands) visit(record, family, context, report);
    family.inScript?.(script, commands, loose, context, report);
  }
}

export function reporter(
  family: FindingFamily,
  context: AnalysisContext,
): (id: string, message: string, span: Span, command: number | undefined) => void {
  return (id, message, span, command) => {
    const definition = family.definitions[id];
    if (definition === undefined) throw new Error(`no such finding: ${id}`);
    const neverAutoApproved = definition.neverAutoApproved === true || definition.class === 'deception';
    context.findings.push({
      id,
      class: definition.class,
      severity: definition.severity,
      message,
      span,
      command,
      neverAutoApproved,
    });
  };
}

/** Commands of inner shell text were visited with their own script; those made of this command's words are visited here. */
function visit(
  record: CommandRecord,
  family: FindingFamily,
  context: AnalysisContext,
  report: ReturnType<typeof reporter>,
): void {
  family.inCommand?.(record, context, report);
  for (const inner of record.inner)
    if (inner.command.id === record.command.id && inner.command.start === record.command.start)
      visit(inner, family, context, report);
}
