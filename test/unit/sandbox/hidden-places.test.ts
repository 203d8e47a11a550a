/** Who shows what of what others hide. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { FileRule } from '../../../daemon/decide/file-rules.ts';
import type { HiddenFact } from '../../../daemon/sandbox/plan/facts.ts';
import {
  type HiddenClaim,
  type ShownFile,
  settleHidden,
  withoutNested,
} from '../../../daemon/sandbox/plan/hidden-places.ts';

const rule = (rank: number, more: Partial<FileRule> = {}): FileRule => ({
  ...{ effect: 'hide', text: 'x', because: `rank ${rank}`, top: '/x', literal: true, byName: false },
  ...{ covers: () => true, mayHold: () => true, mustHold: true, rank, final: false },
  ...more,
});
const hide = (place: string, by: HiddenClaim['by'], kind: HiddenFact['kind'] = 'folder'): HiddenClaim => ({
  fact: { path: place, kind, except: [] },
  by,
});
const show = (place: string, rank = 2, more: Partial<FileRule> = {}): ShownFile => ({
  path: place,
  by: rule(rank, { effect: 'show', ...more }),
});
const home = (by: HiddenClaim['by']): HiddenClaim => ({
  fact: { path: '/h', kind: 'folder', except: [], holdsHome: true },
  by,
});
const program = (place: string): ShownFile => ({ path: place, by: 'home' });

const denial = rule(2, { final: true });
const imported = rule(1);
const rows: readonly [
  what: string,
  HiddenClaim[],
  ShownFile[],
  expected: string[],
  remarks: number,
  writable?: string[],
][] = [
  ['nothing is shown', [hide('/a', rule(2))], [], ['/a'], 0],
  ['a part is shown', [hide('/a', rule(2))], [show('/a/b')], ['/a+b'], 0],
  ['at the same path the denial holds', [hide('/a', rule(2))], [show('/a')], ['/a'], 1],
  ['a wider allow does not open a denial in it', [hide('/a/b', rule(2))], [show('/a')], ['/a/b'], 0],
  [
    'what is denied in what is shown',
    [hide('/a', rule(2)), hide('/a/b/c', rule(2))],
    [show('/a/b')],
    ['/a+b', '/a/b/c!'],
    0,
  ],
  ['what is denied beside it needs no word', [hide('/a', rule(2)), hide('/a/c', rule(2))], [show('/a/b')], ['/a+b'], 0],
  ['a lower layer shows nothing of a higher one', [hide('/a', rule(3))], [show('/a/b')], ['/a'], 1],
  ['a higher one does', [hide('/a', rule(1))], [show('/a/b')], ['/a+b'], 0],
  ['a rule that denies is final', [hide('/a', denial)], [show('/a/b', 3)], ['/a'], 1],
  ['of two that hide, both must agree', [hide('/a', rule(2)), hide('/a/b', denial)], [show('/a/b/c')], ['/a'], 1],
  ['credentials: a user', [hide('/h/.aws', 'credentials')], [show('/h/.aws/config')], ['/h/.aws+config'], 0],
  ['credentials: the place itself', [hide('/h/.npmrc', 'credentials', 'file')], [show('/h/.npmrc')], [], 0],
  ['credentials: a project', [hide('/h/.aws', 'credentials')], [show('/h/.aws/config', 1)], ['/h/.aws'], 1],
  ['credentials: a wider allow', [hide('/h/.config/gh', 'credentials')], [show('/h/.config')], ['/h/.config/gh'], 0],
  [
    'what is sbx’s own',
    [hide('/h/.config/sbx', 'sbx')],
    [show('/h/.config/sbx/policy.json', 3)],
    ['/h/.config/sbx'],
    1,
  ],
  ['an exception of one rule', [hide('/a', imported)], [show('/a/b', 1, { onlyIn: imported })], ['/a+b'], 0],
  ['is none of another', [hide('/a', rule(1))], [show('/a/b', 1, { onlyIn: imported })], ['/a'], 1],
  ['a hidden home shows programs', [home(rule(1))], [program('/h/.nvm')], ['/h+.nvm'], 0],
  ['also where two hide it, for good', [home(rule(3)), home(denial)], [program('/h/bin')], ['/h+bin', '/h+bin'], 0],
  ['a home that is seen needs none', [hide('/h/.nvm', rule(2))], [program('/h/.nvm')], ['/h/.nvm'], 0],
  ['what else hides programs', [home(rule(1)), hide('/h/.nvm', rule(2))], [program('/h/.nvm/v')], ['/h'], 0],
  [
    'credentials among programs',
    [home(rule(1)), hide('/h/.gem/credentials', 'credentials', 'absent'), hide('/h/.aws', 'credentials')],
    [program('/h/.gem')],
    ['/h+.gem', '/h/.gem/credentials!'],
    0,
  ],
  [
    'a hidden home with a part that is named',
    [home(rule(1)), hide('/h/.aws', 'credentials')],
    [show('/h/notes'), show('/h/.aws/config')],
    ['/h+notes+.aws/config'],
    0,
  ],
  [
    'shown, hidden, shown again, hidden again',
    [hide('/a', rule(1)), hide('/a/b/c', rule(1)), hide('/a/b/c/d/e', rule(1))],
    [show('/a/b'), show('/a/b/c/d')],
    ['/a+b', '/a/b/c+d!', '/a/b/c/d/e!'],
    0,
  ],
  [
    'a writable folder is seen wherever it lies',
    [home(rule(1)), hide('/h/work/.env', rule(2), 'file'), hide('/h/other/.env', rule(2), 'file')],
    [],
    ['/h', '/h/work/.env!'],
    0,
    ['/h/work'],
  ],
  ['two parts, one in the other', [hide('/a', rule(2))], [show('/a/b/c'), show('/a/b')], ['/a+b'], 0],
];
for (const [what, claims, shown, expected, remarks, writable] of rows) {
  test(what, () => {
    const settled = settleHidden(claims, shown, writable);
    const found = withoutNested(settled.hidden).map((fact) =>
      [fact.path, ...fact.except.map((name) => `+${name}`), fact.isInShown ? '!' : ''].join(''),
    );
    assert.deepEqual(found.sort(), expected);
    assert.equal(settled.remarks.length, remarks);
  });
}
