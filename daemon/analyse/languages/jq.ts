/**
 * Reads jq programs far enough to see whether one takes in code from files (`import`, `include`). The language itself can
 * neither write, run nor connect, so text of unknown value is no more than a question of what is printed.
 * Source: jq manual "Modules", "I/O".
 */
import type { Arg } from '../args.ts';
import { dangerousText, harmlessText, type ProgramText } from './program-text.ts';

/** Both directives stand only at the start of a program. */
const modules = /^(?:\s|#[^\n]*\n)*(?:module\b[^;]*;\s*)?(?:import|include)\b/;

export function readJq(arg: Arg): ProgramText {
  if (arg.text === undefined) return harmlessText;
  return modules.test(arg.text) ? dangerousText('takes in code from a file') : harmlessText;
}
