/** What a command sees and reaches of the machine around it: processes, sockets, names, descriptors, settings, clock. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { listProcesses, readArguments } from '../../daemon/platform/process-tree.ts';
import { describeInSession } from '../fixtures/describe-in-session.ts';
import { openPlace, run, waitForOutput } from '../fixtures/sandbox-session.ts';

function listen(server: net.Server, address: string | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => resolve());
  });
}

const connect = (file: string): string =>
  `perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => shift) or die "$!\\n"; print "connected\\n"' ${JSON.stringify(file)}`;

describeInSession('isolation', { timeout: 60_000 }, (here) => {
  test('runs as the owner of the workspace, with no capability and no way to one', async () => {
    const result = await here.run(
      'id -u; id -g; grep -E "^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):" /proc/self/status | tr -s "\\t" " "; su -c true 2>/dev/null || echo nosu',
    );
    const none = '0000000000000000';
    assert.equal(
      result.stdout,
      `${here.account.uid}\n${here.account.gid}\nCapInh: ${none}\nCapPrm: ${none}\nCapEff: ${none}\nCapBnd: ${none}\nCapAmb: ${none}\nNoNewPrivs: 1\nSeccomp: 2\nnosu\n`,
    );
    assert.equal(here.session.report.user, here.account.name);
    assert.equal(
      here.session.report.warnings.some((text) => text.includes('root')),
      here.account.uid === 0,
    );
  });

  test('no descriptor but 0, 1, 2', async () => {
    const leak = spawn('sleep', ['100'], { stdio: ['ignore', 'pipe', 'ignore'] });
    assert.equal((await here.run('ls /proc/self/fd | tr "\\n" " "')).stdout, '0 1 2 3 ');
    leak.kill();
  });

  test('no process of the host is seen or reached', async () => {
    const result = await here.run(
      `ls /proc | grep "^[0-9]" | tr "\\n" " "; kill -0 ${process.pid} 2>&1; ls /proc/1 | wc -l; cat /proc/1/environ /proc/1/cmdline 2>&1 | wc -l; ls /proc/1/fd 2>&1 | grep -c "No such"`,
    );
    assert.match(result.stdout, /^1 2 [0-9 ]*bash: line 1: kill: \(\d+\) - No such process\n0\n2\n1\n$/);
  });

  test('a command that patches or kills its init does not outlive the run', async () => {
    const marker = `${2000 + Math.floor(Math.random() * 1e6)}.75`;
    const command = `nohup setsid sleep ${marker} >/dev/null 2>&1 & kill -9 1; perl -e 'open(F, "+<", "/proc/1/mem") or print "no memory\\n"; my $r = syscall(${process.arch === 'x64' ? 101 : 117}, 0x4206, 1, 0, 0); print $r == 0 ? "seized\\n" : "not seized\\n"'`;
    const result = await here.run(command);
    assert.match(result.stdout, /no memory/);
    assert.equal(
      listProcesses().some((pid) => readArguments(pid).includes(marker)),
      false,
    );
  });

  test('sockets of the host: streams in the home and elsewhere, abstract ones, loopback', async () => {
    const inHome = path.join(here.place.home, 'agent.sock');
    const servers = [
      net.createServer((c) => c.end()),
      net.createServer((c) => c.end()),
      net.createServer((c) => c.end()),
    ] as const;
    await listen(servers[0], inHome);
    await listen(servers[1], `\0sbx-test-${process.pid}`);
    await listen(servers[2], { host: '127.0.0.1', port: 0 });
    chmodSync(inHome, 0o777);
    chownSync(inHome, here.account.uid, here.account.gid);
    const { port } = servers[2].address() as net.AddressInfo;
    const own = await openPlace(here.place);
    const result = await run(
      own,
      `${connect(inHome)}; perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); print connect(S, pack("S a*", 1, "\\0sbx-test-${process.pid}")) ? "connected\\n" : "refused\\n"'; : <>/dev/tcp/127.0.0.1/${port} || echo closed; cat /proc/net/unix | wc -l`,
    );
    assert.equal(result.stdout, 'refused\nclosed\n1\n');
    const mine = await run(
      own,
      `perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Local => "own.sock", Listen => 1) or die $!; if (!fork) { IO::Socket::UNIX->new(Peer => "own.sock") or die; exit } $s->accept and print "accepted\\n"; wait'; rm own.sock`,
    );
    assert.equal(mine.stdout, 'accepted\n', mine.stderr);
    await own.close();
    for (const server of servers) server.close();
  });

  test('a socket of the host inside the workspace blocks unix sockets, and the report says so', async () => {
    const inside = path.join(here.place.workspace, 'host.sock');
    const server = net.createServer((client) => client.end());
    await listen(server, inside);
    chownSync(inside, here.account.uid, here.account.gid);
    const own = await openPlace(here.place);
    const result = await run(
      own,
      `${connect(inside)}; perl -MSocket -e 'socketpair(A, B, AF_UNIX, SOCK_STREAM, 0) and print "pair\\n"'`,
    );
    assert.equal(result.stdout, 'pair\n');
    assert.match(result.stderr, /not supported/);
    assert.ok(own.report.warnings.some((text) => text.includes('host.sock')));
    await own.close();
    await new Promise((resolve) => server.close(resolve));
  });

  test('only loopback, and it works', async () => {
    const result = await here.run(
      'cat /proc/net/dev | grep -c :; : <>/dev/tcp/1.1.1.1/80 || echo unreachable; perl -MIO::Socket::INET -e \'IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1) and print "loopback\\n"\'',
    );
    assert.equal(result.stdout, '1\nunreachable\nloopback\n');
  });

  test('the clock, the host name and kernel settings', async () => {
    const before = readFileSync('/proc/sys/kernel/hostname', 'utf8');
    const result = await here.run(
      'hostname; date -s 2001-01-01 >/dev/null 2>&1 || echo clock; hostname x 2>/dev/null || echo name; for f in kernel/core_pattern kernel/hostname vm/drop_caches user/max_user_namespaces; do (echo 1 >/proc/sys/$f) 2>/dev/null && echo "wrote $f"; done; (echo b >/proc/sysrq-trigger) 2>/dev/null && echo wrote; cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | wc -c; date +%s',
    );
    const lines = result.stdout.trim().split('\n');
    assert.deepEqual(lines.slice(0, 4), ['sbx', 'clock', 'name', '0']);
    assert.ok(Math.abs(Number(lines[4]) - Date.now() / 1000) < 60);
    assert.equal(readFileSync('/proc/sys/kernel/hostname', 'utf8'), before);
  });

  test('user namespaces are closed', async () => {
    const result = await here.run(
      'unshare -U true 2>/dev/null || echo closed; bwrap --ro-bind / / true 2>/dev/null || echo closed',
    );
    assert.equal(result.stdout, 'closed\nclosed\n');
  });

  test('user namespaces that the policy opens show nothing more of the host', async () => {
    here.place.write(path.join(here.place.home, '.netrc'), 'secret');
    const open = await openPlace(here.place, { userNamespaces: 'open' });
    try {
      assert.equal(open.report.userns, 'open');
      const result = await run(
        open,
        `unshare -Urm bash -c 'umount -l ~/.netrc; umount -l "$HOME"; umount -l /; mount --bind / /mnt; mount --rbind / /tmp; cat ~/.netrc /mnt$HOME/.netrc /tmp$HOME/.netrc; echo x >/etc/made; mount -o remount,rw /; echo x >/etc/made; mount -t tmpfs none /mnt && echo mounted' 2>/dev/null`,
        { env: { HOME: here.place.home } },
      );
      // the kernel lets nobody map root into a namespace of its own without a capability that no command has
      assert.equal(result.stdout, here.account.uid === 0 ? '' : 'mounted\n');
    } finally {
      await open.close();
    }
  });

  test('System V and POSIX shared memory are the command’s own', async () => {
    await here.run('ipcmk -M 100 >/dev/null; echo x >/dev/shm/shared');
    assert.equal((await here.run('ipcs -m | grep -c 0x; ls /dev/shm')).stdout, '0\n');
    assert.equal(existsSync('/dev/shm/shared'), false);
  });

  test('the environment is exactly what was given, and bash runs nothing of it', async () => {
    const result = await here.run('env | sort', {
      env: { GREETING: 'a b "c"', 'odd-name': '1', HOME: '/nowhere' },
    });
    assert.equal(
      result.stdout,
      'GREETING=a b "c"\nHOME=/nowhere\nLC_ALL=C.UTF-8\nPATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin\nPWD=' +
        here.place.workspace +
        '\nSHLVL=1\n_=/usr/bin/env\nodd-name=1\n',
    );
    for (const name of ['BASH_ENV', 'SHELLOPTS', 'BASH_FUNC_ls%%', 'PS4', 'a=b', '']) {
      await assert.rejects(here.start('true', { env: { [name]: 'x' } }), { code: 'bad-environment' });
    }
    here.place.write(path.join(here.place.home, '.bashrc'), 'echo startup');
    here.place.write(path.join(here.place.home, '.bash_profile'), 'echo startup');
    assert.equal((await here.run('echo fine', { input: '' })).stdout, 'fine\n');
  });

  test('what the account keeps secret from other processes: arguments, environment and input', async () => {
    const started = await here.start('echo ready; sleep 100', { env: { SECRET_TEXT: 'sbx-secret-value' } });
    await waitForOutput(started, 'ready');
    const seen = listProcesses().flatMap((pid) => (pid === process.pid ? [] : readArguments(pid)));
    assert.equal(
      seen.some((text) => text.includes('sbx-secret-value')),
      false,
    );
    assert.ok(seen.some((text) => text.includes('echo ready; sleep 100')));
    started.stop(0);
    await started.exit;
  });

  test('files that are the machine administrator’s', async () => {
    const kernel = here.account.uid === 0 ? 'ls -A /sys/kernel /sys/module /sys/fs /sys/firmware | grep -v :' : ':';
    const result = await here.run(
      `cat /etc/shadow /etc/shadow- /etc/gshadow /etc/sudoers /etc/ssh/ssh_host_*_key 2>/dev/null | wc -c; ${kernel}; ls -A /etc/ssl/private 2>/dev/null; head -c 4 /etc/passwd`,
    );
    assert.equal(result.stdout.replace(/\n+/g, ' '), '0 root');
  });
});
