/**
 * Reads one rule as written, `Tool` or `Tool(specifier)`, into a compiled rule, a remark that it is ignored, or an error
 * with its place in the text. Nothing is guessed: a near miss of a tool's name is an error, because a restriction that
 * is silently ignored is a hole (RULES G1–G8).
 */
import type { Origin } from '../../client/protocol/decision.ts';
import { parseCommandPattern } from './command-pattern.ts';
import { parseHostPattern } from './host-pattern.ts';
import { findNearestName } from './nearest-name.ts';
import { parsePathPattern } from './path-pattern.ts';
import { quoteText } from './quote-text.ts';
import { type Rule, type RuleList, type Tool, tools } from './rule.ts';

export interface RuleSource {
  readonly list: RuleList;
  readonly origin: Origin;
  /** Absolute folder that `/x` of a path rule is relative to (RULES P3). */
  readonly anchor: string;
}

export type ParsedRule =
  /** One rule, or one per tool when the tool's name is a pattern. */
  | { readonly kind: 'rules'; readonly rules: readonly Rule[] }
  /** `foreign`: the rule is for a tool that sbx does not have, which is no mistake in another agent's settings. */
  | { readonly kind: 'ignored'; readonly note: string; readonly help: string; readonly foreign?: true }
  | { readonly kind: 'error'; readonly message: string; readonly offset: number; readonly help: string };

/** Tools that the rules' first home has and sbx does not. */
const foreignTools = new Set(
  'Agent AskUserQuestion BashOutput Cd ExitPlanMode Glob Grep KillShell LS ListMcpResources Monitor MultiEdit NotebookEdit NotebookRead PowerShell ReadMcpResource Skill SlashCommand Task TodoRead TodoWrite ToolSearch WebSearch Write'.split(
    ' ',
  ),
);
const parameters = new Set(['description', 'timeout', 'run_in_background', 'dangerouslyDisableSandbox']);

export function parseRule(text: string, source: RuleSource): ParsedRule {
  const open = text.indexOf('(');
  const name = (open < 0 ? text : text.slice(0, open)).trim();
  if (name === '') return failure('the rule names no tool', 0, 'write it as `Bash(npm test *)`');
  if (open < 0 && text.includes(')')) {
    return failure('a `)` without a `(`', text.indexOf(')'), 'write it as `Bash(npm test *)`');
  }
  if (open >= 0 && !text.trimEnd().endsWith(')')) {
    return failure('the closing `)` is missing', text.length, `write ${quoteText(`${text.trimEnd()})`)}`);
  }
  const specifier = open < 0 ? undefined : text.trimEnd().slice(open + 1, -1);
  if (/^[\w*-]*\*[\w*-]*$/.test(name)) return parseToolPattern(text, name, specifier, source);
  const tool = tools.find((each) => each === name);
  if (tool === undefined) return explainUnknown(text, name, specifier);
  return compile(text, tool, specifier, open + 1, source);
}

function compile(
  text: string,
  tool: Tool,
  specifier: string | undefined,
  offset: number,
  source: RuleSource,
): ParsedRule {
  const base = { text, list: source.list, origin: source.origin, reason: undefined, unless: [], sandbox: undefined };
  const done = (rule: Rule): ParsedRule => ({ kind: 'rules', rules: [rule] });
  if (tool === 'Bash') {
    if (specifier === undefined) return done({ ...base, tool, pattern: undefined });
    const remark = findParameterRemark(specifier, source.list);
    if (remark !== undefined) return ignored(text, remark.message, remark.help);
    const pattern = parseCommandPattern(specifier);
    if (pattern !== undefined && 'message' in pattern) {
      return failure(pattern.message, offset + pattern.offset, pattern.help);
    }
    return done({ ...base, tool, pattern });
  }
  if (tool === 'WebFetch') {
    if (specifier === undefined || specifier.trim() === '*') return done({ ...base, tool, pattern: undefined });
    const host = /^\s*domain\s*:(.*)$/s.exec(specifier)?.[1];
    if (host === undefined) {
      // Of an address only the host can be meant.
      const meant = specifier
        .trim()
        .replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
        .replace(/[/?#:].*$/s, '');
      return failure('expected `domain:`', offset, `write ${quoteText(`WebFetch(domain:${meant})`)}`);
    }
    const [, name = host, digits] = /^(.*):([1-9]\d{0,4})\s*$/s.exec(host) ?? [];
    const pattern = parseHostPattern(name);
    if (typeof pattern === 'string') return failure(pattern, text.indexOf(host, offset), hostHelp);
    const port = Number(digits);
    if (port > 65_535) return failure(`there is no port ${digits}`, text.indexOf(host, offset), hostHelp);
    return done({ ...base, tool, pattern, ...(digits === undefined ? {} : { port }) });
  }
  if (specifier === undefined) return done({ ...base, tool, pattern: undefined });
  const pattern = parsePathPattern(specifier, source.anchor);
  if (typeof pattern === 'string') return failure(pattern, offset, pathHelp);
  return done({ ...base, tool, pattern });
}

/** `Bash(name:value)` matches an input field of a tool call, which a command line does not have (RULES G4, G5). */
function findParameterRemark(specifier: string, list: RuleList): { message: string; help: string } | undefined {
  const [, name, value = ''] = /^\s*([A-Za-z_]+)\s*:(.*)$/s.exec(specifier) ?? [];
  if (name === 'command') {
    const message = 'the text of a command is matched by `Bash(PATTERN)`, without `command:`';
    return { message, help: `write ${quoteText(`Bash(${value.trim()})`)}` };
  }
  if (name === undefined || !parameters.has(name) || specifier.endsWith(':*')) return undefined;
  const message = list === 'allow' ? `an allow cannot match the parameter ${name}` : `sbx has no parameter ${name}`;
  return { message, help: 'remove it, or write the command that is meant' };
}

/** A `*` in a tool's name: every such tool for restrictions, nothing for an allow (RULES G6). */
function parseToolPattern(text: string, name: string, specifier: string | undefined, source: RuleSource): ParsedRule {
  const shape = new RegExp(
    `^${name
      .split(/\*+/)
      .map((piece) => piece.replace(/\W/g, '\\$&'))
      .join('[^]*')}$`,
  );
  const met = tools.filter((tool) => shape.test(tool));
  if (met.length === 0) {
    // `rm*` is a command without its tool, and a restriction that is left out silently would be a hole.
    if (!/^[A-Z]|_/.test(name)) return withoutTool(text);
    return { ...ignored(text, 'sbx has no such tool', toolsHelp), foreign: true };
  }
  if (source.list === 'allow') {
    return ignored(text, 'an allow must name its tool in full', `write ${met.map(quoteText).join(' or ')}`);
  }
  if (specifier !== undefined) {
    return failure(
      'a `*` in the name of the tool goes with no specifier',
      name.indexOf('*'),
      `write ${quoteText(name)}`,
    );
  }
  const rules = met.flatMap((tool) => {
    const compiled = compile(text, tool, undefined, 0, source);
    return compiled.kind === 'rules' ? compiled.rules : [];
  });
  return { kind: 'rules', rules };
}

/** Tools that write files; `sbx` knows all of them as `Edit`. */
const writingTools = new Set(['Write', 'MultiEdit', 'NotebookEdit']);

function explainUnknown(text: string, name: string, specifier: string | undefined): ParsedRule {
  if (writingTools.has(name)) {
    const instead = quoteText(specifier === undefined ? 'Edit' : `Edit(${specifier})`);
    const remark = ignored(text, `writes are matched by ${instead}`, `write ${instead}`);
    // With a path it has no effect in its first home either; without one it is about that tool alone (RULES P8).
    return specifier === undefined || name === 'NotebookEdit' ? { ...remark, foreign: true } : remark;
  }
  if (foreignTools.has(name) || /^mcp__\S+$/.test(name) || /^\w+_\w*$/.test(name)) {
    return { ...ignored(text, `sbx has no tool ${quoteText(name)}`, toolsHelp), foreign: true };
  }
  const near = findNearestName(name, tools);
  if (near !== undefined) {
    const fixed = specifier === undefined ? near : `${near}(${specifier})`;
    return failure(`unknown tool ${quoteText(name)}`, 0, `did you mean ${quoteText(fixed)}?`);
  }
  if (!/^[A-Za-z]\w*$/.test(name) || (specifier === undefined && /^[a-z]/.test(name))) {
    return withoutTool(text);
  }
  return { ...ignored(text, `unknown tool ${quoteText(name)}`, toolsHelp), foreign: true };
}

function withoutTool(text: string): ParsedRule {
  return failure('a rule begins with the name of a tool', 0, `did you mean ${quoteText(`Bash(${text})`)}?`);
}

const hostHelp = 'write it as `WebFetch(domain:example.com)` or `WebFetch(domain:*.example.com)`';
const pathHelp = 'write it as in .gitignore, `Read(src/**)`, or from the root, `Read(//etc/hosts)`';
const toolsHelp = `remove it; the tools are ${tools.join(', ')}`;

function ignored(text: string, because: string, help: string): ParsedRule & { kind: 'ignored' } {
  return { kind: 'ignored', note: `${quoteText(text)} is ignored: ${because}`, help };
}

function failure(message: string, offset: number, help: string): ParsedRule {
  return { kind: 'error', message, offset, help };
}
