/** Which of a program's accounts hold for a command line, and what they come to: a sentence, and how much could go wrong. */
import type { Account } from './accounts.ts';
import { prefixOf } from './args.ts';
import { deletesRows, readSql } from './languages/sql.ts';
import type { Risk } from './model.ts';
import { codeOf, fillTemplate, optionValues, type Telling } from './placeholders.ts';
import { hasOption, type Reading } from './reading.ts';

/** The sentence's template and what is added to it; undefined where nobody wrote one. */
export function chooseTemplates(reading: Reading): { does: string; adds: readonly string[] } | undefined {
  const holding = accountsOf(reading);
  const does = holding.find((account) => account.does !== undefined)?.does ?? reading.program.data.does;
  return does === undefined ? undefined : { does, adds: holding.flatMap(({ adds }) => adds ?? []) };
}

export function tellRisks(telling: Telling): readonly Risk[] {
  return accountsOf(telling.reading).flatMap(({ risk }) =>
    risk === undefined ? [] : [{ level: risk.level, why: fillTemplate(risk.why, telling) }],
  );
}

/** Of those that tell the whole sentence only the first, and all that add to it. */
export function accountsOf(reading: Reading): readonly Account[] {
  const holding = reading.program.accounts.filter((account) => holds(account, reading));
  const first = holding.find(({ does }) => does !== undefined);
  return holding.filter((account) => account === first || account.does === undefined);
}

function holds(account: Account, reading: Reading): boolean {
  const { needs, lacks, most, least, names, begins, given, filtered, sql } = account;
  const { operands } = reading;
  const has = (wanted: string): boolean =>
    hasOption(reading, wanted) || hasValue(wanted, reading) || isWritten(wanted, reading);
  return (
    (needs === undefined || needs.some(has)) &&
    (lacks === undefined || !lacks.some(has)) &&
    (most === undefined || operands.length <= most) &&
    (least === undefined || operands.length >= least) &&
    (names === undefined || operands.some(({ arg }) => arg.text !== undefined && names.includes(arg.text))) &&
    (begins === undefined || operands.some(({ arg }) => begins.some((text) => arg.text?.startsWith(text) === true))) &&
    (filtered === undefined || filtered === reading.filtered) &&
    (given === undefined ||
      operands.some(({ role }) => role === given) ||
      reading.options.some(({ role }) => role === given)) &&
    (sql === undefined || sql === sqlOf(reading))
  );
}

/** Numbers (`-9`), and options that the catalogue does not list. */
function isWritten(wanted: string, { unknownOptions, options }: Reading): boolean {
  if (options.some(({ option, arg }) => option.spelling === '-NUM' && arg.text === wanted)) return true;
  return unknownOptions.some(({ text }) => text === wanted || text?.startsWith(`${wanted}=`) === true);
}

/** `--request=DELETE`: the option with a value that begins so. */
function hasValue(wanted: string, reading: Reading): boolean {
  const [, spelling = '', value = ''] = /^(-[^=]+)=(.+)$/.exec(wanted) ?? [];
  return value !== '' && optionValues(spelling, reading).some((arg) => prefixOf(arg).startsWith(value));
}

function sqlOf(reading: Reading): 'asks' | 'changes' | 'deletes' | undefined {
  const texts = codeOf(reading);
  if (texts.length === 0) return undefined;
  if (texts.every((arg) => readSql(arg).danger === undefined)) return 'asks';
  return texts.some(({ text }) => text !== undefined && deletesRows(text)) ? 'deletes' : 'changes';
}
