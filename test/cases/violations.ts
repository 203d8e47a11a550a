/**
 * What programs print when a sandbox refuses them something, and what is made of it: the path that is named, or nothing.
 * The home is `/home/ann`, the workspace `/home/ann/work`; `logs` and `odd dir` exist beside it and are read-only.
 */

/** `undefined`: nothing may be said. */
export type ViolationRow = readonly [what: string, text: string, target: string | undefined];

const logs = '/home/ann/logs';
const x = `${logs}/x`;
const old = `${logs}/old.log`;

/** A write to a read-only place outside the workspace. Printed by the programs themselves unless marked. */
export const writes: readonly ViolationRow[] = [
  ['touch', `touch: cannot touch '${x}': Read-only file system`, x],
  [
    'a quote in the name',
    `touch: cannot touch "/home/ann/odd dir/it's": Read-only file system`,
    "/home/ann/odd dir/it's",
  ],
  [
    'a line end in the name',
    `touch: cannot touch '/home/ann/odd dir/new'$'\\n''line2': Read-only file system`,
    '/home/ann/odd dir/new\nline2',
  ],
  [
    'a colon in the name',
    "touch: cannot touch '/home/ann/odd dir/ünï new:x': Read-only file system",
    '/home/ann/odd dir/ünï new:x',
  ],
  [
    'an escape sequence in the name',
    `rm: cannot remove '${logs}/'$'\\033''[31mred': Read-only file system`,
    `${logs}/\x1b[31mred`,
  ],
  ['both quotes in the name', `rm: cannot remove '${logs}/a'\\''b"c': Read-only file system`, `${logs}/a'b"c`],
  ['mkdir', `mkdir: cannot create directory ‘${x}’: Read-only file system`, x],
  [
    'mkdir -p stops at the first folder',
    'mkdir: cannot create directory ‘/home/ann/.foo’: Read-only file system',
    '/home/ann/.foo',
  ],
  ['rm', `rm: cannot remove '${old}': Read-only file system`, old],
  ['rmdir', `rmdir: failed to remove '${logs}': Read-only file system`, logs],
  ['cp', `cp: cannot create regular file '${x}': Read-only file system`, x],
  ['cp -r', `cp: cannot create directory '${logs}/copy': Read-only file system`, `${logs}/copy`],
  ['mv into it', `mv: inter-device move failed: 'a.c' to '${x}'; unable to remove target: Read-only file system`, x],
  ['mv within it', `mv: cannot move '${old}' to '${x}': Read-only file system`, x],
  ['ln -s', `ln: failed to create symbolic link '${x}': Read-only file system`, x],
  ['ln', `ln: failed to create hard link '${x}': Read-only file system`, x],
  ['a redirection of bash', `bash: line 1: ${x}: Read-only file system`, x],
  ['a redirection with blanks', 'bash: line 1: /home/ann/odd dir/a b: Read-only file system', '/home/ann/odd dir/a b'],
  ['a redirection of dash', `/bin/sh: 1: cannot create ${x}: Read-only file system`, x],
  ['a redirection of zsh', `zsh:1: read-only file system: ${x}`, x],
  ['a redirection of fish', `warning: An error occurred while redirecting file '${x}'\nopen: Read-only file system`, x],
  ['busybox', `touch: ${x}: Read-only file system`, x],
  ['busybox mkdir', `mkdir: can't create directory '${x}': Read-only file system`, x],
  ['tee', `tee: ${x}: Read-only file system`, x],
  ['dd', `dd: failed to open '${x}': Read-only file system`, x],
  ['sed -i', `sed: couldn't open temporary file ${logs}/sedIbxViU: Read-only file system`, `${logs}/sedIbxViU`],
  ['install', `install: cannot create regular file '${x}': Read-only file system`, x],
  ['chmod', `chmod: changing permissions of '${old}': Read-only file system`, old],
  ['truncate', `truncate: cannot open '${old}' for writing: Read-only file system`, old],
  [
    'tar c',
    `tar: ${logs}/x.tar: Cannot open: Read-only file system\ntar: Error is not recoverable: exiting now`,
    `${logs}/x.tar`,
  ],
  ['unzip', `error:  cannot create ${x}\n        Read-only file system`, x],
  ['gzip', `gzip: ${old}.gz: Read-only file system`, `${old}.gz`],
  ['wget', `${x}: Read-only file system`, x],
  [
    'curl',
    `Warning: Failed to open the file ${x}: Read-only file system\ncurl: (23) client returned ERROR on write, 0 bytes`,
    x,
  ],
  ['find -delete', `find: cannot delete ‘${old}’: Read-only file system`, old],
  [
    'mktemp',
    `mktemp: failed to create file via template ‘${logs}/tmp.XXXXXXXXXX’: Read-only file system`,
    `${logs}/tmp.XXXXXXXXXX`,
  ],
  ['sort -o', `sort: open failed: ${old}: Read-only file system`, old],
  ['split', `split: ${logs}/saa: Read-only file system`, `${logs}/saa`],
  ['flock', `flock: cannot open lock file ${logs}/lock: Read-only file system`, `${logs}/lock`],
  [
    'rsync',
    `rsync: [receiver] mkstemp "${logs}/.a.c.3vv5lL" failed: Read-only file system (30)\nrsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1394) [sender=3.5.0]`,
    `${logs}/.a.c.3vv5lL`,
  ],
  ['patch', `patch: **** Can't create temporary file ${old}.o13mzCm : Read-only file system`, `${old}.o13mzCm`],
  ['vim', `"${x}" E212: Can't open file for writing`, x],
  [
    'openssl',
    `Can't open "${x}" for writing, Read-only file system\n40E75AE1457F0000:error:8000001E:system library:BIO_new_file:Read-only file system:../crypto/bio/bss_file.c:67:calling fopen(${x}, wb)`,
    x,
  ],
  ['ssh-keygen', `Saving key "${x}" failed: Read-only file system`, x],
  [
    'ld',
    `/usr/bin/ld: cannot open output file ${x}: Read-only file system\ncollect2: error: ld returned 1 exit status`,
    x,
  ],
  ['as', `Assembler messages:\nFatal error: can't create ${x}: Read-only file system`, x],
  ['cc1', `a.c:1:1: fatal error: opening output file ${x}: Read-only file system\ncompilation terminated.`, x],
  ['clang', `error: unable to open output file '${x}': 'Read-only file system'`, x],
  [
    'make',
    `echo x > ${x}\n/bin/sh: 1: cannot create ${x}: Read-only file system\nmake: *** [Makefile:2: all] Error 2`,
    x,
  ],
  [
    'cmake, path after the reason',
    `CMake Error at CMakeLists.txt:3 (file):\n  file failed to open for writing (Read-only file system):\n\n    ${x}\n\n\n-- Configuring incomplete, errors occurred!`,
    x,
  ],
  [
    'cmake -B',
    `CMake Error: Unable to (re)create the private pkgRedirects directory:\n${logs}/build/CMakeFiles/pkgRedirects`,
    `${logs}/build/CMakeFiles/pkgRedirects`,
  ],
  ['ninja', `ninja: error: opening build log: ${x}: Read-only file system`, x],
  ['git clone', `fatal: could not create work tree dir '${logs}/clone': Read-only file system`, `${logs}/clone`],
  ['git init', `fatal: cannot mkdir ${logs}/r: Read-only file system`, `${logs}/r`],
  [
    'git worktree',
    `Preparing worktree (new branch 'wt')\nfatal: could not create leading directories of '${logs}/wt/.git': Read-only file system`,
    `${logs}/wt/.git`,
  ],
  [
    'git config --global',
    'error: could not lock config file /home/ann/.gitconfig: Read-only file system',
    '/home/ann/.gitconfig',
  ],
  [
    'git index.lock',
    `fatal: Unable to create '${logs}/r/.git/index.lock': Read-only file system`,
    `${logs}/r/.git/index.lock`,
  ],
  [
    'python open',
    `Traceback (most recent call last):\n  File "<string>", line 1, in <module>\nOSError: [Errno 30] Read-only file system: '${x}'`,
    x,
  ],
  [
    'python, escaped name',
    `OSError: [Errno 30] Read-only file system: "/home/ann/odd dir/it's\\n"`,
    "/home/ann/odd dir/it's\n",
  ],
  [
    'python, bytes that are no text',
    `OSError: [Errno 30] Read-only file system: '${logs}/caf\\xc3\\xa9'`,
    `${logs}/café`,
  ],
  ['python rename', `OSError: [Errno 30] Read-only file system: '${old}' -> '${logs}/b'`, old],
  [
    'python through pathlib',
    `  File "/usr/lib/python3.11/pathlib.py", line 1044, in open\n    return io.open(self, mode, buffering, encoding, errors, newline)\nOSError: [Errno 30] Read-only file system: '${x}'`,
    x,
  ],
  ['venv', `Error: [Errno 30] Read-only file system: '${logs}/venv'`, `${logs}/venv`],
  [
    'pip install',
    "ERROR: Could not install packages due to an OSError: [Errno 30] Read-only file system: '/home/ann/.local/lib/python3.11'\n",
    '/home/ann/.local/lib/python3.11',
  ],
  [
    'pip cache',
    "WARNING: The directory '/home/ann/.pipcache' or its parent directory is not owned or is not writable by the current user.",
    '/home/ann/.pipcache',
  ],
  [
    'node',
    `node:fs:2368\n    return binding.writeFileUtf8(\n\nError: EROFS: read-only file system, open '${x}'\n    at Object.openSync (node:fs:581:18) {\n  errno: -30,\n  code: 'EROFS',\n  syscall: 'open',\n  path: '${x}'\n}\n\nNode.js v20.20.2`,
    x,
  ],
  [
    'node, only the end of it',
    `    at node:internal/main/eval_string:51:3 {\n  errno: -30,\n  code: 'EROFS',\n  syscall: 'open',\n  path: '${x}'\n}\n\nNode.js v20.20.2`,
    x,
  ],
  ['node rename', `Error: EROFS: read-only file system, rename '${old}' -> '${logs}/y'`, old],
  [
    'node, promise',
    `[Error: EROFS: read-only file system, rmdir '${logs}'] {\n  errno: -30,\n  code: 'EROFS',\n  syscall: 'rmdir',\n  path: '${logs}'\n}`,
    logs,
  ],
  ['node, mkdir told as missing', "Error: ENOENT: no such file or directory, mkdir '/home/ann/.npm'", '/home/ann/.npm'],
  [
    'bun',
    `EROFS: read-only file system, open '${x}'\n path: "${x}",\n syscall: "open",\n errno: -30,\n code: "EROFS"`,
    x,
  ],
  ['deno', `error: Uncaught (in promise) Error: Read-only file system (os error 30): open '${x}'`, x],
  [
    'npm, block of lines',
    "npm error code EROFS\nnpm error syscall mkdir\nnpm error path /home/ann/.npm-global/lib\nnpm error errno -30\nnpm error rofs EROFS: read-only file system, mkdir '/home/ann/.npm-global/lib'\nnpm error rofs Often virtualized file systems, or other file systems\nnpm error rofs that don't support symlinks, give this error.",
    '/home/ann/.npm-global/lib',
  ],
  [
    'npm ERR! of older ones',
    'npm ERR! code EROFS\nnpm ERR! syscall open\nnpm ERR! path /home/ann/.npm/_cacache/tmp/1\nnpm ERR! errno -30',
    '/home/ann/.npm/_cacache/tmp/1',
  ],
  [
    'npm logs',
    'npm error Log files were not written due to an error writing to the directory: /home/ann/.npm/_logs',
    '/home/ann/.npm/_logs',
  ],
  [
    'npm --json',
    `{\n  "error": {\n    "code": "EROFS",\n    "summary": "EROFS: read-only file system, mkdir '${x}'"\n  }\n}`,
    x,
  ],
  ['pnpm', `ERR_PNPM_EROFS  EROFS: read-only file system, mkdir '${logs}/store'`, `${logs}/store`],
  ['yarn', `error An unexpected error occurred: "EROFS: read-only file system, mkdir '${logs}/yarn'".`, `${logs}/yarn`],
  ['yarn berry', `Internal Error: EROFS: read-only file system, mkdir '${logs}/berry'`, `${logs}/berry`],
  [
    'cargo, chain of causes',
    `error: failed to create package \`c\` at \`${logs}/c\`\n\nCaused by:\n  failed to create directory \`${logs}/c\`\n\nCaused by:\n  Read-only file system (os error 30)`,
    `${logs}/c`,
  ],
  [
    'rustc',
    `error: couldn't create a temp dir: Read-only file system (os error 30) at path "${logs}/rmetaVc3Al0"`,
    `${logs}/rmetaVc3Al0`,
  ],
  [
    'a rust panic',
    `thread 'main' panicked at src/main.rs:2:34:\ncalled \`Result::unwrap()\` on an \`Err\` value: Os { code: 30, kind: ReadOnlyFilesystem, message: "Read-only file system" }`,
    undefined,
  ],
  [
    'uv',
    `error: Failed to initialize cache at \`${logs}/uv\`\n  Caused by: failed to open file \`${logs}/uv/CACHEDIR.TAG\`: Read-only file system (os error 30)`,
    `${logs}/uv/CACHEDIR.TAG`,
  ],
  ['go', `open ${x}: read-only file system`, x],
  ['go build', `go: creating work dir: mkdir ${logs}/go-build123: read-only file system`, `${logs}/go-build123`],
  ['go module cache', 'go: could not create module cache: mkdir /home/ann/go: read-only file system', '/home/ann/go'],
  [
    'go panic',
    `panic: open ${x}: read-only file system\n\ngoroutine 1 [running]:\nmain.main()\n\t/home/ann/work/main.go:9 +0x85`,
    x,
  ],
  ['kubectl', `error: open ${logs}/kc.lock: read-only file system`, `${logs}/kc.lock`],
  ['perl', `cannot open ${x}: Read-only file system at -e line 1.`, x],
  ['perl mkdir', `mkdir ${logs}/a: Read-only file system at -e line 1.`, `${logs}/a`],
  ['ruby', `-e:1:in \`initialize': Read-only file system @ rb_sysopen - ${x} (Errno::EROFS)`, x],
  [
    'ruby mkdir',
    `<internal:dir>:1:in \`mkdir': Read-only file system @ dir_s_mkdir - ${logs}/d (Errno::EROFS)`,
    `${logs}/d`,
  ],
  [
    'bundler',
    `There was an error while trying to write to \`${logs}/Gemfile.lock\`. It is likely that\nyou need to grant write permissions for that path.`,
    undefined,
  ],
  [
    'php',
    `PHP Warning:  file_put_contents(${x}): Failed to open stream: Read-only file system in /home/ann/work/a.php on line 3`,
    x,
  ],
  ['composer', `  [RuntimeException]\n  ${logs}/vendor does not exist and could not be created: `, `${logs}/vendor`],
  [
    'java nio',
    `Exception in thread "main" java.nio.file.FileSystemException: ${x}: Read-only file system\n\tat java.base/sun.nio.fs.UnixException.translateToIOException(UnixException.java:100)`,
    x,
  ],
  [
    'java io',
    `Exception in thread "main" java.io.FileNotFoundException: ${x} (Read-only file system)\n\tat java.base/java.io.FileOutputStream.open0(Native Method)`,
    x,
  ],
  [
    'maven',
    `[\x1b[1;31mERROR\x1b[m] Could not create local repository at ${logs}/m2 -> \x1b[1m[Help 1]\x1b[m`,
    `${logs}/m2`,
  ],
  ['gradle', `java.io.IOException: Cannot create directory '${logs}/.gradle'.`, `${logs}/.gradle`],
  ['dotnet', `Unhandled exception. System.IO.IOException: Read-only file system : '${x}'`, x],
  ['lua', `lua: cannot open ${x}: Read-only file system`, x],
  ['haskell', `prog: ${x}: withFile: permission denied (Read-only file system)`, x],
  ['ocaml', `Fatal error: exception Sys_error("${x}: Read-only file system")`, x],
  ['R', `cannot open file '${x}': Read-only file system`, x],
  ['elixir', `** (File.Error) could not write to file "${x}": read-only file system`, x],
  ['sqlite', `Error: unable to open database "${logs}/x.db": unable to open database file`, `${logs}/x.db`],
  [
    'terraform',
    `│ Error: Failed to create ${logs}/.terraform: mkdir ${logs}/.terraform: read-only file system`,
    `${logs}/.terraform`,
  ],
  [
    'gcloud',
    "ERROR: gcloud crashed (OSError): [Errno 30] Read-only file system: '/home/ann/.config/gc'",
    '/home/ann/.config/gc',
  ],
  [
    'dpkg',
    "dpkg: error: unable to create new file '/var/lib/dpkg/info/x.list-new': Read-only file system",
    '/var/lib/dpkg/info/x.list-new',
  ],
  [
    'apt',
    'E: Could not open lock file /var/lib/apt/lists/lock - open (30: Read-only file system)',
    '/var/lib/apt/lists/lock',
  ],
  ['a home as a shell prints it', 'bash: line 1: ~/logs/x: Read-only file system', x],
  ['in German', `touch: '${x}' kann nicht berührt werden: Das Dateisystem ist nur lesbar`, x],
  ['in French', `touch: impossible de faire un touch '${x}': Système de fichiers accessible en lecture seulement`, x],
  ['in Russian', `touch: невозможно выполнить touch для '${x}': Файловая система доступна только для чтения`, x],
  ['in Japanese', `touch: '${x}' に touch できません: 読み込み専用ファイルシステムです`, x],
  ['coloured', `\x1b[31merror\x1b[0m: \x1b[1m${x}\x1b[0m: Read-only file system`, x],
  ['a progress line before it', `10%\r20%\r${x}: Read-only file system`, x],
  ['a path up from the folder', "touch: cannot touch '../../logs/x': Read-only file system", x],
];

/** Protected files of the workspace. */
export const pins: readonly ViolationRow[] = [
  [
    'a redirection to one',
    'bash: line 1: /home/ann/work/.vscode/tasks.json: Read-only file system',
    '/home/ann/work/.vscode/tasks.json',
  ],
  ['by a relative name', 'tee: ../.npmrc: Read-only file system', '/home/ann/work/.npmrc'],
  ['removing a mount', "rm: cannot remove '../.vscode': Device or resource busy", '/home/ann/work/.vscode'],
  ['renaming a mount', "mv: cannot move '../.npmrc' to 'x': Device or resource busy", '/home/ann/work/.npmrc'],
  [
    'node',
    "Error: EBUSY: resource busy or locked, rename '/home/ann/work/.npmrc' -> '/home/ann/work/a'",
    '/home/ann/work/.npmrc',
  ],
  [
    'hooks',
    "cp: cannot create regular file '../.git/hooks/pre-commit': Read-only file system",
    '/home/ann/work/.git/hooks/pre-commit',
  ],
  [
    'the git folder itself',
    "mv: cannot move '/home/ann/work/.git' to '/home/ann/work/x': Device or resource busy",
    '/home/ann/work/.git',
  ],
  ['reading one is no violation', 'cat: ../.vscode/none.json: No such file or directory', undefined],
  ['a busy file elsewhere', "rm: cannot remove '/home/ann/work/build/mnt': Device or resource busy", undefined],
];

/** Hidden places, and folders that the session has anew. */
export const reads: readonly ViolationRow[] = [
  ['cat of credentials', 'cat: /home/ann/.aws/credentials: No such file or directory', '/home/ann/.aws/credentials'],
  [
    'python',
    "FileNotFoundError: [Errno 2] No such file or directory: '/home/ann/.ssh/id_ed25519'",
    '/home/ann/.ssh/id_ed25519',
  ],
  ['node', "Error: ENOENT: no such file or directory, open '/home/ann/.aws/config'", '/home/ann/.aws/config'],
  ['java', 'java.nio.file.NoSuchFileException: /home/ann/.aws/config', '/home/ann/.aws/config'],
  ['go', 'open /home/ann/.aws/config: no such file or directory', '/home/ann/.aws/config'],
  [
    'ssh key',
    'Warning: Identity file /home/ann/.ssh/id_rsa not accessible: No such file or directory.',
    '/home/ann/.ssh/id_rsa',
  ],
  ['writing to one', "aws: [Errno 30] Read-only file system: '/home/ann/.aws/cli'", '/home/ann/.aws/cli'],
  ['what stays visible of one', 'cat: /home/ann/.ssh/known_hosts: No such file or directory', undefined],
  ['one that the host has not', 'open /home/ann/.kube/config: no such file or directory', undefined],
  ['a file of the host below /tmp', 'cat: /tmp/host.txt: No such file or directory', '/tmp/host.txt'],
  ['no file of the host below /tmp', 'cat: /tmp/none.txt: No such file or directory', undefined],
  [
    'a socket of the host',
    'connect to /run/postgresql/.s.PGSQL.5432 failed: No such file or directory',
    '/run/postgresql/.s.PGSQL.5432',
  ],
  [
    'the same by its old name',
    'psql: could not connect: /var/run/postgresql/.s.PGSQL.5432: No such file or directory',
    '/var/run/postgresql/.s.PGSQL.5432',
  ],
  ['a device', "open('/dev/video0'): No such file or directory", '/dev/video0'],
  ['no device', 'cat: /dev/none: No such file or directory', undefined],
  ['a pid file', '/run/app.pid: Read-only file system', '/run/app.pid'],
  [
    'a setting of the kernel',
    'sysctl: setting key "vm.swappiness": /proc/sys/vm/swappiness: Read-only file system',
    '/proc/sys/vm/swappiness',
  ],
];

/** Failures of the command's own. */
export const misses: readonly ViolationRow[] = [
  ['a missing file of the workspace', 'cat: none.txt: No such file or directory', undefined],
  ['a missing file outside', 'cat: /home/ann/logs/none: No such file or directory', undefined],
  ['a missing program', 'bash: line 1: none: command not found', undefined],
  ['a file that is not the account’s', 'cat: /etc/shadow: Permission denied', undefined],
  ['a write that is refused anyway', 'bash: line 1: /etc/hosts: Permission denied', undefined],
  ['a file in the workspace', "touch: cannot touch '/home/ann/work/ro/x': Read-only file system", undefined],
  ['below /tmp', '/tmp/x: Read-only file system', undefined],
  ['a failed test about one', "AssertionError: expected '/home/ann/logs/x' to equal '/home/ann/logs/y'", undefined],
  ['a compiler error', '/home/ann/work/a.c:1:10: fatal error: none.h: No such file or directory', undefined],
  ['a linker error', '/usr/bin/ld: cannot find -lnone: No such file or directory', undefined],
  ['no reason at all', 'Segmentation fault', undefined],
  ['a reason without a path', 'Read-only file system', undefined],
  ['the program has a path, the file is the workspace’s', '/usr/bin/env: ‘none’: No such file or directory', undefined],
  [
    'python cannot find its script',
    "python3: can't open file '/home/ann/work/src/none.py': [Errno 2] No such file or directory",
    undefined,
  ],
  ['node cannot find a module', "Error: Cannot find module '/home/ann/work/src/none.js'", undefined],
  ['no right to write a system file', 'Cannot create /etc/app.conf', undefined],
  ['a sentence of a test', 'not ok 3 - refuses when the file system is read-only', undefined],
  [
    'a traceback through a system file',
    '  File "/usr/lib/python3/x.py", line 3\nFileNotFoundError: [Errno 2] No such file or directory: \'data.csv\'',
    undefined,
  ],
  ['a folder in the way', 'mkdir: cannot create directory ‘/home/ann/logs’: File exists', undefined],
  ['a missing folder above', "Error: ENOENT: no such file or directory, mkdir '/home/ann/none/deep'", undefined],
  ['ports', 'Error: listen EACCES: permission denied 0.0.0.0:80', undefined],
];
