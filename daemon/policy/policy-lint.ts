/** What is wrong or doubtful in policy files (RULES O15): mistakes, entries without an effect, and rules that mislead. */
import { findIdleLimits, resolveLimits } from '../decide/limits.ts';
import { lintPolicy } from '../decide/lint-policy.ts';
import { mergePolicies } from '../decide/merge-policies.ts';
import type { ParsedPolicy, PolicyNote, PolicyProblem } from '../decide/policy.ts';
import type { Engine } from '../offline.ts';
import { builtInLimits } from './built-in-limits.ts';

export interface PolicyFinding {
  readonly file: string;
  /** From 1; absent for a file that cannot be read at all. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** `mistake`, `no-effect`, or the id of a lint. */
  readonly id: string;
  readonly message: string;
  readonly help: string | undefined;
}

export interface LintedPolicies {
  readonly files: readonly string[];
  readonly findings: readonly PolicyFinding[];
  /** Files that were named and are not there, or cannot be read. */
  readonly unreadable: readonly PolicyFinding[];
}

/** Each file by itself. */
export function lintFiles(engine: Engine, files: readonly string[]): LintedPolicies {
  const linted = files.map((file) => {
    const parsed = engine.readPolicyFile(file);
    return parsed === undefined ? missing(file) : lintTogether(engine, [parsed]);
  });
  return {
    files,
    findings: linted.flatMap(({ findings }) => findings),
    unreadable: linted.flatMap(({ unreadable }) => unreadable),
  };
}

/** The layers of a workspace together: a rule of one can be shadowed by another's. */
export function lintWorkspace(
  engine: Engine,
  place: { cwd: string; workspace: string | undefined; home: string },
): LintedPolicies {
  const { layers } = engine.policyOf(place);
  return lintTogether(
    engine,
    layers.filter(({ state, layer }) => state !== 'absent' && layer !== 'built-in').map(({ whole }) => whole),
  );
}

function lintTogether(engine: Engine, layers: readonly ParsedPolicy[]): LintedPolicies {
  // The rules as they stand, also those that wait for trust or that a mistake elsewhere in the file keeps from counting.
  const policy = mergePolicies(layers.map((layer) => ({ ...layer, problems: [] })));
  const problems = layers.flatMap((layer) => layer.problems);
  const findings = [
    ...problems.filter(({ origin }) => origin.line !== undefined).map((problem) => finding('mistake', problem)),
    ...[...policy.notes, ...findIdleLimits(layers, resolveLimits(policy.limits, [], builtInLimits, true))].map((note) =>
      finding('no-effect', note),
    ),
    ...lintPolicy(policy, engine.programKind).map(({ id, ...lint }) => finding(id, lint)),
  ];
  return {
    files: layers.flatMap(({ file }) => file ?? []),
    findings: findings.sort(byPlace),
    unreadable: problems
      .filter(({ origin }) => origin.line === undefined)
      .map((problem) => finding('unreadable', problem)),
  };
}

function finding(id: string, { message, origin, ...more }: PolicyProblem | PolicyNote): PolicyFinding {
  return { file: origin.file ?? origin.layer, line: origin.line, column: origin.column, id, message, help: more.help };
}

function missing(file: string): LintedPolicies {
  const message = 'the file does not exist';
  return {
    files: [file],
    findings: [],
    unreadable: [{ file, line: undefined, column: undefined, id: 'unreadable', message, help: undefined }],
  };
}

function byPlace(a: PolicyFinding, b: PolicyFinding): number {
  return a.file < b.file
    ? -1
    : a.file > b.file
      ? 1
      : (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
