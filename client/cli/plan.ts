/** `sbx plan`: the sandbox that a command would get. Nothing runs, nothing is made, and no daemon is needed. */
import path from 'node:path';
import type { PlanReport } from '../../daemon/methods/describe-plan.ts';
import { showText } from '../protocol/visible.ts';
import type { Caller } from './caller.ts';
import { choosePaint, type Paint } from './colour.ts';
import { readCommandWords } from './command-words.ts';
import { collectFlags, decisionOptions, parseMode } from './decision-arguments.ts';
import { planHelp } from './help.ts';
import { loadPolicyTools } from './offline-engine.ts';
import { collectPlace } from './place-arguments.ts';
import { readOptions } from './read-options.ts';
import { measureText } from './table.ts';

const planOptions = { ...decisionOptions, '--env': 'list', '--all': 'flag' } as const;

/** The exit status. @throws {SbxError} */
export async function planCommand(args: readonly string[], caller: Caller): Promise<number> {
  const read = readOptions(planOptions, args, 'sbx plan');
  const { options } = read;
  if (options['--help'] || options['-h']) {
    process.stdout.write(planHelp);
    return 0;
  }
  const words = readCommandWords(read, "sbx plan 'COMMAND' or sbx plan -- PROGRAM ARGUMENT…");
  const flags = collectFlags(options, caller);
  const { cwd, workspace, env, grantEnv } = collectPlace(options, caller);
  const tools = await loadPolicyTools();
  const { engine, config, chooseWorkspace, commandText, describePlan } = tools;
  const chosen = chooseWorkspace({ cwd, workspace }, config.home);
  const mode = options['--mode'];
  const report = await describePlan(engine, config, {
    request: {
      command: commandText(words),
      cwd: chosen.cwd,
      workspace: chosen.workspace,
      ...(mode === undefined ? {} : { mode: parseMode(mode) }),
      ...(flags === undefined ? {} : { flags }),
    },
    env,
    grantEnv,
  });
  if (options['--json']) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    const paint = choosePaint(1, caller.env);
    const lines = showPlan(report, paint, options['--all'] === true);
    process.stdout.write(`${[...lines, ...chosen.notes.map(showText)].join('\n')}\n`);
  }
  return 0;
}

/** One line for each reason. */
function groupWithheld({ environment: { withheld } }: PlanReport): Row[] {
  const reasons = [...new Set(withheld.map(({ because }) => because))];
  return reasons.map((reason) => {
    const names = withheld.filter(({ because }) => because === reason).map(({ name }) => name);
    return ['withheld', `${reason}: ${names.join(' ')}`];
  });
}

type Row = readonly [name: string, why: string];

/** Reasons stand in one column, as far as the names allow. */
const maxWidth = 44;

export function showPlan(report: PlanReport, paint: Paint, all: boolean): string[] {
  const home = (place: string): string => {
    const { home: folder } = report.account;
    if (place === folder) return '~';
    return place.startsWith(`${folder}/`) ? `~/${path.relative(folder, place)}` : place;
  };
  const section = (title: string, rows: readonly Row[]): string[] => {
    if (rows.length === 0) return [];
    const shown = rows.map(([name, why]) => [showText(name), showText(why)] as const);
    const width = Math.min(maxWidth, Math.max(...shown.map(([name]) => measureText(name))));
    return [
      '',
      paint.bold(title),
      ...shown.map(
        ([name, why]) =>
          `  ${name}${why === '' ? '' : `${' '.repeat(Math.max(width - measureText(name), 0))}  ${paint.dim(why)}`}`,
      ),
    ];
  };
  const { account, decision, environment, hiddenWhenMade } = report;
  const facts: readonly Row[] = [
    ['decision', `${decision.effect}: ${decision.message}`],
    ['account', `${account.name} (${account.uid}), ${account.because}`],
    ['workspace', report.workspace === undefined ? 'none' : home(report.workspace)],
    ['starts in', home(report.cwd)],
    [
      'network',
      report.network.access === 'none'
        ? 'none but localhost of the session'
        : 'localhost of the session, and hosts as below',
    ],
    ['unix sockets', report.unixSockets],
    ['user namespaces', report.userNamespaces],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return [
    ...facts.map(([name, value]) => `${paint.bold(name.padEnd(width))}  ${showText(value)}`),
    ...section(
      'writable',
      report.writable.map((place) => [home(place.path), place.because]),
    ),
    ...section(
      'read-only in there',
      report.readOnly.map((place) => [home(place.path), place.because]),
    ),
    ...section(
      'hidden',
      report.hidden.map(({ because, path: place, shown }) => [
        home(place),
        `${because}${shown.length === 0 ? '' : `; not ${shown.join(', ')}`}`,
      ]),
    ),
    ...(all
      ? section(
          'hidden when it is made',
          hiddenWhenMade.map((place) => [home(place), '']),
        )
      : hiddenWhenMade.length === 0
        ? []
        : [paint.dim(`  ${hiddenWhenMade.length} more as soon as they are made: --all names them`)]),
    ...['', paint.dim('everything else is readable and read-only')],
    ...section(
      'network',
      report.network.hosts.map(({ because, effect, what }) => [`${effect} ${what}`, because]),
    ),
    ...section(
      'limits',
      report.limits.map(({ because, value, what }) => [`${what.replace(/^the /, '')} ${value}`, because]),
    ),
    ...section('environment', [
      ['passed', environment.passed.join(' ')],
      ['set', environment.set.join(' ')],
      ...groupWithheld(report),
    ]),
    ...section(
      'not held by the sandbox',
      report.notHeld.map((remark) => [remark, '']),
    ),
    ...section(
      'warnings',
      report.warnings.map((warning) => [warning, '']),
    ),
  ];
}
