/** The part of a container's mount that is a path of this machine: what runs inside can read it. */
import { type Arg, argFrom, makeArg, type Piece, prefixOf } from './args.ts';

/**
 * What a container is given of this machine: `PATH:PLACE`, or the source in `type=bind,source=PATH,target=PLACE`. A plain
 * name is a volume that the container engine keeps.
 */
export function mountSource(arg: Arg): Arg | undefined {
  const text = prefixOf(arg);
  const keyed = /^(?:[^,]*,)*?(?:source|src)=/.exec(text)?.[0];
  if (keyed !== undefined)
    return /(?:^|,)type=(?:volume|tmpfs|cache|image)\b/.test(text)
      ? undefined
      : argUntil(argFrom(arg, keyed.length), ',');
  return /^[./~]/.test(text) || (text === '' && arg.text === undefined) ? argUntil(arg, ':') : undefined;
}

/** The part before the first of these marks. */
function argUntil(arg: Arg, mark: string): Arg {
  const pieces: Piece[] = [];
  for (const piece of arg.pieces) {
    const end = piece.kind === 'known' ? piece.text.indexOf(mark) : -1;
    if (piece.kind === 'known' && end >= 0) {
      pieces.push({ kind: 'known', text: piece.text.slice(0, end) });
      return makeArg(arg.word, pieces, arg.many);
    }
    pieces.push(piece);
  }
  return arg;
}
