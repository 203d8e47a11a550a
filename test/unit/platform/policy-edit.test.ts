/** Rules added to and taken out of the text of a policy: comments stay with the rule they stand behind. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import '../../fixtures/seed.ts';
import fc from 'fast-check';
import { parse } from 'jsonc-parser';
import { addRules, listRules, removeRule } from '../../../daemon/platform/policy-edit.ts';

/** Lists, and the same with `"n"` added. */
const added: readonly [name: string, before: string, after: string][] = [
  ['on one line', '["a"]', '["a", "n"]'],
  ['on one line, with a trailing comma', '["a",]', '["a", "n",]'],
  ['on one line, with a comment', '["a" /* why */]', '["a" /* why */, "n"]'],
  ['on lines', '[\n      "a",\n      "b"\n    ]', '[\n      "a",\n      "b",\n      "n"\n    ]'],
  [
    'behind a comment of the last rule',
    '[\n      "a", // one\n      "b" // two\n    ]',
    '[\n      "a", // one\n      "b", // two\n      "n"\n    ]',
  ],
  [
    'behind a comment of the last rule and a trailing comma',
    '[\n      "a", // one\n      "b", // two\n    ]',
    '[\n      "a", // one\n      "b", // two\n      "n",\n    ]',
  ],
  [
    'behind comments on lines of their own',
    '[\n      "a" // one\n      // more to come\n    ]',
    '[\n      "a", // one\n      // more to come\n      "n"\n    ]',
  ],
  ['after an object', '[\n      { "rule": "a" } // one\n    ]', '[\n      { "rule": "a" }, // one\n      "n"\n    ]'],
  ['into an empty list with a comment', '[\n      // none yet\n    ]', '[\n      // none yet\n      "n"\n    ]'],
];

describe('adding a rule', () => {
  for (const [name, before, after] of added) {
    it(name, () => {
      const wrap = (list: string): string =>
        `{\n  "permissions": {\n    "allow": ${list}, // the list\n    "deny": []\n  }\n}\n`;
      assert.equal(addRules(wrap(before), ['n'], 'allow'), wrap(after));
      assert.equal(addRules(wrap(after), ['n'], 'allow'), wrap(after));
    });
  }
});

/** Lists, the index that goes, and what is left. */
const removed: readonly [name: string, before: string, index: number, after: string][] = [
  ['the only one', '["a"]', 0, '[]'],
  ['the first on one line', '["a", "b"]', 0, '["b"]'],
  ['the last on one line', '["a", "b"]', 1, '["a"]'],
  [
    'a line with its comment',
    '[\n  "a", // one\n  "b", // two\n  "c" // three\n]',
    1,
    '[\n  "a", // one\n  "c" // three\n]',
  ],
  ['the last line', '[\n  "a", // one\n  "b" // two\n]', 1, '[\n  "a" // one\n]'],
  ['the last line before a trailing comma', '[\n  "a", // one\n  "b", // two\n]', 1, '[\n  "a", // one\n]'],
  ['an object of several lines', '[\n  {\n    "rule": "a"\n  },\n  "b"\n]', 0, '[\n  "b"\n]'],
];

describe('taking a rule out', () => {
  for (const [name, before, index, after] of removed) {
    it(name, () => {
      const wrap = (list: string): string => `{"permissions": {"allow": ${list}}}`;
      assert.equal(removeRule(wrap(before), 'allow', index), wrap(after));
    });
  }
});

const comment = fc.constantFrom('', ' // c', ' /* c */', '\n    // own line');
const entry = fc.tuple(
  fc.constantFrom('"Bash(a)"', '"Bash(b *)"', '{ "rule": "Bash(c)" }', '"Bash(\\"d\\")"'),
  comment,
);
const list = fc
  .tuple(fc.array(entry, { maxLength: 4 }), fc.boolean(), fc.boolean())
  .map(([entries, trailing, lines]) => {
    const text = entries.map(([value, after], index) => {
      const comma = index < entries.length - 1 || trailing ? ',' : '';
      // A line comment needs the end of its line.
      return after.includes('//') && !lines ? `${value}${comma}` : `${value}${comma}${after}`;
    });
    return lines ? `[\n    ${text.join('\n    ')}\n  ]` : `[${text.join(' ')}]`;
  });

const valuesOf = (text: string): unknown[] =>
  (parse(text, [], { allowTrailingComma: true }) as { permissions: { allow: unknown[] } }).permissions.allow;
const commentsOf = (text: string): number => text.split(/\/\/ c|\/\* c \*\/|\/\/ own line/).length;

describe('whatever the layout', () => {
  it('an added rule is the last, the others and all comments stay', () => {
    fc.assert(
      fc.property(list, (allow) => {
        const before = `{"permissions": {"allow": ${allow}}}`;
        const after = addRules(before, ['Bash(new)'], 'allow');
        assert.deepEqual(valuesOf(after), [...valuesOf(before), 'Bash(new)'], after);
        assert.equal(commentsOf(after), commentsOf(before), after);
        assert.equal(listRules(after, 'allow').at(-1)?.rule, 'Bash(new)');
      }),
    );
  });

  it('a rule taken out is gone, the others stay', () => {
    fc.assert(
      fc.property(list, fc.nat(3), (allow, index) => {
        const before = `{"permissions": {"allow": ${allow}}}`;
        const values = valuesOf(before);
        const after = removeRule(before, 'allow', index);
        assert.deepEqual(
          valuesOf(after),
          values.filter((_, at) => at !== index),
          after,
        );
      }),
    );
  });
});
