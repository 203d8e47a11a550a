/** Laws of the analysis: total on any text, never looser in company, blind to spelling. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { families } from '../../../daemon/analyse/findings/find-all.ts';
import { effectful, harmless } from '../../cases/analyse-read-only.ts';
import { analyseText } from './workbench.ts';

const examples = families.flatMap((family) =>
  Object.values(family.definitions).flatMap((one) => [...one.hits, ...one.misses]),
);
const texts = [...harmless, ...effectful, ...examples].filter(
  (text) => !text.includes('<<') && !/(?:^|[^&])&$/.test(text),
);
const anyText = fc.constantFrom(...texts);

test('no text makes it throw, and every command has its answer', () => {
  const piece = fc.oneof(
    anyText,
    fc.constantFrom(
      '$(',
      ')',
      '"',
      "'",
      '`',
      '&&',
      '|',
      ';',
      '{',
      '}',
      '\n',
      '$',
      '(',
      '[[',
      ']]',
      '>',
      '<',
      'do',
      'done',
      '#',
      '\\',
      '~',
      '*',
    ),
    fc.string({ maxLength: 8 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const analysis = analyseText(pieces.join(' '));
      if (analysis.script.kind === 'script') assert.equal(analysis.commands.length, analysis.script.commands.length);
      for (const command of analysis.commands) {
        assert.equal(command.readOnly, command.notReadOnlyBecause === undefined);
        assert.ok(command.layers.length > 0 || command.command.words.length === 0);
      }
    }),
    { numRuns: 400, seed: 7 },
  );
});

test('a text is never looser in company: `a; b` keeps what was found in a', () => {
  fc.assert(
    fc.property(anyText, anyText, (left, right) => {
      const alone = analyseText(left);
      const both = analyseText(`${left}\n${right}`);
      if (alone.script.kind !== 'script' || both.script.kind !== 'script') return;
      const ids = new Set(both.findings.map((finding) => finding.id));
      // A function that the second text calls or defines can only add.
      for (const finding of alone.findings) assert.ok(ids.has(finding.id), `${left} ⏎ ${right}: ${finding.id}`);
      alone.commands.forEach((command, index) => {
        if (!command.readOnly) assert.equal(both.commands[index]?.readOnly, false, `${left} ⏎ ${right}`);
      });
    }),
    { numRuns: 400, seed: 11 },
  );
});

test('spelling does not matter: quotes, escapes, paths and wrappers around a critical removal', () => {
  const programs = [
    'rm',
    '\\rm',
    '"rm"',
    '/bin/rm',
    'command rm',
    'sudo rm',
    'env rm',
    'timeout 5 rm',
    'busybox rm',
    'nice -n 5 rm',
    'exec rm',
  ];
  const options = ['-rf', '-r -f', '-fr', '--recursive --force', '"-rf"', '-r\\f', '-rf --'];
  const targets = [
    '/',
    '//',
    '"/"',
    '/.',
    '/etc/..',
    '~',
    '"$HOME"',
    '$HOME/',
    '/etc',
    '/e*',
    '/{etc,usr}',
    '"/usr"',
    "'/usr/'",
    '/work',
    '..',
    '"$PWD"',
    '/*',
  ];
  const frames = [
    '@',
    '(@)',
    'true && @',
    'echo "$(@)"',
    'if true; then @; fi',
    'for i in 1; do @; done',
    'f() { @; }; f',
    '@ | cat',
    'cat <(@)',
    '{ @; } 2>/dev/null',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...programs),
      fc.constantFrom(...options),
      fc.constantFrom(...targets),
      fc.constantFrom(...frames),
      (program, option, target, frame) => {
        const text = frame.replace('@', () => `${program} ${option} ${target}`);
        const analysis = analyseText(text);
        if (analysis.script.kind !== 'script') return;
        assert.ok(
          analysis.findings.some((finding) => finding.id === 'critical-removal' && finding.neverAutoApproved),
          text,
        );
      },
    ),
    { numRuns: 1500, seed: 13 },
  );
});
