/**
 * `sbx trust`: shows what a project's own files would grant, and lets its user say that they shall. Attack it stands
 * against: a checkout that grants itself something; so it is shown first, and an answer counts for what was shown.
 */
import path from 'node:path';
import { SbxError } from '../protocol/errors.ts';
import { showText } from '../protocol/visible.ts';
import type { Caller } from './caller.ts';
import { choosePaint, type Paint } from './colour.ts';
import { confirmOnTerminal } from './confirm.ts';
import { loadPolicyTools } from './offline-engine.ts';
import { readOptions } from './read-options.ts';
import { formatOrigin } from './report.ts';

export const trustHelp = `usage: sbx trust [OPTION…] [DIR]

Shows what the policy files of a project would grant, and trusts them with it. Until then only their restrictions
hold. What the files grant later is untrusted again; trust is kept outside of the project.

  --show     only show
  --revoke   take trust back
  --list     every trusted project
  --yes      without the question (a policy can forbid it)
  --json     one JSON object; with --show and --list
`;

const options = {
  '--show': 'flag',
  '--revoke': 'flag',
  '--list': 'flag',
  '--yes': 'flag',
  '--json': 'flag',
  '--help': 'flag',
  '-h': 'flag',
} as const;

type Tools = Awaited<ReturnType<typeof loadPolicyTools>>;
type Shown = ReturnType<Tools['showTrust']>;

function describeGrants(workspace: string, { grants, problems }: Shown, paint: Paint): string[] {
  const lines = [`${showText(workspace)} grants`];
  for (const { what, reason, origin, trusted } of grants) {
    const state = trusted ? paint.green('trusted') : paint.yellow('new    ');
    const why = reason === undefined ? '' : ` (${reason})`;
    lines.push(`  ${state}  ${showText(`${what}${why}`)}  ${paint.dim(showText(formatOrigin({ origin })))}`);
  }
  return [...lines, ...problems.map((problem) => `sbx: ${showText(problem)}`)];
}

function write(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function listTrusted({ engine }: Tools, json: boolean): number {
  const { workspaces, problem } = engine.trust.read();
  if (problem !== undefined) process.stderr.write(`sbx: ${showText(problem)}\n`);
  const all = [...workspaces.values()].map(({ workspace, trustedAt, grants }) => {
    return { workspace, trustedAt, grants: grants.size };
  });
  if (json) return write(JSON.stringify(all));
  if (all.length === 0) return write('no project is trusted');
  return write(
    all.map((each) => `${each.trustedAt.slice(0, 10)}  ${each.grants} grants  ${showText(each.workspace)}`).join('\n'),
  );
}

/** @throws {SbxError} `bad-usage`, `bad-workspace`, `bad-policy`, `locked-by-policy` */
export async function trustCommand(args: readonly string[], caller: Caller): Promise<number> {
  const read = readOptions(options, args, 'sbx trust');
  const wish = read.options;
  if (wish['--help'] || wish['-h']) {
    process.stdout.write(trustHelp);
    return 0;
  }
  const [folder = '.', ...rest] = read.words;
  const actions = (['--show', '--revoke', '--list'] as const).filter((name) => wish[name]);
  if (rest.length > 0 || actions.length > 1) {
    throw new SbxError(
      'bad-usage',
      rest.length > 0 ? 'one folder at a time' : `\`${actions.join('` and `')}\` exclude each other`,
      {
        help: 'see sbx trust --help',
      },
    );
  }
  const tools = await loadPolicyTools();
  if (wish['--list']) return listTrusted(tools, wish['--json'] === true);
  const { engine, config, chooseWorkspace, showTrust } = tools;
  const chosen = chooseWorkspace({ cwd: path.resolve(caller.cwd(), folder), workspace: undefined }, config.home);
  const { workspace } = chosen;
  if (workspace === undefined) {
    throw new SbxError('bad-workspace', 'there is no project here that could be trusted', { help: 'name its folder' });
  }
  const place = { ...chosen, workspace, home: config.home };
  if (wish['--revoke']) {
    const was = engine.trust.revoke(workspace);
    return write(`${showText(workspace)} ${was ? 'is no longer trusted' : 'was not trusted'}`);
  }
  const shown = showTrust(engine, place);
  if (wish['--json']) return write(JSON.stringify({ workspace, ...shown }));
  if (shown.grants.length === 0) return write(`${showText(workspace)} grants nothing: there is nothing to trust`);
  write(describeGrants(workspace, shown, choosePaint(1, caller.env)).join('\n'));
  const waiting = shown.grants.filter(({ trusted }) => !trusted).length;
  if (wish['--show']) return 0;
  if (waiting === 0) return write('all of it is trusted');
  if (wish['--yes'] && engine.flagsAreLocked(workspace)) {
    throw new SbxError('locked-by-policy', 'the policy forbids answering with a flag (`lockFlags`)', {
      help: 'run it in a terminal and answer there',
    });
  }
  const question = `Trust it with ${waiting === 1 ? 'the new grant' : `the ${waiting} new grants`}?`;
  if (!wish['--yes'] && !(await confirmOnTerminal(question))) {
    process.stderr.write('sbx: nothing was changed\n');
    return 1;
  }
  tools.trustGrants(engine, place, shown);
  return write(
    `${showText(workspace)} is trusted with ${shown.grants.length === 1 ? 'it' : 'them'}; sbx trust --revoke takes it back`,
  );
}
