/**
 * From text to an analysis: parse, look up the paths that matter, analyse. The only place where the machine is looked at
 * on the way to a decision, and what keeps parses of the texts that agents repeat.
 */
import { analyse } from './analyse/analyse.ts';
import { collectPaths, findUnseen, maxPaths } from './analyse/collect-paths.ts';
import type { Catalogue } from './analyse/compile-catalogue.ts';
import type { Analysis, Facts } from './analyse/model.ts';
import type { ParseResult, Unparsable } from './parse/model.ts';
import { createParser } from './parse/parser.ts';
import { lookUpFacts } from './platform/facts.ts';
import { loadGrammarFiles } from './platform/grammar.ts';

export interface Understood {
  readonly analysis: Analysis;
  readonly facts: Facts;
}

export interface Understanding {
  /** A defect in a stage is text that was not understood: a question, never a permission and never a crash. */
  readonly understand: (command: string, base: Omit<Facts, 'paths'>) => Understood;
  /** Without looking at the machine: the same answer everywhere. */
  readonly analyseText: (command: string, facts: Facts) => Analysis;
}

/** Texts whose parse is kept, and how long one may be: a few megabytes at most. */
const maxRemembered = 256;
const maxRememberedLength = 1_000;

export async function createUnderstanding(catalogue: Catalogue): Promise<Understanding> {
  const parser = await createParser(await loadGrammarFiles());
  const parse = rememberParses((text) => parser.parse(text));

  const understand = (command: string, base: Omit<Facts, 'paths'>): Understood => {
    const script = parse(command);
    const paths = script.kind === 'unparsable' ? [] : collectPaths(script, base);
    const facts = lookUpFacts(paths, base);
    const analysis = analyse(script, facts, catalogue, parse);
    const unseen = findUnseen(analysis, facts);
    if (unseen.length === 0 || paths.length + unseen.length > maxPaths) return { analysis, facts };
    const wider = lookUpFacts([...paths, ...unseen], base);
    return { analysis: analyse(script, wider, catalogue, parse), facts: wider };
  };

  return {
    understand: (command, base) => {
      try {
        return understand(command, base);
      } catch (error) {
        const script: Unparsable = {
          kind: 'unparsable',
          text: command,
          code: 'parser-failure',
          message: `the command could not be analysed, which is a defect of sbx: ${(error as Error).message}`,
          span: { start: 0, end: command.length },
        };
        const facts = { ...base, paths: new Map() };
        return { analysis: analyse(script, facts, catalogue, parse), facts };
      }
    },
    analyseText: (command, facts) => analyse(parse(command), facts, catalogue, parse),
  };
}

/** Agents repeat themselves, and the same text always parses the same way. Decisions are never remembered: files change. */
function rememberParses(parse: (text: string) => ParseResult): (text: string) => ParseResult {
  const known = new Map<string, ParseResult>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const parsed = parse(text);
    if (text.length <= maxRememberedLength) {
      const [oldest] = known.keys();
      if (known.size >= maxRemembered && oldest !== undefined) known.delete(oldest);
      known.set(text, parsed);
    }
    return parsed;
  };
}
