/**
 * Keys that a command types into another terminal (`tmux send-keys`, `screen -X stuff`): the lines that a shell there would
 * run. Source: tmux(1) "KEY BINDINGS", screen(1) "stuff".
 */
import { type Arg, makeArg, type Piece } from './args.ts';

const lineEnds = /\\n|\\r|\^[MJ]|\\01[25]|\r/g;
/** Names of keys that are no text. What they do to a line is not known, so the next text counts as a new one. */
const keys =
  /^(?:[CMS]-\S+|Enter|KPEnter|Escape|Tab|BTab|BSpace|DC|IC|Home|End|NPage|PPage|PageUp|PageDown|Up|Down|Left|Right|F\d{1,2})$/;

/** All that is typed, as shell text; undefined for keys alone. */
export function joinTyped(args: readonly Arg[]): Arg | undefined {
  const [first] = args;
  if (first === undefined) return undefined;
  const pieces = args.flatMap((arg): readonly Piece[] => {
    if (arg.text === undefined) return arg.pieces;
    const text = arg.text === 'Space' ? ' ' : keys.test(arg.text) ? '\n' : arg.text.replace(lineEnds, '\n');
    return [{ kind: 'known', text }];
  });
  const typed = makeArg(
    first.word,
    pieces,
    args.some(({ many }) => many),
  );
  return typed.text?.trim() === '' ? undefined : typed;
}
