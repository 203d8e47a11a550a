/**
 * How much could go wrong, in three steps, with the reason; a function of the analysis alone. Low: it reads, or writes
 * what it names inside the workspace. Medium: it removes, runs code, leaves the machine. High: what cannot be brought back
 * reaches beyond that, or what happens is not known.
 */
import type { CommandRecord } from './analyse-command.ts';
import { userOf } from './describe.ts';
import { foundPath } from './found-names.ts';
import type { Effect, Facts, Finding, PathTarget, Risk } from './model.ts';
import { codeOf, type Telling } from './placeholders.ts';
import { tellRisks } from './tell-account.ts';
import { filledIn, listOf, quoteSource, quoteText, showValue } from './word-text.ts';

const order = { low: 0, medium: 1, high: 2 } as const;

export function assessRisk(
  commands: readonly CommandRecord[],
  findings: readonly Finding[],
  loose: readonly Effect[],
  facts: Facts,
): Risk {
  const all = withInner(commands);
  const effects = [...commands.flatMap(({ result }) => result.effects), ...loose];
  // Of reasons of one level the first counts: what was found, what the catalogue says, then what follows from effects.
  const risks: readonly Risk[] = [
    ...findings.map(({ severity, message }) => ({ level: severity, why: message })),
    ...all.flatMap(catalogued),
    ...all.flatMap((record) => removalRisks(record, facts)),
    ...all.flatMap(otherAccount),
    ...connectionRisks(effects),
    ...executionRisks(all, effects),
    ...commands.flatMap(unknownRisk),
    ...writeRisks(effects, facts),
    ...commands.flatMap(restRisk),
  ];
  const level = risks.reduce<Risk['level']>(
    (most, risk) => (order[risk.level] > order[most] ? risk.level : most),
    'low',
  );
  const first = risks.find((risk) => risk.level === level);
  return first ?? { level: 'low', why: 'only reads' };
}

function withInner(records: readonly CommandRecord[]): readonly CommandRecord[] {
  return records.flatMap((record) => [record, ...withInner(record.inner)]);
}

function catalogued({ instances, inner }: CommandRecord): readonly Risk[] {
  return instances.flatMap((instance) => {
    const readings = [...(instance.reading === undefined ? [] : [instance.reading]), ...instance.layered.wrappers];
    const runs = inner.map((one) => one.result.description);
    return readings.flatMap((reading) => {
      const telling: Telling = { instance, reading, runs, input: 'its input' };
      return tellRisks(telling);
    });
  });
}

function otherAccount({ instances }: CommandRecord): readonly Risk[] {
  return instances.flatMap(({ layered }) =>
    layered.wrappers.flatMap((reading) =>
      ['sudo', 'doas', 'runuser'].includes(reading.program.name)
        ? [{ level: 'medium', why: `runs as ${userOf(reading)}` } as const]
        : [],
    ),
  );
}

function removalRisks(record: CommandRecord, facts: Facts): readonly Risk[] {
  const effects = record.instances.flatMap(({ interpretation }) => interpretation?.effects ?? []);
  const removed = effects.flatMap((effect) => (effect.kind === 'remove' ? [effect.target] : []));
  if (removed.length === 0) return [];
  // What is read as well was moved or packed, and is not lost.
  const kept = effects.flatMap((effect) => (effect.kind === 'read' ? [effect.target.span.start] : []));
  const trees = removed.filter(({ recursive, span }) => recursive && !kept.includes(span.start));
  const outside = trees.filter((target) => standsOutside(target, facts) === true);
  const unknown = trees.filter((target) => standsOutside(target, facts) === undefined);
  const risks: Risk[] = [];
  if (outside.length > 0)
    risks.push({ level: 'high', why: `deletes ${namesOf(outside)}, which is outside the workspace` });
  if (unknown.length > 0)
    risks.push({
      level: 'high',
      why: `deletes ${namesOf(unknown)} and everything in it, and what that is is not known`,
    });
  if (catalogued(record).length > 0) return risks;
  return [...risks, { level: 'medium', why: `deletes ${namesOf(removed)}, which cannot be undone` }];
}

function namesOf(targets: readonly PathTarget[]): string {
  return listOf([...new Set(targets.map(nameOf))]);
}

/** What `find` and `xargs` fill in has no name. */
function nameOf({ source, path }: PathTarget): string {
  if (source === filledIn || source === foundPath) return 'what it finds';
  return source === '.' && path !== undefined ? quoteText(path) : quoteSource(source);
}

/** Undefined where it cannot be told. */
function standsOutside({ path, resolved, prefix }: PathTarget, facts: Facts): boolean | undefined {
  const place = resolved ?? path ?? prefix;
  if (place === undefined) return undefined;
  const inside = [facts.workspace ?? facts.cwd, ...facts.additionalDirectories, ...facts.temporaryDirectories];
  return !inside.some((folder) => place === folder || place.startsWith(`${folder}/`));
}

function connectionRisks(effects: readonly Effect[]): readonly Risk[] {
  const hosts = effects.flatMap((effect) => (effect.kind === 'connect' ? [effect.host] : []));
  if (hosts.length === 0) return [];
  const away = hosts.filter((host) => host === undefined || !isHere(host));
  if (away.length === 0) return [{ level: 'low', why: 'speaks to this machine only' }];
  const named = [...new Set(away.flatMap((host) => (host === undefined ? [] : [quoteText(host)])))];
  return [{ level: 'medium', why: `connects to ${named.length === 0 ? 'the network' : listOf(named)}` }];
}

function isHere(host: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/.test(host);
}

function executionRisks(records: readonly CommandRecord[], effects: readonly Effect[]): readonly Risk[] {
  const what = effects.flatMap((effect) => (effect.kind === 'execute' ? [effect.what] : []));
  if (what.length === 0) return [];
  const given = new Set(
    records.flatMap(({ instances }) =>
      instances.flatMap(({ reading }) => (reading === undefined ? [] : codeOf(reading).map(({ text }) => text))),
    ),
  );
  const elsewhere = what.filter((text) => !given.has(text));
  if (elsewhere.length === 0) return [{ level: 'medium', why: 'runs code of a language that is not read here' }];
  return [{ level: 'medium', why: `runs code that is not in the text: ${nameCode(elsewhere[0] ?? '')}` }];
}

function unknownRisk({ result }: CommandRecord): readonly Risk[] {
  if (result.known || result.command.words.length === 0) return [];
  return [{ level: 'medium', why: `${quoteText(result.program ?? 'a program')} is not in the catalogue` }];
}

function writeRisks(effects: readonly Effect[], facts: Facts): readonly Risk[] {
  const written = effects.flatMap((effect) => (effect.kind === 'write' ? [effect.target] : []));
  if (written.length === 0) return [];
  const outside = written.find((target) => standsOutside(target, facts) === true);
  if (outside !== undefined)
    return [{ level: 'medium', why: `writes ${nameOf(outside)}, which is outside the workspace` }];
  const unknown = written.find((target) => standsOutside(target, facts) === undefined);
  if (unknown !== undefined)
    return [{ level: 'medium', why: `writes ${nameOf(unknown)}, and where that is is not known` }];
  return [{ level: 'low', why: 'only writes files that it names' }];
}

/** A command that changes something which is neither a file nor told by the catalogue. */
function restRisk(record: CommandRecord): readonly Risk[] {
  const { result } = record;
  if (result.readOnly || result.command.words.length === 0 || catalogued(record).length > 0) return [];
  if (result.effects.some(({ kind }) => kind === 'write' || kind === 'connect')) return [];
  return [{ level: 'medium', why: `${quoteText(result.program ?? 'it')} changes more than files that it names` }];
}

/** The catalogue calls it by words (`the tests`), a command line by a path. */
function nameCode(what: string): string {
  if (what === '-') return 'its input';
  return /^[a-z]+(?: \w+)+$/.test(what) ? what : showValue(what);
}
