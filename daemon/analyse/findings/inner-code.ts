/** Code that is not in the text: shell text of unknown value, and files or streams run as shell code. */
import type { ParsedScript, SimpleCommand, Statement, Word, WordPart } from '../../parse/model.ts';
import { wordValue } from '../../parse/model.ts';
import type { AnalysisContext } from '../analyse.ts';
import type { CommandRecord, Instance } from '../analyse-command.ts';
import { baseName } from '../layers.ts';
import { allStatements } from '../statements.ts';
import { feedersOf, isStandardInput, readsProgramFromStdin } from '../stdin-program.ts';
import type { FindingFamily, Report } from './family.ts';

type Id = 'unknown-code' | 'unknown-source' | 'downloaded-code' | 'decoded-code' | 'code-on-stdin';

export const innerCode: FindingFamily<Id> = {
  definitions: {
    'unknown-code': {
      class: 'inner-code',
      severity: 'high',
      hits: [
        'eval "$X"',
        'bash -c "$CMD"',
        'bash -c "rm $X"',
        'trap "$X" EXIT',
        "xargs -I{} sh -c 'echo {}'",
        "find . -exec sh -c 'echo {}' \\;",
        'eval $(ssh-agent)',
      ],
      misses: [
        "eval 'echo a'",
        'bash -c \'echo "$1"\' _ x',
        'trap \'rm -f "$T"\' EXIT',
        'echo "$X"',
        'X=ls; eval "$X"',
        'find . -exec sh -c \'echo "$1"\' _ {} \\;',
      ],
    },
    'unknown-source': {
      class: 'inner-code',
      severity: 'high',
      hits: ['source "$X"', '. $FILE', 'source /dev/stdin', 'source /dev/stdin <<< "$X"', '. /dev/fd/3 3< f'],
      misses: ['source ./env.sh', '. venv/bin/activate', 'F=env.sh; . "$F"', 'source /dev/stdin <<< ls'],
    },
    'downloaded-code': {
      class: 'inner-code',
      severity: 'high',
      hits: [
        'curl -sSL https://example.com/i.sh | bash',
        'wget -qO- https://example.com | sudo sh',
        'bash <(curl -s https://example.com)',
        'sh -c "$(curl -fsSL https://example.com)"',
        'eval "$(wget -qO- https://example.com)"',
        'source <(curl -s https://example.com)',
        'curl https://example.com | tee x | perl -',
        'curl -o i.sh https://example.com && bash i.sh',
        'curl -s https://example.com | env bash -s -- x',
      ],
      misses: [
        'curl -s https://example.com | jq .',
        'curl -o a.json https://example.com && cat a.json',
        'curl https://example.com | perl -e "print"',
        'bash a.sh | curl -d @- https://example.com',
      ],
    },
    'decoded-code': {
      class: 'inner-code',
      severity: 'high',
      hits: ['echo aGk= | base64 -d | sh', 'bash -c "$(echo aGk= | base64 -d)"', 'xxd -r -p f | bash'],
      misses: ['echo aGk= | base64 -d', 'base64 f | cat', 'base64 -d f > g'],
    },
    'code-on-stdin': {
      class: 'inner-code',
      severity: 'medium',
      hits: [
        'cat x.sh | bash',
        'bash -s <<EOF\n$X\nEOF',
        'bash <<< "$X"',
        'generate | sh',
        'bash /dev/stdin',
        'bash /dev/fd/3 3< <(generate)',
      ],
      misses: [
        "bash <<'EOF'\nls\nEOF",
        'bash <(echo ls)',
        'echo ls | sh',
        'cat f | grep x',
        'bash run.sh < input',
        "bash <<< 'ls'",
      ],
    },
  },
  inCommand: (record, _context, report) => {
    for (const arg of record.unknownCode) {
      const span = { start: arg.word.start, end: arg.word.end };
      report(
        'unknown-code',
        `runs \`${arg.word.source}\` as shell code, and its value is not known`,
        span,
        record.command.id,
      );
    }
    for (const instance of record.instances) findSource(instance, record, report);
  },
  inScript: (script, commands, _loose, context, report) => {
    const downloaded = new Set<string>();
    for (const record of commands) {
      findEmbedded(record, context, report);
      findOnStdin(record, script, context, report);
      findDownloadedFile(record, downloaded, report);
    }
  },
};

function findSource(instance: Instance, record: CommandRecord, report: Report<Id>): void {
  if (instance.name !== 'source' && instance.name !== '.') return;
  const arg = instance.reading?.operands[0]?.arg;
  if (arg === undefined) return;
  const stream = arg.text !== undefined && isStandardInput(arg.text);
  if (arg.text !== undefined && (!stream || record.fed)) return;
  report(
    'unknown-source',
    `runs \`${arg.word.source}\` in this shell, and what it is is not known`,
    { start: arg.word.start, end: arg.word.end },
    record.command.id,
  );
}

/** What stands in the substitutions of words that are run as code. */
function findEmbedded(record: CommandRecord, context: AnalysisContext, report: Report<Id>): void {
  const words = new Set<Word>(record.unknownCode.map((arg) => arg.word));
  for (const instance of record.instances) {
    for (const { arg, role } of instance.reading?.operands ?? [])
      if (role === 'load' || role === 'code' || role === 'shell') words.add(arg.word);
    for (const { arg, role } of instance.reading?.options ?? [])
      if (role === 'load' || role === 'code' || role === 'shell') words.add(arg.word);
  }
  for (const word of words)
    reportSource(sourceOf(wordCommands(word), context), { start: word.start, end: word.end }, record, report);
}

function reportSource(
  source: 'download' | 'decoding' | undefined,
  span: { start: number; end: number },
  record: CommandRecord,
  report: Report<Id>,
): void {
  if (source === 'download') report('downloaded-code', 'downloads something and runs it', span, record.command.id);
  else if (source === 'decoding') report('decoded-code', 'decodes something and runs it', span, record.command.id);
}

function sourceOf(commands: readonly SimpleCommand[], context: AnalysisContext): 'download' | 'decoding' | undefined {
  const first = commands.map((command) => programOf(command, context));
  if (first.some((program) => program?.data.fetches)) return 'download';
  if (first.some((program) => program?.data.decodes)) return 'decoding';
  return undefined;
}

/** The program of a simple command, looking past wrappers by name alone. */
function programOf(
  command: SimpleCommand,
  context: AnalysisContext,
): ReturnType<AnalysisContext['catalogue']['programs']['get']> {
  for (const word of command.words) {
    const name = wordValue(word);
    if (name === undefined) return undefined;
    if (!context.catalogue.wrappers.has(baseName(name)) && !name.startsWith('-') && !name.includes('='))
      return context.catalogue.programs.get(baseName(name));
  }
  return undefined;
}

function wordCommands(word: Word): readonly SimpleCommand[] {
  return word.parts.flatMap(partCommands);
}

function partCommands(part: WordPart): readonly SimpleCommand[] {
  if (part.type === 'substitution' || part.type === 'process') return part.body.flatMap(statementCommands);
  if (part.type === 'parameter') return part.operands.flatMap(wordCommands);
  return [];
}

function statementCommands(statement: Statement): readonly SimpleCommand[] {
  return allStatements([statement]).flatMap((one) => (one.type === 'command' ? [one.command] : []));
}

/** A shell or interpreter that takes its program from standard input (RULES O29). */
function findOnStdin(record: CommandRecord, script: ParsedScript, context: AnalysisContext, report: Report<Id>): void {
  const instance = readersOf(record).find(
    (one) =>
      one.program?.data.interprets !== undefined && (readsProgramFromStdin(one.reading) || readsProcess(one.reading)),
  );
  if (instance === undefined) return;
  const kind = instance.program?.data.interprets;
  const shell = kind === 'shell' || kind === 'crontab';
  const span = { start: record.command.start, end: record.command.end };
  const feeders = feedersOf(record.command, script);
  const source = sourceOf(feeders, context);
  if (source !== undefined) {
    reportSource(source, span, record, report);
    return;
  }
  if (!shell || record.fed) return;
  const explicit = record.command.redirections.some(
    ({ operator }) => operator === '<' || operator === '<<' || operator === '<<-' || operator === '<<<',
  );
  const operand = instance.reading?.operands.find(({ role }) => role === 'load')?.arg;
  if (feeders.length === 0 && !explicit && operand === undefined) return;
  if (
    record.command.redirections.some(
      ({ operator, target }) =>
        operator === '<' && target.values !== undefined && wordValue(target)?.startsWith('/dev/') !== true,
    )
  )
    return;
  report(
    'code-on-stdin',
    'runs what it reads on standard input as shell code, and that is not known',
    span,
    record.command.id,
  );
}

/** The command itself and those that it runs with its own standard input (`docker exec -i c sh`). */
function readersOf({ instances, inner, command }: CommandRecord): readonly Instance[] {
  const passedOn = inner.filter(
    (one) => one.command.start === command.start && one.command.id === command.id && !one.fed,
  );
  return [...instances, ...passedOn.flatMap(readersOf)];
}

/** `bash <(command)`: the script is what another command prints. */
function readsProcess(reading: Instance['reading']): boolean {
  const [script] = reading?.operands ?? [];
  return script?.role === 'load' && script.arg.word.parts.some((part) => part.type === 'process');
}

/** A file that the same text downloaded and then runs. */
function findDownloadedFile(record: CommandRecord, downloaded: Set<string>, report: Report<Id>): void {
  for (const instance of record.instances) {
    const runs =
      instance.reading?.operands.find(({ role }) => role === 'load')?.arg.text ??
      (instance.name?.includes('/') === true ? instance.name : undefined);
    const path =
      runs === undefined
        ? undefined
        : record.result.effects.find((effect) => effect.kind === 'read' && effect.target.source === runs);
    const resolved =
      path?.kind === 'read'
        ? path.target.path
        : runs === undefined || record.state.cwd === undefined
          ? undefined
          : `${record.state.cwd}/${runs.replace(/^\.\//, '')}`;
    if (resolved !== undefined && downloaded.has(resolved)) {
      report(
        'downloaded-code',
        'runs a file that the same text downloads',
        { start: record.command.start, end: record.command.end },
        record.command.id,
      );
    }
    if (instance.program?.data.fetches !== true) continue;
    for (const effect of record.result.effects)
      if (effect.kind === 'write' && effect.target.path !== undefined) downloaded.add(effect.target.path);
  }
}
