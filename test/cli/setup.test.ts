// The set-up scripts in a small checkout of their own, with stand-ins for npm, the build and the package manager.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';

const tools = ['sh', 'cat', 'mkdir', 'readlink', 'dirname', 'uname', 'flock', 'find', 'rm', 'sleep', 'touch', 'true'];

class Checkout {
  readonly base = mkdtempSync('/var/tmp/sbx-setup-');
  readonly root = path.join(this.base, 'a check out');
  readonly bin = path.join(this.base, 'bin');

  constructor() {
    for (const folder of ['scripts', 'client', 'daemon', 'policies'])
      mkdirSync(path.join(this.root, folder), { recursive: true });
    for (const name of ['sbx', 'sbxd', 'prepare.sh', 'setup']) {
      copyFileSync(path.join(findPackageRoot(), 'scripts', name), path.join(this.root, 'scripts', name));
    }
    for (const file of ['package.json', 'package-lock.json', 'client/a.ts', 'daemon/b.ts', 'policies/c.json'])
      this.write(file, '{}');
    const program =
      "process.stdout.write('program ' + process.argv.slice(2).join(' '));process.stdin.pipe(process.stdout)";
    this.write(
      'scripts/build.mjs',
      `import fs from 'node:fs'; console.log('build says'); fs.appendFileSync('log', 'build\\n'); fs.mkdirSync('dist', { recursive: true });
       fs.writeFileSync('dist/sbx.cjs', ${JSON.stringify(program)}); fs.writeFileSync('dist/build-id', 'x');`,
    );
    mkdirSync(this.bin);
    for (const tool of tools) {
      symlinkSync(
        spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim(),
        path.join(this.bin, tool),
      );
    }
    symlinkSync(process.execPath, path.join(this.bin, 'node'));
    this.tool('id', 'echo 1000');
    this.tool('bwrap', 'exit 0');
    this.tool(
      'npm',
      'echo npm says; sleep 0.2; echo "npm $1" >> log; mkdir -p node_modules; echo {} > node_modules/.package-lock.json',
    );
  }

  write(file: string, text: string): void {
    writeFileSync(path.join(this.root, file), text);
  }

  tool(name: string, script: string): void {
    writeFileSync(path.join(this.bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(this.bin, name), 0o755);
  }

  #clock = Date.now();

  /** As if written after everything that is there; some shells compare whole seconds. */
  touch(file: string): void {
    this.#clock += 2000;
    const later = new Date(this.#clock);
    utimesSync(path.join(this.root, file), later, later);
  }

  /** What the stand-ins did since the last look. */
  done(): string[] {
    const log = path.join(this.root, 'log');
    if (!existsSync(log)) return [];
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    rmSync(log);
    return lines;
  }

  call(args: readonly string[] = ['run', 'x'], options: { file?: string; input?: string } = {}) {
    const { status, stdout, stderr } = spawnSync(options.file ?? path.join(this.root, 'scripts/sbx'), args, {
      cwd: '/',
      env: { PATH: this.bin },
      input: options.input ?? '',
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }
}

function withCheckout(name: string, body: (checkout: Checkout) => Promise<void> | void): void {
  test(name, async () => {
    const checkout = new Checkout();
    try {
      await body(checkout);
    } finally {
      rmSync(checkout.base, { recursive: true, force: true });
    }
  });
}

withCheckout("the first call sets up, the second does nothing; stdout and stdin are the command's", (checkout) => {
  const first = checkout.call(['run', 'x'], { input: 'and stdin' });
  assert.equal(first.stdout, 'program run xand stdin');
  assert.match(
    first.stderr,
    /sbx: set-up: installing packages[\s\S]*npm says[\s\S]*sbx: set-up: building[\s\S]*build says/,
  );
  assert.deepEqual(checkout.done(), ['npm ci', 'build']);
  const second = checkout.call();
  assert.deepEqual(second, { status: 0, stdout: 'program run x', stderr: '' });
  assert.deepEqual(checkout.done(), []);
});

withCheckout('what changed is brought up to date, and only that', (checkout) => {
  checkout.call();
  checkout.done();
  for (const file of ['client/a.ts', 'daemon', 'policies/c.json', 'scripts/build.mjs', 'package.json']) {
    checkout.touch(file);
    checkout.call();
    assert.deepEqual(checkout.done(), ['build'], file);
    checkout.touch('dist/build-id');
  }
  rmSync(path.join(checkout.root, 'node_modules'), { recursive: true });
  checkout.call();
  assert.deepEqual(checkout.done(), ['npm ci']);
  checkout.touch('package-lock.json');
  checkout.call();
  assert.deepEqual(checkout.done(), ['npm ci', 'build']);
});

withCheckout('through links, as npm link makes them', (checkout) => {
  symlinkSync(path.join(checkout.root, 'scripts/sbx'), path.join(checkout.base, 'one'));
  symlinkSync('one', path.join(checkout.base, 'two'));
  assert.equal(checkout.call(['run', 'y'], { file: path.join(checkout.base, 'two') }).stdout, 'program run y');
});

withCheckout('several at once set up once', async (checkout) => {
  const calls = Array.from({ length: 4 }, () => {
    const child = spawn(path.join(checkout.root, 'scripts/sbx'), ['run', 'x'], {
      env: { PATH: checkout.bin },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return new Promise<string>((resolve) => {
      let out = '';
      child.stdout.on('data', (bytes: Buffer) => {
        out += bytes.toString();
      });
      child.on('close', () => resolve(out));
    });
  });
  assert.deepEqual(
    await Promise.all(calls),
    Array.from({ length: 4 }, () => 'program run x'),
  );
  assert.deepEqual(checkout.done(), ['npm ci', 'build']);
});

withCheckout(
  'without bubblewrap and without rights the exact command is printed, and check still works',
  (checkout) => {
    rmSync(path.join(checkout.bin, 'bwrap'));
    checkout.tool('dnf', 'echo never >> log');
    const { status, stdout, stderr } = checkout.call();
    assert.equal(status, 125);
    assert.equal(stdout, '');
    assert.match(stderr, /^sbx: bubblewrap is missing; install it with: sudo dnf install -y bubblewrap\n$/m);
    assert.deepEqual(checkout.done(), []);
  },
);

withCheckout('as root bubblewrap is installed, with fresh package lists only when the old ones fail', (checkout) => {
  const bwrap = path.join(checkout.bin, 'bwrap');
  rmSync(bwrap);
  checkout.tool('id', 'echo 0');
  checkout.tool(
    'apt-get',
    `case "$*" in *update*) echo update >> log; touch updated;; *) echo install >> log; [ -e updated ] || exit 100; printf '#!/bin/sh\\n' > '${bwrap}';; esac`,
  );
  const { stderr } = checkout.call();
  assert.match(stderr, /installing bubblewrap \(apt-get .*install -y --no-install-recommends bubblewrap\)/);
  assert.deepEqual(checkout.done(), ['install', 'update', 'install', 'npm ci', 'build']);
});

withCheckout('a Node that is too old is one sentence', (checkout) => {
  rmSync(path.join(checkout.bin, 'node'));
  checkout.tool('node', 'echo 18.19.1');
  const { status, stderr } = checkout.call();
  assert.equal(status, 125);
  assert.equal(stderr, 'sbx: Node 18.19.1 is too old; install Node 20 or later\n');
});

withCheckout('no Node at all is one sentence', (checkout) => {
  rmSync(path.join(checkout.bin, 'node'));
  const { status, stderr } = checkout.call();
  assert.equal(status, 125);
  assert.equal(stderr, 'sbx: Node.js was not found on PATH; install Node 20 or later\n');
});

withCheckout('a failed build is 125 and is tried again', (checkout) => {
  checkout.write('scripts/build.mjs', 'process.exit(1)');
  assert.equal(checkout.call().status, 125);
  checkout.write(
    'scripts/build.mjs',
    "import fs from 'node:fs'; fs.mkdirSync('dist'); fs.writeFileSync('dist/sbx.cjs', ''); fs.writeFileSync('dist/build-id', '')",
  );
  assert.equal(checkout.call().status, 0);
});
