/**
 * The decision engine as one function: parse → facts → analyse → decide. The daemon, `sbx check` and the tests call this
 * and nothing else, so that what is tested is what runs. It needs no daemon.
 */
import path from 'node:path';
import type { Decision } from '../client/protocol/decision.ts';
import { SbxError } from '../client/protocol/errors.ts';
import type { Flags, Mode } from '../client/protocol/messages.ts';
import { analyse } from './analyse/analyse.ts';
import { collectPaths } from './analyse/collect-paths.ts';
import type { AnalysedCommand, Analysis, Facts } from './analyse/model.ts';
import { checkExamples } from './decide/check-examples.ts';
import { decide } from './decide/decide.ts';
import { parseFlags } from './decide/flags.ts';
import { mergePolicies, type ParsedPolicy, type Policy, showOrigin } from './decide/policy.ts';
import { parsePolicy } from './decide/policy-text.ts';
import type { ParseResult, Unparsable } from './parse/model.ts';
import { createParser } from './parse/parser.ts';
import { loadCatalogue } from './platform/catalogue-files.ts';
import { lookUpFacts } from './platform/facts.ts';
import { loadGrammarFiles } from './platform/grammar.ts';
import { PolicyFile } from './platform/policy-files.ts';

export interface EngineOptions {
  /** Undefined: no user policy, as for a test. */
  readonly userPolicyFile: string | undefined;
  readonly home: string;
}

export interface DecisionRequest {
  readonly command: string;
  /** Absolute, existing. */
  readonly cwd: string;
  readonly workspace: string | undefined;
  /** Home of the account the command runs as. */
  readonly home: string;
  readonly mode?: Mode | undefined;
  /** Default: what the policy says, else on. */
  readonly autoAllow?: boolean | undefined;
  readonly flags?: Flags | undefined;
  /** Allow rules that a person answered for the session. */
  readonly sessionGrants?: readonly string[];
}

export interface Decided {
  readonly decision: Decision;
  readonly analysis: Analysis;
  /** Hosts that the command's words name. */
  readonly hosts: readonly string[];
}

export interface Engine {
  /** @throws {SbxError} `bad-rule`, `bad-policy`, `locked-by-policy`; whatever the command, there is a decision */
  readonly decide: (request: DecisionRequest) => Decided;
  /** The policy forbids grants and answers by flag. */
  readonly flagsAreLocked: () => boolean;
  readonly idleMinutes: () => number | undefined;
}

/** Texts whose parse is kept, and how long one may be: a few megabytes at most. */
const maxRemembered = 256;
const maxRememberedLength = 1_000;

/** Folders of their own in every session's sandbox. */
const temporaryDirectories = ['/tmp', '/var/tmp'];

export async function createEngine(options: EngineOptions): Promise<Engine> {
  const parser = await createParser(await loadGrammarFiles());
  const catalogue = loadCatalogue();
  const parse = rememberParses((text) => parser.parse(text));

  const understand = (command: string, base: Omit<Facts, 'paths'>): { analysis: Analysis; facts: Facts } => {
    const script = parse(command);
    const facts = lookUpFacts(script.kind === 'unparsable' ? [] : collectPaths(script, base), base);
    return { analysis: analyse(script, facts, catalogue, parse), facts };
  };

  /** A defect in a stage is text that was not understood: a question, never a permission and never a crash. */
  const understandOrAsk: typeof understand = (command, base) => {
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
  };

  const openPolicy = (file: string, layer: 'user' | 'flags', home: string): PolicyFile<ParsedPolicy> => {
    const source = { layer, file, anchor: path.dirname(file), home };
    return new PolicyFile(
      file,
      (text) => {
        // A rule's examples are judged where its file lies, without looking at the machine: the same answer everywhere.
        const facts: Facts = {
          home,
          cwd: source.anchor,
          workspace: source.anchor,
          additionalDirectories: [],
          temporaryDirectories,
          paths: new Map(),
        };
        return checkExamples(
          parsePolicy(text, source),
          (command) => analyse(parse(command), facts, catalogue, parse),
          facts,
        );
      },
      (message, help) => ({
        ...parsePolicy('', source),
        problems: [{ message, help, origin: { layer, file } }],
      }),
    );
  };

  const userPolicy =
    options.userPolicyFile === undefined ? undefined : openPolicy(options.userPolicyFile, 'user', options.home);
  const readUserPolicy = (): readonly ParsedPolicy[] => {
    const parsed = userPolicy?.read();
    return parsed === undefined ? [] : [parsed];
  };

  const readFlags = (flags: Flags, cwd: string, home: string): readonly ParsedPolicy[] => {
    const { policyFile, ...rules } = flags;
    if (policyFile === undefined) return [parseFlags(rules, cwd)];
    const parsed = openPolicy(policyFile, 'flags', home).read();
    if (parsed === undefined) {
      throw new SbxError('bad-policy', `the policy file \`${policyFile}\` does not exist`, {
        help: 'name a file with --policy, or leave the option out',
      });
    }
    const [problem] = parsed.problems;
    if (problem) {
      throw new SbxError('bad-policy', `${showOrigin(problem.origin)}: ${problem.message}`, { help: problem.help });
    }
    return [parseFlags(rules, cwd), parsed];
  };

  const mergeFor = (request: DecisionRequest): Policy => {
    const { cwd, flags = {}, home, sessionGrants = [] } = request;
    const user = readUserPolicy();
    const widens = (flags.allow?.length ?? 0) > 0 || flags.policyFile !== undefined;
    if (widens && user.some((parsed) => parsed.lockFlags)) {
      throw new SbxError('locked-by-policy', 'the policy forbids grants on the command line (`lockFlags`)', {
        help: `put the rule into \`${options.userPolicyFile ?? 'the policy file'}\``,
      });
    }
    return mergePolicies([
      ...readFlags(flags, cwd, home),
      parseFlags({ allow: [...sessionGrants] }, cwd, 'session'),
      ...user,
    ]);
  };

  return {
    decide: (request) => {
      const { command, cwd, home, mode, workspace } = request;
      const policy = mergeFor(request);
      const base = {
        home,
        cwd,
        workspace,
        additionalDirectories: policy.additionalDirectories,
        // Where a home lies inside one, as for some services, that one is not free to write.
        temporaryDirectories: temporaryDirectories.filter((folder) => !home.startsWith(`${folder}/`)),
      };
      const { analysis, facts } = understandOrAsk(command, base);
      const decision = decide(analysis, policy, {
        mode,
        autoAllow: request.autoAllow ?? policy.autoAllow ?? true,
        facts,
      });
      return { decision, analysis, hosts: analysis.commands.flatMap(findHosts) };
    },
    flagsAreLocked: () => readUserPolicy().some((parsed) => parsed.lockFlags),
    idleMinutes: () => readUserPolicy()[0]?.idleMinutes,
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

function findHosts(command: AnalysedCommand): string[] {
  const own = command.effects.flatMap((effect) =>
    effect.kind === 'connect' && effect.host !== undefined ? [effect.host] : [],
  );
  return [...own, ...command.inner.flatMap(findHosts)];
}

/** What the CLI needs to ask the same question as the daemon would. */
export { readConfig } from './config.ts';
export { commandText } from './request/command-text.ts';
export { chooseWorkspace } from './request/workspace.ts';
export { probeSandbox } from './sandbox/probe.ts';
