/**
 * The verb of this stage: from a parse, facts about the machine and the catalogue to what every simple command would do.
 * Pure and total: it never throws for any parse, and what it cannot tell is marked as not known.
 */
import type { ParsedScript, ParseResult, Unparsable } from '../parse/model.ts';
import type { Catalogue } from './compile-catalogue.ts';
import { describeScript } from './describe-script.ts';
import { followEvaluated } from './evaluated-literals.ts';
import { findAll } from './findings/find-all.ts';
import type { Analysis, Facts, Finding } from './model.ts';
import { assessRisk } from './risk.ts';
import { walkScript } from './walk.ts';

/** The parse stage's function, handed in so that analysis reads the text of `bash -c` and `eval` with the same parser. */
export type Parse = (text: string) => ParseResult;

/** How deep code may be nested in code (`bash -c "bash -c …"`) before it counts as unreadable. */
export const maxInnerDepth = 4;

/** Texts inside one text that are parsed (`eval`, `bash -c`); further ones count as unknown code. */
export const maxInnerTexts = 64;

export function analyse(script: ParseResult, facts: Facts, catalogue: Catalogue, parse: Parse): Analysis {
  if (script.kind === 'unparsable') return analyseUnparsable(script);
  try {
    return analyseScript(script, facts, catalogue, parse);
  } catch (error) {
    // A defect here must lead to a question, never to an answer from half an analysis.
    const message =
      error instanceof RangeError ? 'the text is nested too deeply to be analysed' : 'the analysis failed on this text';
    return analyseUnparsable({
      kind: 'unparsable',
      text: script.text,
      code: 'too-complex',
      message,
      span: { start: 0, end: script.text.length },
    });
  }
}

function analyseScript(script: ParsedScript, facts: Facts, catalogue: Catalogue, parse: Parse): Analysis {
  const context: AnalysisContext = {
    script,
    facts,
    catalogue,
    parse,
    depth: 0,
    budget: { texts: maxInnerTexts },
    elsewhere: false,
    findings: [],
  };
  const { commands, loose } = walkScript(script, context);
  findAll(script, commands, loose, context);
  followEvaluated(commands, context);
  const analysed = commands.map((one) => one.result);
  const findings = sortFindings(context.findings);
  return {
    script,
    commands: analysed,
    findings,
    effects: loose,
    description: describeScript(script, commands),
    risk: assessRisk(commands, findings, loose, context.facts),
  };
}

function analyseUnparsable(script: Unparsable): Analysis {
  const findings: Finding[] =
    script.code === 'control-character'
      ? [
          {
            id: 'control-character',
            class: 'deception',
            severity: 'high',
            message: script.message,
            span: script.span,
            command: undefined,
            neverAutoApproved: true,
          },
        ]
      : [];
  return {
    script,
    commands: [],
    findings,
    effects: [],
    description: `cannot be analysed: ${script.message}`,
    risk: { level: 'high', why: 'what it would run is not known' },
  };
}

/** What the parts of this stage share during one analysis. */
export interface AnalysisContext {
  readonly script: ParsedScript;
  readonly facts: Facts;
  readonly catalogue: Catalogue;
  readonly parse: Parse;
  readonly depth: number;
  /** How many more texts inside the text are parsed; shared, because each costs a parse. */
  readonly budget: { texts: number };
  readonly findings: Finding[];
  /** The commands run on another machine or in a container that is given nothing of this one. */
  readonly elsewhere: boolean;
}

function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length < 2) return findings;
  const byPlace = new Map(
    findings.map((finding) => [`${finding.id} ${finding.span.start} ${finding.span.end} ${finding.message}`, finding]),
  );
  return [...byPlace.values()].sort((a, b) => a.span.start - b.span.start || a.id.localeCompare(b.id));
}
