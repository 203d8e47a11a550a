/** A whole session with the filter, in an empty folder, and in it what a command must and must not be able to do. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { SbxError } from '../../../client/protocol/errors.ts';
import type { ApprovedPlan, CommandPlan, SandboxSession } from '../model.ts';
import { openSession } from '../session.ts';
import { type CheckName, failed, firstLine, type Outcome, passed } from './check.ts';

interface Trial {
  readonly name: CheckName;
  /** Bash text that exits 0 when all is well; what it prints to its error output says what is not. */
  readonly command: string;
  readonly wrong: string;
}

/** @param sockets addresses that nobody inside may reach, as JSON that Node reads. */
function listTrials(sockets: string): readonly Trial[] {
  const reach = `
    const left = new Set(JSON.parse(process.argv[1]));
    for (const path of left) {
      require('node:net').connect({ path })
        .on('connect', () => { console.error(path.replace('\\0', '@')); process.exit(1); })
        .on('error', () => { left.delete(path); });
    }`;
  return [
    {
      name: 'a command',
      command: 'set -e; : >made; grep -qx "Seccomp:\\s*2" /proc/self/status; ! : 2>/dev/null >/etc/made',
      wrong: 'a command does not run as it should',
    },
    {
      name: 'network',
      command:
        '[[ $(grep -c : /proc/net/dev) == 1 ]] && grep -q "lo:" /proc/net/dev && ! : 2>/dev/null <>/dev/tcp/192.0.2.1/80',
      wrong: 'a command has more than the loopback of its session',
    },
    {
      name: 'host sockets',
      command: `"$NODE" -e '${reach.replaceAll("'", "'\\''")}' '${sockets.replaceAll("'", "'\\''")}'`,
      wrong: 'a command can reach a socket of the host',
    },
    {
      name: 'host mounts',
      command: '! grep -E " (shared|master):" /proc/self/mountinfo >&2',
      wrong: 'what the host mounts later would appear inside',
    },
  ];
}

async function tryInside(session: SandboxSession, workspace: string, trial: Trial): Promise<Outcome> {
  const plan: CommandPlan = {
    command: trial.command,
    shell: false,
    cwd: workspace,
    env: new Map([
      ['PATH', '/usr/bin:/bin'],
      ['NODE', process.execPath],
    ]),
    umask: 0o22,
    pty: undefined,
    stdin: 'none',
    limits: {},
    reportCwd: false,
    git: 'read-only',
  };
  // the text is ours, so nobody has to approve it
  const command = await session.launch(plan as ApprovedPlan);
  command.stdout?.resume();
  let errors = '';
  command.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const { code, failure } = await command.exit;
  if (code === 0 && failure === undefined) return passed;
  return failed(`${trial.wrong}: ${firstLine(errors) || failure || `status ${code}`}`);
}

/** Listens where a service of the host might: below the temporary folder and by an abstract name. */
async function listen(address: string): Promise<net.Server> {
  const server = net.createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: address }, resolve);
  });
  return server;
}

/** In the order of the trials; after the first failure the later ones are not tried. */
export async function checkSession(): Promise<readonly (readonly [CheckName, Outcome])[]> {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'sbx-probe-')));
  const workspace = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'sbx-probe-')));
  const addresses = [path.join(folder, 'socket'), `\0sbx-probe-${process.pid}-${path.basename(folder)}`];
  const servers: net.Server[] = [];
  const outcomes: [CheckName, Outcome][] = [];
  try {
    for (const address of addresses) servers.push(await listen(address));
    const session = await openSession({ workspace, protectedPaths: [] });
    try {
      for (const trial of listTrials(JSON.stringify(addresses))) {
        const outcome = await tryInside(session, workspace, trial);
        outcomes.push([trial.name, outcome]);
        if (!outcome.ok) break;
      }
    } finally {
      await session.close();
    }
  } catch (error) {
    const known = error instanceof SbxError ? error : new SbxError('internal', String(error));
    outcomes.push(['a command', failed(known.message, known.help)]);
  } finally {
    for (const server of servers) server.close();
    for (const made of [folder, workspace]) rmSync(made, { recursive: true, force: true });
  }
  return outcomes;
}
