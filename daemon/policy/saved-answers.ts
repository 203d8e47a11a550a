/** The answers of "always" that were saved, one file per workspace (`sbx rules`). */
import { readFileSync } from 'node:fs';
import { parse } from 'jsonc-parser';
import { SbxError } from '../../client/protocol/errors.ts';
import { listAnswersFiles } from '../platform/answers-file.ts';
import { listRules, removeRule } from '../platform/policy-edit.ts';
import { editPolicy } from '../platform/policy-files.ts';

export interface SavedAnswers {
  readonly file: string;
  /** Undefined for runs without a workspace. */
  readonly workspace: string | undefined;
  readonly rules: readonly { readonly rule: string; readonly line: number; readonly column: number }[];
}

/** @throws {SbxError} `bad-policy` when the file has errors */
export function readAnswers(file: string): SavedAnswers {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw new SbxError('bad-policy', `\`${file}\` cannot be read: ${code}`, { cause: error });
  }
  const document: unknown = parse(text.trim() === '' ? '{}' : text);
  const workspace = (document as { workspace?: unknown } | null)?.workspace;
  return { file, workspace: typeof workspace === 'string' ? workspace : undefined, rules: listRules(text, 'allow') };
}

export function readAllAnswers(folder: string): readonly SavedAnswers[] {
  return listAnswersFiles(folder).map(readAnswers);
}

/** @param numbers as they are shown, from 1. @throws {SbxError} `bad-usage`, `bad-policy` */
export function removeAnswers(file: string, numbers: readonly number[]): readonly string[] {
  const { rules } = readAnswers(file);
  const wrong = numbers.find((number) => rules[number - 1] === undefined);
  if (wrong !== undefined) {
    throw new SbxError('bad-usage', `there is no saved rule ${wrong}`, {
      help:
        rules.length === 0
          ? 'none is saved for this workspace'
          : `choose 1 to ${rules.length}, as sbx rules shows them`,
    });
  }
  const last = [...new Set(numbers)].sort((a, b) => b - a);
  editPolicy(file, (before) => {
    const now = listRules(before, 'allow');
    // Another sbx may have taken rules out since: the same number would be another rule.
    if (last.some((number) => now[number - 1]?.rule !== rules[number - 1]?.rule)) {
      throw new SbxError('bad-policy', 'the saved rules were changed meanwhile', { help: 'look again with sbx rules' });
    }
    return last.reduce((text, number) => removeRule(text, 'allow', number - 1), before);
  });
  return [...last].reverse().flatMap((number) => rules[number - 1]?.rule ?? []);
}
