/** Program names that do not read as what runs: names put together from pieces, and names that are not known at all. */
import type { Word } from '../../parse/model.ts';
import type { CommandRecord } from '../analyse-command.ts';
import type { FindingFamily } from './family.ts';

type Id = 'obfuscated-name' | 'unknown-program';

export const programNames: FindingFamily<Id> = {
  definitions: {
    'obfuscated-name': {
      class: 'deception',
      severity: 'high',
      hits: [
        "r'm' -rf x",
        'r\\m x',
        "$'\\x72\\x6d' x",
        'w""hoami',
        'a=r; b=m; $a$b x',
        '/b?n/ls',
        'sudo r"m" x',
        '${x}m y',
      ],
      misses: [
        '\\ls',
        '"ls" -la',
        "'./my tool' x",
        '"$HOME"/bin/tool',
        './my\\ script.sh',
        '/bin/ls',
        'PY=python3; $PY a.py',
        '"$ROOT/run.sh"',
      ],
    },
    'unknown-program': {
      class: 'undecidable',
      severity: 'medium',
      hits: ['$CMD x', '"$TOOL"', '$(which node) x', '"$DIR/run.sh"', '"${args[@]}"', 'timeout 5 $CMD'],
      misses: ['CMD=ls; $CMD', 'echo $CMD', '"$HOME/bin/tool"', 'ls "$DIR"'],
    },
  },
  inCommand: (record, _context, report) => {
    const seen = new Set<Word>();
    for (const layer of record.result.layers) {
      const word = layer.words[0];
      if (word === undefined || seen.has(word)) continue;
      seen.add(word);
      const span = { start: word.start, end: word.end };
      if (isObfuscated(word)) {
        report(
          'obfuscated-name',
          `the program name \`${word.source}\` does not read as what runs`,
          span,
          record.command.id,
        );
      } else if (isUnknown(word, record)) {
        report(
          'unknown-program',
          `which program \`${word.source}\` is depends on a value that is not known`,
          span,
          record.command.id,
        );
      }
    }
  },
};

function isUnknown(word: Word, record: CommandRecord): boolean {
  if (word.values !== undefined) return false;
  return record.instances.some((instance) => {
    const arg =
      instance.layered.layers.length > 0
        ? [...instance.layered.granted, ...instance.args].find((one) => one.word === word)
        : undefined;
    return arg !== undefined && arg.text === undefined;
  });
}

/** A name whose pieces meet inside a segment of its path: quotes, escapes or expansions that only hide letters. */
function isObfuscated(word: Word): boolean {
  if (word.values !== undefined && word.values.length !== 1) return true;
  const parts = word.parts.filter((part) => part.type !== 'literal' || part.value !== '');
  if (parts.some((part) => part.type === 'glob' || part.type === 'brace')) return true;
  if (/(?:^|[^\\])\$'/.test(word.source) || word.source.startsWith("$'")) return true;
  if (hidesLetters(word.source)) return true;
  for (let at = 1; at < parts.length; at += 1) {
    const left = parts[at - 1];
    const right = parts[at];
    if (left === undefined || right === undefined || (left.type === 'literal' && right.type === 'literal')) continue;
    const leftEnds = left.type === 'literal' && left.value.endsWith('/');
    const rightStarts = right.type === 'literal' && right.value.startsWith('/');
    if (!leftEnds && !rightStarts) return true;
  }
  return false;
}

/** An escaped letter or a quote between two characters of one segment, outside of a name that is quoted as a whole. */
function hidesLetters(source: string): boolean {
  if (/^(['"])[^'"\\`]*\1$/.test(source) || /^\\[\w.+-]+$/.test(source)) return false;
  if (/\\[A-Za-z0-9_]/.test(source.replace(/'[^']*'/g, ''))) return true;
  return source.split('/').some((segment) => {
    const balanced = (segment.match(/['"]/g)?.length ?? 0) % 2 === 0;
    return balanced && /['"]/.test(segment) && !/^(['"])[^'"]*\1$/.test(segment);
  });
}
