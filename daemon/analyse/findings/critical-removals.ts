/**
 * Removals of places whose loss is a disaster (RULES K2): the root, its children, the home, the working directory and what
 * holds them, and targets that become one of these when a variable is empty (`rm -rf "$DIR"/*`).
 */
import type { AnalysisContext } from '../analyse.ts';
import type { CommandRecord } from '../analyse-command.ts';
import { type Arg, type Piece, prefixOf } from '../args.ts';
import { type CriticalPaths, findCritical, findEmptied } from '../critical-paths.ts';
import { globMatches, matchesEverything } from '../glob.ts';
import type { Removal } from '../interpretation.ts';
import type { Facts } from '../model.ts';
import { normalisePath } from '../path-targets.ts';
import type { FindingFamily } from './family.ts';

export const criticalRemovals: FindingFamily<'critical-removal'> = {
  definitions: {
    'critical-removal': {
      class: 'destructive',
      severity: 'high',
      neverAutoApproved: true,
      hits: [
        'rm -rf /',
        'rm -rf ~',
        'rm -rf "$HOME"/*',
        'rm -rf /etc',
        'rm -rf "$D"/*',
        'rm -rf $D/',
        'rm -rf "$UNSET/lib"',
        'D=$(mktemp -d); rm -rf "$D"/*',
        'echo "$(rm -rf ~)"',
        "bash -c 'rm -rf /usr'",
        'sudo rm -rf ..',
        'find / -delete',
        'find . -delete',
        'find ~ -name "*.log" -delete',
        'find / -exec rm -rf {} +',
        'rsync -a --delete empty/ ./',
        'rsync -r --delete-after empty/ ~',
        'find /tmp -delete',
        'rm -rf .',
        'rm -rf ./*',
        'cd /tmp && rm -rf ../etc',
        'for d in /usr /opt; do rm -rf $d; done',
        'rm -rf /h*',
        '/bin/rm -rf ~/',
        'rmdir /srv',
        'cd build; rm -rf *',
        'rm -rf ${X:-/}',
        'rm -rf $(echo /)',
        'f() { rm -rf "$1"; }; f /',
        'cd "$X" && rm -rf *',
        'rm -rf "${X:-$HOME}"',
        'X=; rm -rf "$X/"*',
        'rm -rf "${HOME:?}"/*',
        'cd "$X" && find . -delete',
        "find . -name '*' -delete",
        'find . ! -name keep -delete',
        "find . -name '*.o' -o -delete",
        'find . | xargs rm -rf',
        'find ~ -type f -print0 | xargs -0 rm',
        'git clean -fdx',
        'docker run -v .:/w alpine rm -rf .',
        'ssh host.example rm -rf /',
        'docker exec c rm -rf . && rm -rf .',
      ],
      misses: [
        'rm -rf build',
        'rm -rf ./node_modules',
        'rm -f *.log',
        'D=build; rm -rf "$D"/*',
        'rm -rf "${D:?}"/x',
        'rm -rf "${OUT:-build}"',
        'f() { rm -rf "$1"; }; f build',
        'cd "$X" && rm -rf build',
        'rm -rf "$(echo build)"',
        'rm -rf build/*',
        'find . -name "*.pyc" -delete',
        'find build -delete',
        'find /tmp -name "x*" -mtime +1 -delete',
        'rsync -a --delete src/ /tmp/copy/',
        'rm -rf /tmp/job',
        'D=$(mktemp -d); rm -rf "$D"',
        'mkdir -p build && cd build && rm -rf *',
        'rmdir empty',
        'for d in a b; do rm -rf "$d"; done',
        'find . -name "*.tmp" | xargs rm -f',
        'rm -- "$FILE"',
        'cd "$X" && find . -name "*.o" -delete',
        "find . \\( -name '*.o' -o -name '*.a' \\) -delete",
        "find . -type f -name '*.o' | xargs rm",
        'find build | xargs rm -rf',
        "find . -name node_modules -prune -o -name '*.log' -delete",
        'git clean -fd',
        'git clean -fdx build',
        'git clean -nfdx',
        'docker exec c rm -rf .',
        'ssh host.example rm -rf .',
        "ssh host.example 'cd x && rm -rf *'",
      ],
    },
  },
  inCommand: (record, context, report) => {
    for (const { interpretation } of record.instances) {
      for (const removal of interpretation?.removals ?? []) {
        if (record.elsewhere && /^[^/~]/.test(prefixOf(removal.arg))) continue;
        const folders = new Set([removal.cwd, ...(removal.cwd === record.state.cwd ? record.state.fallbacks : [])]);
        for (const cwd of folders) {
          const why = judgeRemoval(removal, cwd, context);
          if (why === undefined) continue;
          report(
            'critical-removal',
            `removes ${why}`,
            { start: removal.arg.word.start, end: removal.arg.word.end },
            record.command.id,
          );
          break;
        }
      }
    }
  },
  inScript: (_script, commands, _loose, context, report) => {
    for (const record of commands) {
      const why = judgeFed(record, commands, context);
      if (why === undefined) continue;
      const { start, end, id } = record.command;
      report('critical-removal', `removes ${why}`, { start, end }, id);
    }
  },
};

/** `find . | xargs rm` removes what the search finds. */
function judgeFed(
  record: CommandRecord,
  commands: readonly CommandRecord[],
  context: AnalysisContext,
): string | undefined {
  const removes = record.instances.some(
    ({ interpretation, layered }) =>
      layered.wrappers.some(({ program }) => program.name === 'xargs') &&
      interpretation?.removals.some(({ arg }) => arg.text === undefined) === true,
  );
  if (!removes) return undefined;
  const feeders = commands.filter(({ command }) => command.pipedTo === record.command.id);
  const [feeder] = feeders;
  const [instance] = feeder?.instances ?? [];
  const { reading, program } = instance ?? {};
  if (feeders.length !== 1 || feeder === undefined || reading === undefined || program?.name !== 'find')
    return undefined;
  if (reading.filtered) return undefined;
  const { cwd } = feeder.state;
  const roots = reading.operands.filter(({ role }) => role === 'list-tree').map(({ arg }) => arg);
  if (roots.length === 0)
    return cwd === undefined ? undefined : findCritical(cwd, context.facts, context.catalogue.criticalPaths);
  for (const arg of roots) {
    const why = judgeRemoval({ arg, cwd, recursive: true, filtered: false }, cwd, context);
    if (why !== undefined) return why;
  }
  return undefined;
}

function judgeRemoval(removal: Removal, cwd: string | undefined, context: AnalysisContext): string | undefined {
  const { facts } = context;
  const critical = context.catalogue.criticalPaths;
  const shape = shapeOf(removal.arg);
  if (shape === undefined) return undefined;
  if (!shape.text.startsWith('/') && cwd === undefined)
    return !removal.filtered && /^$|^\*$/.test(wholeOf(shape.text))
      ? 'everything in a folder that is not known'
      : undefined;
  const absolute = shape.text.startsWith('/')
    ? normalisePath(shape.text)
    : cwd === undefined
      ? undefined
      : normalisePath(`${cwd}/${shape.text}`);
  if (absolute === undefined) return undefined;
  const why =
    judgePath(absolute, shape.text.endsWith('/'), facts, critical) ?? judgeResolved(absolute, facts, critical);
  if (why === undefined) return undefined;
  if (removal.filtered && isOwnFolder(absolute, facts)) return undefined;
  if (!shape.emptied) return why;
  if (shape.assigned && !/^\/*(?:[*?.]+|)$/.test(shape.rest)) return undefined;
  return `${why} if \`${shape.variable ?? 'the variable'}\` is empty`;
}

/** Empty for the folder itself, a star for everything in it. */
function wholeOf(text: string): string {
  const rest = normalisePath(`/${text}`).slice(1);
  return matchesEverything(rest) ? '*' : rest;
}

/** A filter such as `find -name` keeps a clean-up below the project from being a removal of the project. */
function isOwnFolder(path: string, facts: Facts): boolean {
  if (facts.temporaryDirectories.includes(path)) return true;
  return path !== facts.home && (path === facts.cwd || path === facts.workspace || path.startsWith(`${facts.home}/`));
}

function judgePath(path: string, _slash: boolean, facts: Facts, critical: CriticalPaths): string | undefined {
  const slash = path.lastIndexOf('/');
  const last = path.slice(slash + 1);
  const folder = path.slice(0, slash) || '/';
  if (matchesEverything(last)) {
    const why = findCritical(folder, facts, critical) ?? findEmptied(folder, facts);
    return why === undefined ? undefined : `everything in ${why}`;
  }
  if (!/[*?[]/.test(path)) return findCritical(path, facts, critical);
  // A glob is critical when one of the places it could name is.
  const places = new Set([
    ...critical.paths,
    ...ancestorsOf(facts.home),
    ...ancestorsOf(facts.cwd),
    ...ancestorsOf(facts.workspace ?? '/'),
  ]);
  for (const place of places) {
    if (place === '/') continue;
    if (segmentsMatch(path, place)) return findCritical(place, facts, critical);
  }
  return critical.parents.has(folder) && !/[*?[]/.test(folder) ? findCritical(path, facts, critical) : undefined;
}

function judgeResolved(path: string, facts: Facts, critical: CriticalPaths): string | undefined {
  const fact = facts.paths.get(path);
  // Removing a link removes the link, not what it leads to.
  if (fact === undefined || fact.kind === 'link' || fact.resolved === path) return undefined;
  return findCritical(fact.resolved, facts, critical);
}

function segmentsMatch(pattern: string, path: string): boolean {
  const left = pattern.split('/');
  const right = path.split('/');
  return left.length === right.length && left.every((segment, index) => globMatches(segment, right[index] ?? ''));
}

function ancestorsOf(path: string): readonly string[] {
  const out: string[] = [];
  for (let at = path; at !== '' && at !== '/'; at = at.slice(0, at.lastIndexOf('/'))) out.push(at);
  return out;
}

interface Shape {
  readonly text: string;
  /** Some variable was taken to be empty. */
  readonly emptied: boolean;
  /** All of these got a value in the text, though not a known one. */
  readonly assigned: boolean;
  readonly variable: string | undefined;
  /** What follows the last such variable. */
  readonly rest: string;
}

/** The argument with every unknown value taken for empty; undefined when nothing would be left to remove. */
function shapeOf(arg: Arg): Shape | undefined {
  if (arg.text !== undefined)
    return arg.text === ''
      ? undefined
      : { text: arg.text, emptied: false, assigned: false, variable: undefined, rest: '' };
  let text = '';
  let rest = '';
  let emptied = false;
  let assigned = true;
  let variable: string | undefined;
  for (const piece of arg.pieces) {
    const part = pieceText(piece);
    text += part;
    rest += part;
    if (piece.kind !== 'value' || !piece.empty) continue;
    emptied = true;
    assigned &&= piece.assigned;
    variable = piece.variable ?? variable;
    rest = '';
  }
  return text === ''
    ? undefined
    : { text, emptied, assigned, variable: variable === undefined ? undefined : `$${variable}`, rest };
}

/** A value that cannot be empty stands for some name of its own. */
function pieceText(piece: Piece): string {
  if (piece.kind === 'known' || piece.kind === 'glob') return piece.text;
  if (piece.kind === 'number') return '1';
  if (piece.kind === 'place') return piece.free ? '/dev/fd/63' : '/';
  return piece.empty ? '' : 'x';
}
