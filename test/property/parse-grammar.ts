/**
 * A bounded random grammar of shell text for comparing the parser with real bash. Every simple command is `r N …`, a
 * recorder with a number of its own, so the generator knows which commands the text has; words hold nothing that could
 * do harm, and no path leads out of the folder the text runs in.
 */
import fc from 'fast-check';

/** Stands for the number of a command until the whole text is there. */
const number = '@N@';
const simple = `r ${number}`;

const literals = fc.constantFrom(
  ...[
    'a',
    "'b c'",
    '"d e"',
    "'$(r 0)'",
    "'`r 0`'",
    '"a\\$(r 0)"',
    '\\;',
    "';'",
    '"|"',
    '{p,q}',
    "$'x\\ty'",
    'a#b',
    '""',
  ],
  ...[
    "'#'",
    '--k=v',
    '-o',
    '1',
    '\\(',
    '"("',
    "'it'\\''s'",
    '\\\n',
    '"x\ny"',
    '[z]',
    '$',
    '"$"',
    "'<<E'",
    '"<(r 0)"',
    '!',
    '{}',
  ],
);

type Pieces = {
  list: string;
  statement: string;
  stage: string;
  command: string;
  word: string;
};

/** Statements of several lines cannot stand in a pipeline or before `;`. */
function isOneLine(text: string): boolean {
  return !text.includes('<<');
}

function joinStatements(statements: readonly string[], separators: readonly string[]): string {
  return statements
    .map((statement, index) => {
      const last = index === statements.length - 1;
      if (!isOneLine(statement)) return last ? statement : `${statement}\n`;
      return last ? statement : `${statement}${separators[index] ?? ';'}`;
    })
    .join('');
}

const { list } = fc.letrec<Pieces>((tie: fc.LetrecTypedTie<Pieces>): fc.LetrecValue<Pieces> => {
  const inline = tie('list').map((text) => (isOneLine(text) ? text : simple));
  const oneStage = tie('command').map((text) => (isOneLine(text) ? text : simple));
  return {
    word: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { weight: 6, arbitrary: literals },
      { weight: 1, arbitrary: inline.map((body) => `$( ${body})`) },
      { weight: 1, arbitrary: tie('list').map((body) => `"$( ${body}\n)"`) },
      { weight: 1, arbitrary: inline.filter((body) => !/[`\\"$]/.test(body)).map((body) => `\`${body}\``) },
      { weight: 1, arbitrary: inline.map((body) => `"\${u:-$( ${body})}"`) },
      { weight: 1, arbitrary: tie('word').map((word) => `\${u:-${word.includes('{') ? 'w' : word}}`) },
      { weight: 1, arbitrary: inline.map((body) => `$((1 + $( ${body}) + 1))`) },
      { weight: 1, arbitrary: inline.map((body) => `<( ${body})`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(tie('word'), tie('word'))
          .map(([one, other]) => (other.startsWith('<') ? one : `${one}${other}`)),
      },
    ),
    command: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      { weight: 6, arbitrary: fc.array(tie('word'), { maxLength: 3 }).map((words) => [simple, ...words].join(' ')) },
      { weight: 1, arbitrary: tie('word').map((word) => `v=${word} ${simple}`) },
      { weight: 1, arbitrary: tie('word').map((word) => `${simple} <<< ${word}`) },
      { weight: 1, arbitrary: tie('word').map((word) => `${simple} > f${word.startsWith('<') ? '' : ''} 2>&1`) },
      { weight: 1, arbitrary: inline.map((body) => `${simple} <<E\n'$( ${body})' "\n\\$(r 0) \`${simple}\`\nE`) },
      { weight: 1, arbitrary: fc.constant(`${simple} <<-'E' > f\n\t$(r 0) \`r 0\`\n\tE`) },
      { weight: 1, arbitrary: tie('list').map((body) => `( ${body}\n)`) },
      { weight: 1, arbitrary: tie('list').map((body) => `{ ${body}\n}`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(tie('list'), tie('list'), tie('list'))
          .map(([a, b, c]) => `if ${a}\nthen ${b}\nelse ${c}\nfi`),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(tie('word'), tie('list')).map(([word, body]) => `for i in ${word} 2\ndo ${body}\ndone`),
      },
      { weight: 1, arbitrary: fc.tuple(tie('list'), tie('list')).map(([a, b]) => `while ${a}\ndo ${b}\nbreak\ndone`) },
      {
        weight: 1,
        arbitrary: fc.tuple(tie('list'), tie('list')).map(([a, b]) => `case a in\n(b|c) ${a}\n;;\n*) ${b}\n;;\nesac`),
      },
      { weight: 1, arbitrary: tie('list').map((body) => `f() { ${body}\n}\nf`) },
      {
        weight: 1,
        arbitrary: tie('word').map(
          (word) => `[[ -n x${word.includes('<') || word.includes('\n') ? 'y' : word} && ( a == a ) ]]`,
        ),
      },
      { weight: 1, arbitrary: inline.map((body) => `(( $( ${body}) + 1 ))`) },
      { weight: 1, arbitrary: fc.array(tie('word'), { maxLength: 2 }).map((words) => `q=(${words.join(' ')})`) },
    ),
    stage: fc
      .tuple(fc.array(oneStage, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '', '', '! ', 'time '))
      .map(
        ([stages, prefix]) => `${stages.length > 1 || /^r /.test(stages[0] ?? '') ? prefix : ''}${stages.join(' | ')}`,
      ),
    statement: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      { weight: 3, arbitrary: tie('command') },
      { weight: 1, arbitrary: tie('stage') },
      {
        weight: 1,
        arbitrary: fc.tuple(tie('stage'), fc.constantFrom('&&', '||'), tie('stage')).map((parts) => parts.join(' ')),
      },
    ),
    list: fc
      .tuple(
        fc.array(tie('statement'), { minLength: 1, maxLength: 2 }),
        fc.array(fc.constantFrom(';', '\n', ' & ', '; # r 0\n'), { minLength: 2, maxLength: 2 }),
      )
      .map(([statements, separators]) => joinStatements(statements, separators)),
  };
});

export interface GeneratedScript {
  readonly text: string;
  /** Numbers of the simple commands that the text has, ascending. */
  readonly numbers: readonly number[];
}

function numberScript(template: string): GeneratedScript {
  const numbers: number[] = [];
  const text = template.replaceAll(number, () => {
    numbers.push(numbers.length + 1);
    return String(numbers.length);
  });
  return { text, numbers };
}

export const generatedScript: fc.Arbitrary<GeneratedScript> = list
  .filter((template) => template.length < 260)
  .map((template) => numberScript(`${template}\n`));

/** A generated text with a few characters added, removed or doubled: mostly nonsense, sometimes a trap. */
export const mutatedText: fc.Arbitrary<string> = fc
  .tuple(
    generatedScript,
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.constantFrom('insert', 'delete', 'double'),
        fc.constantFrom(
          ...'\'"`$(){}[]<>|&;\\\n #!=:-~*?,@^%+r 1'.split(''),
          '\\\n',
          '$(',
          '${',
          '<<E',
          "$'",
          '))',
          '[[',
          '`r 9`',
          '$(r 9)',
        ),
      ),
      { minLength: 1, maxLength: 3 },
    ),
  )
  .map(([{ text }, edits]) => edits.reduce((current, edit) => applyEdit(current, ...edit), text));

function applyEdit(text: string, seed: number, kind: string, piece: string): string {
  const at = seed % (text.length + 1);
  if (kind === 'insert') return text.slice(0, at) + piece + text.slice(at);
  if (kind === 'delete') return text.slice(0, at) + text.slice(at + 1);
  return text.slice(0, at) + text.slice(at, at + 1) + text.slice(at);
}
