/** Laws of the parser that hold for any text whatever. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import '../fixtures/seed.ts';
import type { ParsedScript, Word } from '../../daemon/parse/model.ts';
import { createParser } from '../../daemon/parse/parser.ts';
import { walkStatements, wordsOf } from '../../daemon/parse/walk.ts';
import { loadGrammarFiles } from '../../daemon/platform/grammar.ts';
import { generatedScript, mutatedText } from './parse-grammar.ts';

const parser = await createParser(await loadGrammarFiles());

const shellText = fc
  .array(
    fc.constantFrom(
      ...'\'"`$(){}[]<>|&;\\\n\t #!=:-~*?,@^%+/_aif1'.split(''),
      'then',
      'fi',
      'do',
      'done',
      ' <<E\n',
      '\nE\n',
      'case',
      'in',
      'esac',
      '[[',
      ']]',
      '$((',
      '))',
    ),
    {
      maxLength: 40,
    },
  )
  .map((pieces) => pieces.join(''));

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), shellText, mutatedText);

test('any text gets an answer, the same each time, with a place inside the text', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const result = parser.parse(text);
      assert.equal(result.text, text);
      assert.deepEqual(parser.parse(text), result);
      if (result.kind === 'script') return;
      assert.ok(0 <= result.span.start && result.span.start <= result.span.end && result.span.end <= text.length);
      assert.match(result.message, /^[^A-Z.][^\n]*[^.\n]$/);
    }),
    { numRuns: 3_000, includeErrorInReport: true },
  );
});

test('commands are numbered in the order of the text, and every word is its own source', () => {
  fc.assert(
    fc.property(fc.oneof(shellText, mutatedText), (text) => {
      const script = parser.parse(text);
      if (script.kind === 'unparsable') return;
      for (const [index, command] of script.commands.entries()) {
        assert.equal(command.id, index);
        assert.ok(index === 0 || (script.commands[index - 1]?.start ?? 0) <= command.start);
        assert.ok(command.pipedTo === undefined || script.commands[command.pipedTo] !== undefined);
      }
      walkStatements(script.body, (statement) => {
        for (const { word } of wordsOf(statement)) assertSpans(word, text);
      });
    }),
    { numRuns: 2_000, includeErrorInReport: true },
  );
});

function assertSpans(word: Word, text: string): void {
  assert.equal(word.source, text.slice(word.start, word.end));
  let end = word.start;
  for (const part of word.parts) {
    assert.ok(part.start >= end && part.end <= word.end, `part ${part.type} of ${JSON.stringify(word.source)}`);
    end = part.end;
  }
}

test('whatever no statement covers is blank, separator, comment or here-document', () => {
  fc.assert(
    fc.property(mutatedText, (text) => {
      const script = parser.parse(text);
      if (script.kind === 'unparsable') return;
      const rest = removeCovered(script)
        .replaceAll('\\\n', '')
        .replace(/(^|[\s;&])#.*/gm, '$1');
      assert.match(rest, /^[\s;&]*$/, JSON.stringify(text));
    }),
    { numRuns: 2_000, includeErrorInReport: true },
  );
});

/** The text with the statements and the lines of here-documents blanked. */
function removeCovered({ text, body }: ParsedScript): string {
  let rest = text;
  const blank = (start: number, end: number): void => {
    rest = rest.slice(0, start) + ' '.repeat(end - start) + rest.slice(end);
  };
  walkStatements(body, (statement) => {
    const redirections = statement.type === 'command' ? statement.command.redirections : statement.redirections;
    for (const { heredoc } of redirections) {
      const lineEnd = heredoc === undefined ? -1 : text.indexOf('\n', heredoc.end);
      if (heredoc !== undefined) blank(heredoc.start, lineEnd === -1 ? text.length : lineEnd);
    }
  });
  for (const { start, end } of body) blank(start, end);
  return rest;
}

test('more text never loses a command: `a; b` has the commands of `a`', () => {
  fc.assert(
    fc.property(generatedScript, ({ text }) => {
      const alone = parser.parse(text);
      const followed = parser.parse(`${text}r 0\n`);
      if (alone.kind === 'unparsable' || followed.kind === 'unparsable') return;
      assert.equal(followed.commands.length, alone.commands.length + 1);
    }),
    { numRuns: 500, includeErrorInReport: true },
  );
});
