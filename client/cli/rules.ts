/** `sbx rules`: the answers of "always" that were saved, and taking them back. */
import { SbxError } from '../protocol/errors.ts';
import { showText } from '../protocol/visible.ts';
import type { Caller } from './caller.ts';
import { choosePaint, type Paint } from './colour.ts';
import { loadPolicyTools } from './offline-engine.ts';
import { type PolicyPlaceOptions, readPlace } from './policy.ts';
import { createProgram } from './program.ts';
import { parseWith } from './usage-error.ts';

type Tools = Awaited<ReturnType<typeof loadPolicyTools>>;
type Saved = ReturnType<Tools['readAnswers']>;

function describeSaved({ file, workspace, rules }: Saved, paint: Paint): string[] {
  const place = workspace === undefined ? 'runs without a workspace' : showText(workspace);
  return [
    `${place}  ${paint.dim(showText(file))}`,
    ...rules.map(({ rule }, index) => `${String(index + 1).padStart(4)}  allow ${showText(rule)}`),
  ];
}

/** @throws {SbxError} `bad-policy` */
async function findSaved(options: PolicyPlaceOptions, caller: Caller): Promise<{ tools: Tools; saved: Saved }> {
  const tools = await loadPolicyTools();
  const { workspace } = tools.chooseWorkspace(readPlace(options, caller), tools.config.home);
  const file = tools.engine.answersFile(workspace);
  if (file === undefined) throw new SbxError('bad-policy', 'there is no place that rules are saved in');
  return { tools, saved: { ...tools.readAnswers(file), workspace } };
}

function parseNumber(text: string): number {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text);
  throw new SbxError('bad-usage', `\`${showText(text)}\` is no number of a rule`, { help: 'sbx rules shows them' });
}

/** The exit status. @throws {SbxError} */
export async function rulesCommand(args: readonly string[], caller: Caller): Promise<number> {
  const program = createProgram();
  const rules = program
    .command('rules')
    .description('the answers of "always" that were saved for this workspace')
    .option('--cwd <dir>', 'as if started there')
    .option('--workspace <dir>', 'of this workspace')
    .option('--all', 'of every workspace')
    .option('--json', 'one JSON array')
    .action(async (options: PolicyPlaceOptions & { all?: true }) => {
      const { tools, saved } = await findSaved(options, caller);
      const all = options.all ? tools.readAllAnswers(tools.config.answersFolder) : [saved];
      const some = all.filter((each) => each.rules.length > 0);
      if (options.json) process.stdout.write(`${JSON.stringify(some)}\n`);
      else if (some.length === 0) process.stdout.write('no rule is saved\n');
      else {
        const paint = choosePaint(1, caller.env);
        process.stdout.write(`${some.flatMap((each) => describeSaved(each, paint)).join('\n')}\n`);
      }
    });
  rules
    .command('remove')
    .description('take saved rules back, by their numbers')
    .argument('<number...>', 'as `sbx rules` shows them')
    .action(async (numbers: readonly string[]) => {
      const wanted = numbers.map(parseNumber);
      const { tools, saved } = await findSaved(rules.opts<PolicyPlaceOptions>(), caller);
      for (const rule of tools.removeAnswers(saved.file, wanted)) process.stdout.write(`removed ${showText(rule)}\n`);
    });
  await parseWith(program, args, 'write sbx rules, or sbx rules remove NUMBER');
  return 0;
}
