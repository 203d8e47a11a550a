/**
 * Arithmetic evaluates the values of variables as expressions, array subscripts in them included, and a subscript can run a
 * command (RULES O19): every name and expansion in it must be known to be a plain number.
 * Source: bash(1) "ARITHMETIC EVALUATION"; tried: `x='a[$(id >&2)]'; echo $((x))` runs `id`.
 */
import type { Arithmetic, Span, Word, WordPart } from '../../parse/model.ts';
import { wordValue } from '../../parse/model.ts';
import type { AnalysisContext } from '../analyse.ts';
import { isNumeric, type ShellState } from '../shell-state.ts';
import { printsNumber } from '../substitutions.ts';
import type { FindingFamily } from './family.ts';

type Id = 'arithmetic-on-unknown';

export const arithmetic: FindingFamily<Id> = {
  definitions: {
    'arithmetic-on-unknown': {
      class: 'inner-code',
      severity: 'medium',
      hits: [
        'echo $((X + 1))',
        'X=$(cat f); echo $((X * 2))',
        '[[ $X -gt 5 ]]',
        'read n; (( n++ ))',
        'echo "${list[$1]}"',
        'let "y = $X"',
        'for ((i = 0; i < $N; i++)); do echo $i; done',
        'echo ${s:X:2}',
        'list[$X]=1',
        'n=$(stat -c %n *); echo $((n))',
        'n=$(whoami); echo $((n + 1))',
        'n=$(wc -l < "$F" 2>&1); echo $((n + 1))',
        'n=$(grep -c x *); echo $((n + 1))',
        "declare -i n='a[$(id)]'",
        'declare -i n; n=$X',
        'f() { local -i n=$1; }; f "$X"',
        'RANDOM=$X',
        'declare -i n; for n in $X; do echo; done',
        'COLUMNS=$X; echo $((COLUMNS / 2))',
        "list=(['a[$(id)]']=1)",
        'list=([$X]=1)',
      ],
      misses: [
        'echo $((1 + 2))',
        'i=0; while [ $i -lt 5 ]; do i=$((i + 1)); done',
        'n=$(wc -l < f); echo $((n + 1))',
        '[[ $# -gt 5 ]]',
        'for ((i = 0; i < 10; i++)); do echo $i; done',
        'start=$(date +%s); echo $(( $(date +%s) - start ))',
        'for i in $(seq 1 5); do echo $((i * 2)); done',
        '[ "$X" -eq 5 ]',
        'echo ${s:0:2}',
        'declare -A m; m[$k]=1',
        'c=$(ls | wc -l); if [[ $c -gt 3 ]]; then echo many; fi',
        'echo $(( RANDOM % 6 ))',
        'n=$(grep -c x f || true); echo $((n + 1))',
        'n=$(grep -c x "$F"); [[ $n -gt 1 ]]',
        '[[ $(id -u) -eq 0 ]]',
        'j=$(nproc); echo $((j * 2))',
        'n=$(wc -l < f || echo 0); echo $((n + 1))',
        'x=5; (( x += 2 ))',
        'for i in 1 2 3; do echo $((i*2)); done',
        'declare -i n=0; n+=1; n=n+2',
        'declare -i lines=$(wc -l < f)',
        'OPTIND=1',
        'echo $((COLUMNS / 2))',
        'list=([0]=a [1]=b)',
        'declare -A m=([$X]=1); m+=(["$Y"]=2)',
        'list=(a b "$X" $(ls) [a-z]*)',
      ],
    },
  },
};

const comparisons = new Set(['-eq', '-ne', '-lt', '-le', '-gt', '-ge']);

/** Reports once per expression. */
export function checkArithmetic(expression: Arithmetic, state: ShellState, context: AnalysisContext): void {
  if (expression.constant) return;
  const risk = findRisk(expression.text, expression.start, expression.expansions, state, context);
  if (risk !== undefined) tell(risk, expression, context);
}

/** The operands of `[[ a -lt b ]]`. */
export function checkConditional(words: readonly Word[], state: ShellState, context: AnalysisContext): void {
  words.forEach((word, index) => {
    if (!comparisons.has(wordValue(word) ?? '')) return;
    for (const operand of [words[index - 1], words[index + 1]]) {
      if (operand !== undefined) checkWord(operand, state, context);
    }
  });
}

/** A word that is evaluated: a subscript, an offset, an argument of `let`. */
export function checkWord(word: Word, state: ShellState, context: AnalysisContext): void {
  const value = wordValue(word);
  const risk =
    value === undefined
      ? findRisk(
          word.source,
          word.start,
          word.parts.filter((part) => part.type !== 'literal'),
          state,
          context,
        )
      : findRisk(value, 0, [], state, context);
  if (risk !== undefined) tell(risk, word, context);
}

function tell(risk: string, span: Span, context: AnalysisContext): void {
  const { definitions } = arithmetic;
  const definition = definitions['arithmetic-on-unknown'];
  context.findings.push({
    id: 'arithmetic-on-unknown',
    class: definition.class,
    severity: definition.severity,
    message: `\`${risk}\` is evaluated as arithmetic, its value is not known to be a number, and such a value can hold code`,
    span: { start: span.start, end: span.end },
    command: context.script.commands.find((command) => command.start <= span.start && command.end >= span.end)?.id,
    neverAutoApproved: false,
  });
}

/** The first thing in the expression that may be more than a number. */
function findRisk(
  text: string,
  start: number,
  expansions: readonly WordPart[],
  state: ShellState,
  context: AnalysisContext,
): string | undefined {
  let bare = text;
  for (const part of expansions) {
    const risk = partRisk(part, state, context);
    if (risk !== undefined) return risk;
    const from = part.start - start;
    bare =
      bare.slice(0, Math.max(0, from)) + ' '.repeat(Math.max(0, part.end - part.start)) + bare.slice(part.end - start);
  }
  const assigned = new Set([...bare.matchAll(/([A-Za-z_]\w*)\s*=(?!=)/g)].map((match) => match[1]));
  const names = bare.replace(/0[xX][\dA-Fa-f]+|\d+#[\w@]+|\d+/g, ' ').matchAll(/[A-Za-z_]\w*/g);
  for (const [name] of names) {
    if (!assigned.has(name) && !isNumberHere(name, state, context)) return name;
  }
  return undefined;
}

function partRisk(part: WordPart, state: ShellState, context: AnalysisContext): string | undefined {
  switch (part.type) {
    case 'parameter':
      return parameterRisk(part, state, context);
    case 'substitution':
      return printsNumber(part, state.cwd, context) ? undefined : '$(…)';
    case 'arithmetic':
      return part.expression.constant
        ? undefined
        : findRisk(part.expression.text, part.expression.start, part.expression.expansions, state, context);
    case 'literal':
    case 'glob':
      return undefined;
    default:
      return 'an expansion';
  }
}

function parameterRisk(
  part: WordPart & { readonly type: 'parameter' },
  state: ShellState,
  context: AnalysisContext,
): string | undefined {
  if (part.length || /^[?#$!]$/.test(part.name)) return undefined;
  if (part.operator === undefined && !part.indirect && isNumberHere(part.name, state, context)) return undefined;
  return `$${part.name}`;
}

/** What the text assigned counts, else what bash or the terminal sets. */
function isNumberHere(name: string, state: ShellState, context: AnalysisContext): boolean {
  const given = state.variables.get(name);
  if (given !== undefined) return !state.dynamic && isNumeric(given);
  return context.catalogue.variables.numbers.has(name);
}
