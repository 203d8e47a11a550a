/**
 * Shell commands inside text of another language, as the catalogue marks them: `!cmd` in an editor, `exec=cmd` of tar,
 * `EXEC:cmd` of socat. Where a program has no marks, the value of an option that runs a program is one command line.
 */

/**
 * The command lines that the text holds, by the marks of `shellAfter`; `MARK => TEMPLATE` says what becomes of what is found, `{,}` the same with blanks for its commas
 * (`*= => git {}`: the value of an alias is the rest of a git command).
 */
export function embeddedCommands(text: string, marks: readonly string[]): readonly string[] {
  const found = marks.flatMap((entry) => {
    const [mark = '', template = '{}'] = entry.split(' => ');
    const all = mark.startsWith('*') ? findAnywhere(text, mark.slice(1)) : findAtStart(text, mark);
    return all.map((one) => template.replace('{}', () => one).replace('{,}', () => one.replaceAll(',', ' ')));
  });
  return [...new Set(found.map((one) => one.trim()).filter((one) => one !== ''))];
}

function findAnywhere(text: string, mark: string): readonly string[] {
  const found: string[] = [];
  const lower = text.toLowerCase();
  const wanted = mark.toLowerCase();
  for (let at = lower.indexOf(wanted); at >= 0 && found.length < maxCommands; at = lower.indexOf(wanted, at + 1))
    found.push(endOf(text.slice(at + mark.length), mark));
  return found;
}

const maxCommands = 8;

/** At the beginning of a line or after `;`, colons and blanks skipped. */
function findAtStart(text: string, mark: string): readonly string[] {
  return text.split(/[\n;]/).flatMap((line) => {
    const start = line.replace(/^[\s:+]*/, '');
    return start.toLowerCase().startsWith(mark.toLowerCase()) ? [endOf(start.slice(mark.length), mark)] : [];
  });
}

/** A mark that ends in a quote or bracket says where the command ends; after a colon options follow a comma. */
function endOf(rest: string, mark: string): string {
  const last = mark.at(-1) ?? '';
  if (last === '"' || last === "'" || last === '`') {
    const end = rest.indexOf(last);
    return end < 0 ? rest : rest.slice(0, end);
  }
  if (/\$\(|[{%]$/.test(mark)) return beforeUnbalanced(rest);
  if (last === '(') return rest.replace(/\)[^)]*$/, '').replace(/^(["'])(.*)\1$/s, '$2');
  if (last === ':') return rest.replace(/,.*$/s, '');
  return (rest.split('\n', 1)[0] ?? '').replace(/^!/, '');
}

/** To the bracket that closes one before the text. */
function beforeUnbalanced(text: string): string {
  let open = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if ('({'.includes(char)) open += 1;
    else if (')}'.includes(char)) open -= 1;
    if (open < 0) return text.slice(0, at);
  }
  return text;
}
