/**
 * Text that bash 5.2 refuses although its manual allows it. Nothing of it runs, so a model of it is no danger; everything
 * else that bash refuses and the parser accepts is a defect of the parser. Each shape was tried.
 */
const shapes: readonly RegExp[] = [
  // `$( … | time … )`: the reserved word is not known after some operators of a substitution
  /[(`][\s\S]*time/,
  // `$(a=(\;))`: an escaped operator among the elements of an array, inside a substitution only
  /[<>$]\([\s\S]*=\([\s\S]*\\/,
  // `<((case a in b) …; esac))`, `<((a); case b in (c|d) …; esac)`: the parenthesis of the pattern ends the search for `))`
  /\(\([\s\S]*case/,
];

export function isRefusedByMistake(text: string): boolean {
  return shapes.some((shape) => shape.test(text));
}
