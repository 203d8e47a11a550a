/**
 * What a command plants in a staged git folder never makes the host's git run, read or write anything else. Beside each
 * attempt the command makes an ordinary commit, which arrives.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { StagedRepository } from '../fixtures/staged-repository.ts';

interface Attempt {
  readonly name: string;
  readonly before?: string;
  /** `$MARK` is a command that leaves the marker, `$STARTUP` a file that a shell reads. */
  readonly attack: string;
  /** Before the ordinary commit, so that it can be part of it. */
  readonly first?: boolean;
  /** What is told. */
  readonly told: RegExp;
  readonly verify?: (repository: StagedRepository) => void;
  /** The commit does not arrive, because what it needs cannot be trusted. */
  readonly refused?: boolean;
}

const submodule =
  'git init -q ../lib; cd ../lib; echo l > l; git add .; git commit -qm l; cd ../work; git submodule --quiet add ../lib sub; git commit -qam sub';

const attempts: readonly Attempt[] = [
  {
    name: 'settings that run programs',
    attack: `for key in core.fsmonitor core.pager core.editor core.sshCommand diff.external alias.status credential.helper gpg.program core.askPass uploadpack.packObjectsHook remote.origin.uploadpack; do git config $key "$MARK"; done
      git config core.hooksPath /tmp; git config include.path /tmp/evil; git config filter.x.clean "$MARK"; git config filter.x.smudge "$MARK"; git config core.worktree /tmp
      git config remote.evil.url "ext::sh -c $MARK"; git config branch.main.remote evil; git config remote.origin.fetch +refs/heads/*:refs/heads/*`,
    told: /the command changed `core\.fsmonitor`/,
    verify: (repository) =>
      assert.doesNotMatch(
        readFileSync(path.join(repository.gitFolder, 'config'), 'utf8'),
        /marker|evil|filter|include/,
      ),
  },
  {
    name: 'a configuration in place of everything',
    attack:
      'rm .git/config; ln -s /tmp/evil .git/config; printf "[core]\\nfsmonitor = $MARK\\n" > .git/config.worktree',
    told: /config\.worktree.*git on the host would trust or run it/,
  },
  {
    name: 'hooks',
    attack:
      'for hook in pre-commit post-commit post-checkout reference-transaction post-index-change pre-auto-gc; do printf "#!/bin/sh\\n$MARK\\n" > .git/hooks/$hook; chmod +x .git/hooks/$hook; done',
    told: /hooks\/post-checkout, .*and 1 more: changed by the command and not taken over/,
    verify: (repository) => assert.ok(!existsSync(path.join(repository.gitFolder, 'hooks/pre-commit'))),
  },
  {
    name: 'attributes with filters, excludes, grafts, alternates and a common folder',
    attack:
      'echo "* filter=x diff=x" > .git/info/attributes; echo file > .git/info/exclude; echo x > .git/info/grafts; echo /tmp > .git/objects/info/alternates; echo /tmp > .git/commondir; mkdir -p .git/branches; echo x > .git/branches/x; mkdir .git/remotes; echo x > .git/remotes/origin',
    told: /commondir, info\/attributes.*: changed by the command/,
    verify: (repository) => assert.ok(!existsSync(path.join(repository.gitFolder, 'objects/info/alternates'))),
  },
  {
    name: 'links to a start-up file',
    attack:
      'for f in COMMIT_EDITMSG logs/HEAD logs/refs/heads/main ORIG_HEAD FETCH_HEAD MERGE_MSG description; do rm -f .git/$f; ln -s $STARTUP .git/$f; done; ln -s $STARTUP .git/index.lock; ln -s $STARTUP .git/refs/heads/link',
    told: /COMMIT_EDITMSG.*: not taken over/,
  },
  {
    name: 'folders that are links',
    attack:
      'mv .git/logs .git/old; ln -s $(dirname $STARTUP) .git/logs; ln -s $(dirname $STARTUP) .git/refs/remotes; ln -s $(dirname $STARTUP) .git/objects/ff; ln -s $(dirname $STARTUP) .git/rebase-merge; ln -s $(dirname $STARTUP) .git/modules; ln -s $(dirname $STARTUP) .git/worktrees',
    told: /refs\/remotes: not taken over, because it is no regular file/,
  },
  {
    name: 'named pipes and sockets wherever a file is read',
    attack: `mkdir -p .git/objects/aa .git/rebase-merge .git/worktrees/w .git/modules/m .git/lfs/objects/aa/bb
      for f in refs/heads/pipe ORIG_HEAD MERGE_HEAD packed-refs config info/exclude logs/refs/heads/pipe rebase-merge/git-rebase-todo worktrees/w/gitdir modules/m/HEAD modules/m/config shallow objects/aa/$(printf b%.0s $(seq 38)) objects/pack/pack-$(printf c%.0s $(seq 40)).pack objects/pack/pack-$(printf c%.0s $(seq 40)).idx hooks/pipe; do rm -f .git/$f; mkfifo .git/$f; done
      perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => ".git/refs/heads/socket", Listen => 1) or die'`,
    told: /refs\/heads\/pipe.*: not taken over, because it is no regular file/,
  },
  {
    name: 'references with values and names that lead elsewhere',
    attack:
      'cd .git/refs/heads; echo "ref: ../../../x" > up; echo "ref: refs/heads/../../config" > dots; echo garbage > garbage; echo $(printf 1%.0s $(seq 40)) > missing; : > empty; echo x > ".hidden"; git rev-parse HEAD | tee "a b" "a~1" "a^" "a:b" "a?" "a[" "a..b" $\'c\\nd\' $\'esc\\e[31m\' "at@{x" $\'\\xff\' x.lock >/dev/null; head -c 300M /dev/zero > huge',
    told: /refs\/heads\/missing|its object is missing/,
    verify: (repository) => assert.equal(repository.host('for-each-ref', '--format=%(refname)'), 'refs/heads/main'),
  },
  {
    name: 'a HEAD that leads elsewhere',
    attack: 'echo "ref: refs/../../x" > .git/HEAD',
    told: /HEAD: not taken over, because it holds neither/,
  },
  {
    name: 'packed references of 200 MB',
    attack: 'truncate -s 200M .git/packed-refs',
    told: /packed-refs has 209715200 bytes/,
  },
  {
    name: 'escape sequences in a log',
    attack:
      'h=$(git rev-parse HEAD); printf "$h $h A <a> 1 +0000\\t\\033]0;evil\\007\\n$h $h \\033[2J <a> 1 +0000\\tx\\nnonsense\\n" >> .git/logs/HEAD',
    told: /^$/,
    verify: (repository) => {
      const log = readFileSync(path.join(repository.gitFolder, 'logs/HEAD'), 'latin1');
      assert.doesNotMatch(log, /[\x00-\x08\x0b-\x1f]|nonsense/);
      assert.match(log, /\]0;evil/);
    },
  },
  {
    name: 'another content under the name of an object',
    attack: `old=$(git rev-parse HEAD~1:file); new=$(echo evil | git hash-object -w --stdin); f=.git/objects/\${old:0:2}/\${old:2}; rm -f $f; cp .git/objects/\${new:0:2}/\${new:2} $f
      mkdir -p .git/objects/12; cp .git/objects/\${new:0:2}/\${new:2} .git/objects/12/$(printf 3%.0s $(seq 38)); printf '\\0' > .git/objects/12/$(printf 4%.0s $(seq 38))`,
    told: /12\/3333.*not taken over, because its content is not the object of that name/,
    verify: (repository) => assert.equal(repository.host('cat-file', 'blob', 'HEAD~1:file'), 'one'),
  },
  {
    name: 'objects that unpack to much more',
    attack: `mkdir -p .git/objects/aa; python=$(command -v perl); $python -e 'use Compress::Zlib; my ($d) = deflateInit(-Level => 9); my $z = "\\0" x 1048576; my $o = ""; for (1..150) { my ($p) = $d->deflate($z); $o .= $p } my ($p) = $d->flush; $o .= $p; for my $i (10..29) { open F, ">", ".git/objects/aa/" . ($i x 19); print F $o; close F }'`,
    told: /takes more work/,
    refused: true,
  },
  {
    name: 'very deep folders and very many files',
    attack:
      'deep=$(printf d/%.0s $(seq 1000)); for top in refs logs/refs hooks odd; do mkdir -p .git/$top/$deep; echo x > .git/$top/${deep}x; done; cd .git/refs; for i in $(seq 3000); do echo x > f$i; done',
    told: /too deep|too long/,
  },
  {
    name: 'an index of a pack with holes',
    attack:
      'p=.git/objects/pack/pack-$(printf c%.0s $(seq 40)); cp /dev/null $p.pack; printf "\\377tOc\\0\\0\\0\\2" > $p.idx; for i in $(seq 256); do printf "\\377\\377\\377\\377"; done >> $p.idx; truncate -s 120G $p.idx',
    told: /it has no index that can be read/,
  },
  {
    name: 'a nested repository that the index names',
    attack:
      'git init -q evil; cd evil; git commit -q --allow-empty -m evil; git config core.fsmonitor "$MARK"; git config core.hooksPath .; cd ..; git add evil',
    first: true,
    told: /not taken into the index as a submodule/,
  },
  {
    name: 'a worktree that leads elsewhere',
    attack:
      'for n in a b c; do mkdir -p .git/worktrees/$n; cp .git/HEAD .git/worktrees/$n; echo ../.. > .git/worktrees/$n/commondir; done; echo /tmp/evil/.git > .git/worktrees/a/gitdir; echo $PWD/sub/.git > .git/worktrees/b/gitdir; mkdir sub; echo "gitdir: /tmp/x" > sub/.git; echo ../../../../.git > .git/worktrees/c/gitdir',
    told: /the worktree is not taken over, because .* is not in the workspace/,
    verify: (repository) => assert.ok(!existsSync(path.join(repository.gitFolder, 'worktrees/a'))),
  },
  {
    name: 'settings and hooks of a submodule',
    before: submodule,
    attack:
      'git -C sub config core.fsmonitor "$MARK"; git -C sub config core.hooksPath .; printf "#!/bin/sh\\n$MARK\\n" > .git/modules/sub/hooks/post-checkout; chmod +x .git/modules/sub/hooks/post-checkout; echo "* filter=x" > .git/modules/sub/info/attributes; echo y > sub/l',
    told: /modules\/sub\/hooks\/post-checkout/,
    verify: (repository) => assert.equal(repository.host('status', '--porcelain', 'sub'), 'M sub'),
  },
  {
    name: 'a submodule made with settings that run programs',
    before: 'git init -q ../lib; cd ../lib; echo l > l; git add .; git commit -qm l; cd ../work',
    attack:
      'git submodule --quiet add ../lib sub; for k in core.fsmonitor core.sshCommand core.pager diff.external remote.origin.uploadpack; do git -C sub config $k "$MARK"; done; git -C sub config remote.origin.url "ext::sh -c $MARK"; printf "#!/bin/sh\\n$MARK\\n" > .git/modules/sub/hooks/post-checkout; chmod +x .git/modules/sub/hooks/post-checkout',
    first: true,
    told: /modules\/sub\/hooks\/post-checkout/,
    verify: (repository) => {
      assert.equal(repository.shell('git -C sub log --format=%s; git -C sub status --porcelain'), 'l');
      assert.doesNotMatch(readFileSync(path.join(repository.gitFolder, 'modules/sub/config'), 'utf8'), /marker|ext::/);
    },
  },
  {
    name: 'a rebase that would run programs',
    attack:
      'git rebase -q -x false HEAD~1 || true; echo "exec $MARK" >> .git/rebase-merge/git-rebase-todo; echo "../../evil" > .git/rebase-merge/strategy; echo "GIT_AUTHOR_NAME=$($MARK)" > .git/rebase-merge/author-script',
    told: /runs `exec .*` when it goes on(.|\n)*because it names a program as merge strategy/,
    verify: (repository) => repository.shell('rm -rf .git/rebase-merge; git checkout -q main'),
  },
  {
    name: 'objects that stand in for others',
    attack: 'evil=$(git commit-tree -m evil HEAD^{tree}); git replace HEAD~1 $evil',
    told: /the command made git show other objects/,
    verify: (repository) => repository.shell('git replace -d $(git replace -l) >/dev/null'),
  },
  {
    name: 'an index that reads another file and trusts what it was told',
    attack: 'git config core.fsmonitor true; git update-index --split-index --untracked-cache',
    told: /the command's index cannot be used: it is split over two files/,
    refused: true,
  },
];

for (const { name, before, attack, first, told, verify, refused = false } of attempts) {
  test(`hostile: ${name}`, { timeout: 60_000 }, async (t) => {
    const repository = new StagedRepository();
    t.after(() => repository.remove());
    if (before !== undefined) repository.shell(before);
    repository.settle();
    const startup = path.join(repository.folder, 'home', '.bashrc');
    writeFileSync(startup, 'untouched\n');
    const honest = 'echo honest > honest; git add honest; git commit -qm honest';
    const steps = first === true ? [`(${attack}\n)`, honest] : [honest, `(${attack}\n)`];
    const run = repository.stage(
      `MARK="touch ${repository.marker}"; STARTUP=${startup}; set +e; ${steps.join('\n')}\nrm -f ${repository.marker}; true`,
    );
    t.after(() => run.base.close());
    const report = await repository.merge(run);
    assert.match(report.notes.map(({ message }) => message).join('\n'), told);
    assert.ok(report.notes.length <= 30, `${report.notes.length} remarks`);
    for (const { message, target } of report.notes) assert.doesNotMatch(message + target, /[\x00-\x1f\x7f]/);
    assert.equal(repository.host('log', '-1', '--format=%s', 'main'), refused ? 'one' : 'honest');
    verify?.(repository);
    repository.useEverything();
    assert.equal(repository.check(), '');
    assert.equal(existsSync(repository.marker), false, 'the host ran what the command planted');
    assert.equal(readFileSync(startup, 'utf8'), 'untouched\n');
  });
}

test('the marker of these tests is left by what the host runs itself', (t) => {
  const repository = new StagedRepository();
  t.after(() => repository.remove());
  repository.host('config', 'core.fsmonitor', `touch ${repository.marker};`);
  repository.host('status');
  assert.equal(existsSync(repository.marker), true);
});

test('hostile: a pack whose index lies', async (t) => {
  const repository = new StagedRepository();
  t.after(() => repository.remove());
  const old = repository.host('rev-parse', 'HEAD:file');
  repository.settle();
  const run =
    repository.stage(`h=$(echo evil | git hash-object -w --stdin); echo $h | git pack-objects -q .git/objects/pack/pack; rm .git/objects/\${h:0:2}/*
    h=$(echo good | git hash-object -w --stdin); echo $h | git pack-objects -q .git/objects/pack/pack; rm .git/objects/\${h:0:2}/*; echo $h`);
  t.after(() => run.base.close());
  const [evil = '', good = '', object = ''] = run.output.split('\n');
  const packs = path.join(run.upper, 'objects/pack');
  const lie = (name: string, asPack: string): void => {
    const index = readFileSync(path.join(packs, `pack-${evil}.idx`));
    const first = Number.parseInt(name.slice(0, 2), 16);
    for (let byte = 0; byte < 256; byte++) index.writeUInt32BE(byte >= first ? 1 : 0, 8 + 4 * byte);
    index.write(name, 8 + 1024, 'hex');
    createHash('sha1')
      .update(index.subarray(0, -20))
      .digest()
      .copy(index, index.length - 20);
    writeFileSync(path.join(packs, `pack-${asPack}.idx`), index);
    copyFileSync(path.join(packs, `pack-${evil}.pack`), path.join(packs, `pack-${asPack}.pack`));
  };
  const invented = `${old.slice(0, 2)}${'0'.repeat(38)}`;
  lie(old, 'aa');
  lie(invented, 'bb');
  const report = await repository.merge(run);
  assert.match(report.notes[0]?.message ?? '', new RegExp(`${invented}: not taken over from a pack`));
  assert.equal(repository.host('cat-file', 'blob', old), 'one');
  assert.throws(() => repository.host('cat-file', '-e', invented));
  // the honest pack beside it
  assert.ok(good !== '');
  assert.equal(repository.host('cat-file', 'blob', object), 'good');
  assert.equal(repository.shell('ls .git/objects/pack'), '');
  assert.equal(repository.check(), '');
});
