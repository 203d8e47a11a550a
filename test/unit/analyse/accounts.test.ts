/** The accounts fit the catalogue: what they are about exists, and so does every option and placeholder that they name. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { type Account, accountsFileSchema, compileAccounts } from '../../../daemon/analyse/accounts.ts';
import type { Program } from '../../../daemon/analyse/compile-catalogue.ts';
import { readData } from '../../../daemon/platform/catalogue-files.ts';
import { findPackageRoot } from '../../../daemon/platform/package-root.ts';
import { catalogue } from './workbench.ts';

const folder = path.join(findPackageRoot(), 'policies', 'accounts');
const table = compileAccounts(readdirSync(folder).map((name) => readData(path.join(folder, name), accountsFileSchema)));

function findProgram(name: string): Program | undefined {
  const [first = '', ...rest] = name.split(' ');
  const start = catalogue.programs.get(first) ?? catalogue.wrappers.get(first);
  return rest.reduce<Program | undefined>((program, word) => program?.subcommands?.get(word), start);
}

/** Options that stand before the subcommand count too; where none are listed, any may be written. */
function knowsOption(name: string, spelling: string): boolean {
  if (findProgram(name)?.data.options === undefined) return true;
  if (/^-\d/.test(spelling)) return findProgram(name)?.digits !== undefined;
  const words = name.split(' ');
  return words.some((_word, index) => {
    const program = findProgram(words.slice(0, index + 1).join(' '));
    return program !== undefined && [...program.options.values()].some(({ spellings }) => spellings.includes(spelling));
  });
}

const keys = /\{([\w=-]+)/g;
const words =
  /^(?:\d+|name|path|operands|sources|last|rest|reads|writes|removes|archives|urls|hosts|code|filters|runs|words)$/;

function optionsOf({ needs = [], lacks = [], does = '', adds = '', risk }: Account): readonly string[] {
  const wanted = [...needs, ...lacks].map((text) => /^(-[^=]+)=./.exec(text)?.[1] ?? text);
  const shown = [...`${does} ${adds} ${risk?.why ?? ''}`.matchAll(keys)].flatMap(([, key = '']) =>
    words.test(key) ? [] : [key],
  );
  return [...wanted, ...shown];
}

test('every account is about a program or subcommand of the catalogue', () => {
  assert.deepEqual(
    [...table.keys()].filter((name) => findProgram(name) === undefined),
    [],
  );
});

test('every option that an account names is an option there', () => {
  const unknown = [...table].flatMap(([name, accounts]) =>
    accounts.flatMap((account) =>
      optionsOf(account)
        .filter((spelling) => !knowsOption(name, spelling))
        .map((spelling) => `${name}: ${spelling}`),
    ),
  );
  assert.deepEqual(unknown, []);
});

test('an account that can never be reached is a mistake', () => {
  const hidden = [...table].flatMap(([name, accounts]) => {
    const always = accounts.findIndex(
      (account) =>
        account.does !== undefined &&
        Object.values(account).every(
          (value) => value === undefined || value === account.does || value === account.risk,
        ),
    );
    const after = always < 0 ? [] : accounts.slice(always + 1).filter(({ does }) => does !== undefined);
    return after.length === 0 ? [] : [name];
  });
  assert.deepEqual(hidden, []);
});

test('two accounts of one command are a mistake', () => {
  assert.throws(() => compileAccounts([{ accounts: { 'a b|c': [{ does: 'x' }], 'a c': [{ does: 'y' }] } }]), /`a c`/);
});
