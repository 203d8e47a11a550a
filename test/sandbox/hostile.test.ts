/**
 * Attempts of a hostile program that no other file makes. Each stands beside an ordinary use that works, and each load is
 * bounded by itself. The page of threats lists all attempts, with the file that makes them.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readMountTable } from '../../daemon/platform/mount-table.ts';
import { loadSessionData } from '../../daemon/platform/session-data.ts';
import { findGroupParent, isGroupParent } from '../../daemon/sandbox/groups/group-parent.ts';
import {
  listTestAccounts,
  makePlace,
  openGuarded,
  openPlace,
  type Place,
  readAll,
  run,
  start,
  waitForOutput,
} from '../fixtures/sandbox-session.ts';

const mountLaterFlag = '--mount-later';
const isX64 = process.arch === 'x64';
const groups = findGroupParent();
const hasMemoryGroups = isGroupParent(groups) && groups.controllers.has('memory');

/** Opens a stream, a datagram and a sequenced-packet socket in the folder of the first argument. */
const serve =
  'my %s; for my $t (1, 2, 5) { my $f = "$ARGV[0]/$t.sock"; socket($s{$t}, AF_UNIX, $t, 0) or die; bind($s{$t}, pack_sockaddr_un($f)) or die $!; listen($s{$t}, 5) if $t != 2; chmod 0777, $f }';
/** Names the types of those sockets that it reaches. */
const call =
  'for my $t (1, 2, 5) { my $to = pack_sockaddr_un("$ARGV[0]/$t.sock"); socket(my $c, AF_UNIX, $t, 0) or next; print "$t " if $t == 2 ? send($c, "x", 0, $to) : connect($c, $to) }';

const ptrace = isX64 ? 101 : 117;
const held = `syscall(${ptrace}, 0x4207, 1, 0, 0); waitpid(1, 0x40000000); print "ready\\n"; sleep 100`;
const seize = `syscall(${ptrace}, 0x4206, 1, 0, 0) == 0 or print "refused\\n";`;
/** What a command does to the first process of its own pid namespace. */
const tamperings: readonly (readonly [what: string, program: string])[] = [
  ['seized and held', `${seize} ${held}`],
  ['attached to and held', `syscall(${ptrace}, 16, 1, 0, 0); waitpid(1, 0x40000000); print "ready\\n"; sleep 100`],
  [
    'held by a process in a session of its own',
    `if (fork) { sleep 100 } setsid; $SIG{TERM} = "IGNORE"; ${seize} ${held}`,
  ],
  ['stopped by signals', 'kill $_, 1 for qw(STOP TSTP TTIN); print "ready\\n"; sleep 100'],
  ...(isX64
    ? ([
        [
          'led to another instruction',
          `${seize} syscall(101, 0x4207, 1, 0, 0); waitpid(1, 0x40000000); syscall(101, 6, 1, 128, 0); syscall(101, 17, 1, 0, 0); $SIG{TERM} = "IGNORE"; print "ready\\n"; sleep 100`,
        ],
      ] as const)
    : []),
];

/** In a mount namespace whose mounts are all shared: what the host mounts after a session was opened. */
async function mountLater(uid: number, folder: string): Promise<void> {
  const account = listTestAccounts().find((candidate) => candidate.uid === uid);
  if (account === undefined) throw new Error('no such account');
  const at = (name: string): string => path.join(folder, name);
  const place = { account: { ...account, home: at('home') }, workspace: at('work'), staged: at('staged') } as Place;
  const mounts = readMountTable('self').length;
  const session = await openPlace(place);
  const read = 'cat ~/.ssh/id ~/later/key later/key /mnt/key ~/plain; : >made && echo made';
  const before = (await run(session, read)).stdout;
  const added = readMountTable('self').length - mounts;
  const running = await start(session, `read -r _; ${read}`, { stdin: 'stream' });
  for (const name of [at('home/.ssh'), at('home/later'), at('work/later'), '/mnt']) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=755', 'later', name]);
    execFileSync('sh', ['-c', 'echo SECRET | tee "$1/key" "$1/id"', 'sh', name]);
  }
  running.stdin?.end('\n');
  const during = (await readAll(running.stdout)).toString();
  await running.exit;
  const next = (await run(session, read)).stdout;
  await session.close();
  process.stdout.write(JSON.stringify({ before, during, next, added }));
}

function defineTests(): void {
  for (const account of listTestAccounts()) {
    describe(`hostile as ${account.name}`, { timeout: 120_000 }, () => {
      for (const [what, program] of tamperings) {
        test(`its own pid 1 ${what}: the run is stopped, and the session goes on`, async () => {
          const place = makePlace(account);
          const session = await openPlace(place);
          const started = await start(session, `exec perl -MPOSIX=setsid -e '$| = 1; ${program}'`);
          // an init that dies of it ends the run at once, which is as good
          await waitForOutput(started, 'ready').catch(() => undefined);
          started.stop(200);
          const late = new Promise<string>((resolve) => setTimeout(() => resolve('still running'), 8000).unref());
          assert.notEqual(await Promise.race([started.exit, late]), 'still running');
          await started.aftermath;
          assert.equal((await run(session, 'echo next')).stdout, 'next\n');
          await session.close();
          place.remove();
        });
      }

      test('sockets of the host in the home, streams, datagrams and packets, are out of reach; its own are not', async () => {
        const place = makePlace(account);
        const host = (): Promise<() => Promise<string>> =>
          new Promise((resolve, reject) => {
            const told = `${serve} $| = 1; print "ready\\n"; <STDIN>; for my $t (sort keys %s) { my $r = ""; vec($r, fileno($s{$t}), 1) = 1; print "$t " if select($r, undef, undef, 0) }`;
            const child = spawn('perl', ['-MSocket', '-e', told, place.home], { stdio: ['pipe', 'pipe', 'inherit'] });
            child.once('error', reject);
            let text = '';
            const end = new Promise<string>((done) => child.once('close', () => done(text.replace('ready\n', ''))));
            child.stdout.on('data', (chunk: Buffer) => {
              text += chunk.toString();
              if (!text.startsWith('ready')) return;
              for (const type of [1, 2, 5]) chownSync(path.join(place.home, `${type}.sock`), account.uid, account.gid);
              resolve(() => {
                child.stdin.end();
                return end;
              });
            });
          });
        const finish = await host();
        const session = await openPlace(place);
        assert.equal((await run(session, `perl -MSocket -e '${call}' ~`)).stdout, '');
        assert.equal((await run(session, `perl -MSocket -e '${serve} ${call}' /tmp`)).stdout, '1 2 5 ');
        await session.close();
        assert.equal(await finish(), '', 'nothing arrived');
        for (const type of [1, 2, 5]) execFileSync('rm', [path.join(place.home, `${type}.sock`)]);
        const again = await host();
        assert.equal(execFileSync('perl', ['-MSocket', '-e', call, place.home], { encoding: 'utf8' }), '1 2 5 ');
        assert.equal(await again(), '1 2 5 ', 'the same program reaches them from outside');
        place.remove();
      });

      test('raw sockets', async () => {
        const place = makePlace(account);
        const session = await openPlace(place);
        const open = (numbers: string): string => `socket(my $s, ${numbers}) ? "opened " : "refused " `;
        const all = ['2, 3, 1', '2, 3, 255', '10, 3, 58', '2, 2, 0', '10, 2, 0'].map(open).join(', ');
        assert.equal((await run(session, `perl -e 'print ${all}'`)).stdout, 'refused refused refused opened opened ');
        await session.close();
        place.remove();
      });

      test('a call of the 32 bit ABI kills the process', {
        skip: isX64 ? false : 'int 0x80 belongs to x86',
      }, async () => {
        const place = makePlace(account);
        const session = await openPlace(place);
        const machine = (code: string): string =>
          `python3 -c 'import ctypes, mmap
m = mmap.mmap(-1, 4096, prot=7); m.write(bytes.fromhex("${code}"))
print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))() > 0)'; echo "status $?"`;
        // getpid, by its number of each ABI
        assert.equal((await run(session, machine('b814000000cd80c3'))).stdout, 'status 159\n');
        assert.equal((await run(session, machine('b8270000000f05c3'))).stdout, 'True\nstatus 0\n');
        await session.close();
        place.remove();
      });

      test('a link that is turned round while it is written through leads out at no moment', async () => {
        const place = makePlace(account);
        place.write(path.join(place.home, 'target/f'), 'kept');
        place.write(path.join(place.workspace, 'inside/f'), 'old');
        const session = await openPlace(place);
        const race =
          'my $pid = fork; if (!$pid) { for (1..3000) { my $to = $_ % 2 ? "inside" : "$ENV{HOME}/target"; symlink $to, "l"; rename "l", "link" } exit } for (1..3000) { open(F, ">", "link/f") and print F "x"; close F; rename "inside/f", "link/g"; link "inside/f", "link/h" } waitpid $pid, 0; print "done"';
        const result = await run(session, `perl -e '${race}'; echo x >inside/last`);
        assert.equal(result.stdout, 'done', `${result.code} ${result.stderr}`);
        await session.close();
        assert.equal(readFileSync(path.join(place.home, 'target/f'), 'utf8'), 'kept');
        for (const name of ['g', 'h']) assert.equal(existsSync(path.join(place.home, 'target', name)), false);
        assert.equal(readFileSync(path.join(place.workspace, 'inside/last'), 'utf8'), 'x\n');
        place.remove();
      });

      test('renames and exchanges around a pinned file, raced against writes, change nothing of it', async () => {
        const place = makePlace(account);
        const at = (name: string): string => path.join(place.workspace, name);
        place.write(at('.vscode/settings.json'), 'kept');
        place.write(at('other/settings.json'), 'other');
        const session = await openPlace(place, { protectedPaths: ['.vscode/settings.json'] });
        const exchange = (a: string, b: string): string =>
          `syscall(${isX64 ? 316 : 276}, -100, my $a${a.length} = "${a}", -100, my $b${b.length} = "${b}", 2);`;
        const race = `my $pid = fork; if (!$pid) { for (1..3000) { rename ".vscode", "v"; rename "v", ".vscode"; rename "other", ".vscode"; ${exchange('.vscode', 'other')} } exit } for (1..3000) { open(F, ">", ".vscode/settings.json") and print F "x"; close F; ${exchange('other/settings.json', '.vscode/settings.json')} unlink ".vscode/settings.json" } waitpid $pid, 0; print "done"`;
        assert.equal((await run(session, `perl -e '${race}'; echo x >.vscode/new`)).stdout, 'done');
        await session.close();
        assert.equal(readFileSync(at('.vscode/settings.json'), 'utf8'), 'kept');
        assert.equal(readFileSync(at('.vscode/new'), 'utf8'), 'x\n');
        place.remove();
      });

      test('every protected path, present: it can be neither written, replaced, moved nor removed', async () => {
        const place = makePlace(account);
        const { protectedNames, protectedPaths } = loadSessionData();
        const paths = protectedPaths.filter((entry) => entry.path !== '.git');
        const files = paths.map((entry) => (entry.kind === 'file' ? entry.path : `${entry.path}/kept`));
        for (const file of files) place.write(path.join(place.workspace, file), 'kept');
        const session = await openPlace(place, { protectedPaths: protectedNames });
        const attempts = files
          .map((file, index) => ({ file, name: paths[index]?.path ?? file }))
          .map(
            ({ file, name }) =>
              `echo x >>'${file}'; truncate -s 0 '${file}'; cp /etc/hostname new; mv -fT new '${file}'; ln -f free '${file}'; mv -T '${name}' moved; rm -rf '${name}'`,
          );
        const result = await run(session, `echo x >free; { ${attempts.join('; ')}; } 2>/dev/null; cat free`);
        assert.equal(result.stdout, 'x\n');
        await session.close();
        const changed = files.filter((file) => {
          const name = path.join(place.workspace, file);
          return !existsSync(name) || readFileSync(name, 'utf8') !== 'kept';
        });
        assert.deepEqual(changed, []);
        assert.ok(files.length > 20, `${files.length} names`);
        place.remove();
      });

      test('every protected path, absent: what is made there is put aside, what is beside it stays', async () => {
        const place = makePlace(account);
        const { protectedPaths } = loadSessionData();
        const files = protectedPaths
          .filter((entry) => entry.path !== '.git')
          .map((entry) => (entry.kind === 'file' ? entry.path : `${entry.path}/made`));
        const session = await openGuarded(place);
        const make = files.map((file) => `mkdir -p '${path.dirname(file)}'; echo x >'${file}'; cat '${file}'`);
        const result = await run(session, `${make.join('; ')}; echo x >free`);
        assert.equal(result.stdout, 'x\n'.repeat(files.length), result.stderr);
        assert.deepEqual(
          files.filter((file) => existsSync(path.join(place.workspace, file))),
          [],
          result.aftermath[0]?.message,
        );

        assert.equal(readFileSync(path.join(place.workspace, 'free'), 'utf8'), 'x\n');
        await session.close();
        place.remove();
      });

      test('memory beyond the limit ends the command, and what stays below works', {
        skip: hasMemoryGroups ? false : 'no control group of this machine limits memory',
      }, async () => {
        const place = makePlace(account);
        const session = await openPlace(place);
        const fill = (megabytes: number): string => `perl -e 'my $x = "x" x (${megabytes} << 20); print "filled"'`;
        const limits = { memoryBytes: 64 * 1024 ** 2 };
        const refused = await run(session, fill(300), { limits });
        assert.equal(refused.stdout, '');
        assert.notEqual(refused.code, 0);
        assert.equal((await run(session, fill(16), { limits })).stdout, 'filled');
        await session.close();
        place.remove();
      });

      if (process.getuid?.() === 0) {
        test('what the host mounts later, with all of its mounts shared, is not seen, and the host sees no mount of a session', () => {
          const place = makePlace(account, { home: 'home', workspace: 'work' }, '/srv');
          place.write(path.join(place.home, '.ssh/id'), 'SECRET');
          place.write(path.join(place.home, 'plain'), 'plain');
          for (const folder of [place.home, place.workspace]) mkdirSync(path.join(folder, 'later'));
          const file = fileURLToPath(import.meta.url);
          const said = execFileSync(
            'unshare',
            [
              ...['-m', '--propagation', 'private', 'sh', '-c', 'mount --make-rshared / && exec "$@"', 'sh'],
              ...[process.execPath, file, mountLaterFlag, String(account.uid), place.folder],
            ],
            // the runner's own variable would make this one report to it as a test
            { encoding: 'utf8', env: { ...process.env, NODE_TEST_CONTEXT: undefined }, timeout: 60_000 },
          );
          const seen = 'plainmade\n';
          assert.deepEqual(JSON.parse(said), { before: seen, during: seen, next: seen, added: 0 });
          place.remove();
        });
      }
    });
  }
}

if (process.argv[2] === mountLaterFlag) {
  const [uid = '', folder = ''] = process.argv.slice(3);
  await mountLater(Number(uid), folder);
} else {
  defineTests();
}
