/** Analyses made by hand, for what decide does with data that no simple text brings about. */
import type {
  AnalysedCommand,
  Analysis,
  Effect,
  Facts,
  Finding,
  Layer,
  PathTarget,
} from '../../../daemon/analyse/model.ts';
import { parseFlags } from '../../../daemon/decide/flags.ts';
import { mergePolicies } from '../../../daemon/decide/merge-policies.ts';
import type { ParsedPolicy, Policy } from '../../../daemon/decide/policy.ts';
import type { SimpleCommand, Word } from '../../../daemon/parse/model.ts';

export const facts: Facts = {
  home: '/home/u',
  workspace: '/home/u/ws',
  cwd: '/home/u/ws',
  additionalDirectories: ['/srv/shared'],
  temporaryDirectories: ['/tmp'],
  paths: new Map([['/home/u/ws/b', { kind: 'directory', resolved: '/home/u/ws/b', repository: undefined }]]),
};

/** A word of known value, or `$x` for one of unknown value. */
export function makeWord(source: string, start: number): Word {
  const end = start + source.length;
  if (!source.startsWith('$')) {
    const literal = { type: 'literal', value: source, quoted: false, start, end } as const;
    return { source, start, end, parts: [literal], values: [source], quoted: false };
  }
  const name = source.slice(1);
  const part = {
    type: 'parameter',
    name,
    operator: undefined,
    operands: [],
    indirect: false,
    length: false,
    quoted: false,
    start,
    end,
  } as const;
  return { source, start, end, parts: [part], values: undefined, quoted: false };
}

export function makeWords(text: string, start: number): Word[] {
  let at = start;
  return text.split(' ').map((source) => {
    const word = makeWord(source, at);
    at = word.end + 1;
    return word;
  });
}

export function makeLayer(words: readonly Word[], removed: Layer['removed'] = 'nothing', grants = true): Layer {
  const known = words.every((word) => word.values !== undefined);
  const text = words.map((word) => word.source).join(' ');
  return { text, resolved: known ? text : undefined, words, removed, grants };
}

export function makeTarget(path: string | undefined, more: Partial<PathTarget> = {}): PathTarget {
  return {
    span: { start: 0, end: 1 },
    source: path ?? '$p',
    path,
    resolved: path,
    prefix: undefined,
    confined: false,
    recursive: false,
    redirection: undefined,
    ...more,
  };
}

export function makeCommand(text: string, id = 0, start = 0, more: Partial<AnalysedCommand> = {}): AnalysedCommand {
  const words = makeWords(text, start);
  const command: SimpleCommand = {
    id,
    start,
    end: start + text.length,
    positions: [],
    assignments: [],
    words,
    redirections: [],
    pipedTo: undefined,
  };
  return {
    command,
    cwd: facts.cwd,
    changedDirectory: false,
    layers: [makeLayer(words)],
    program: words[0]?.values?.[0],
    known: true,
    readOnly: false,
    notReadOnlyBecause: undefined,
    callsFunction: undefined,
    effects: [],
    unnamed: [],
    inner: [],
    description: `runs ${text}`,
    ...more,
  };
}

export function makeAnalysis(
  commands: readonly AnalysedCommand[],
  findings: readonly Finding[] = [],
  effects: readonly Effect[] = [],
): Analysis {
  const text = commands.map((each) => each.layers[0]?.text ?? '').join(' ; ');
  return {
    script: { kind: 'script', text, body: [], commands: commands.map((each) => each.command) },
    commands,
    findings,
    effects,
    description: 'does something',
    risk: { level: 'low', why: 'it is a test' },
  };
}

export function makeFinding(more: Partial<Finding> = {}): Finding {
  return {
    id: 'inner-code',
    class: 'inner-code',
    severity: 'medium',
    message: 'runs code',
    span: { start: 0, end: 1 },
    command: 0,
    neverAutoApproved: false,
    ...more,
  };
}

export function makePolicy(
  rules: { allow?: string[]; ask?: string[]; deny?: string[] },
  more: Partial<ParsedPolicy> = {},
): Policy {
  return mergePolicies([{ ...parseFlags(rules, facts.cwd), ...more }]);
}
