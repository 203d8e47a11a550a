/** A workspace on disk and the whole engine over it, for tables of decisions. Not below `/tmp`, which commands may write freely. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Decision } from '../../../client/protocol/decision.ts';
import { createEngine, type Engine } from '../../../daemon/offline.ts';
import { findPackageRoot } from '../../../daemon/platform/package-root.ts';
import type { DecideCase } from '../../cases/decide-vectors.ts';

export interface EngineFixture {
  readonly home: string;
  readonly workspace: string;
  readonly engine: Engine;
  readonly decide: (row: Omit<DecideCase, 'id' | 'effect'> & { readonly sandboxed?: false }) => Decision;
  readonly remove: () => void;
}

const folders = [
  'packages/api',
  'app',
  'src',
  'sub',
  'a/secrets',
  'vendor/src',
  'vendor/other/.git',
  'build',
  '.git/hooks',
  'node_modules',
  'secrets',
  'src/gen',
  'docs',
  'sub/deep',
  'lib',
];
const files = [
  '.git/HEAD',
  '.env',
  'sub/.env',
  'a/secrets/k',
  'src/x',
  'f',
  'package.json',
  'Makefile',
  'index.ts',
  'vendor/other/.git/HEAD',
  'secrets/key.pem',
  'src/gen/a.ts',
  'src/index.ts',
  'docs/a.md',
  'sub/package.json',
];
/** Links in the workspace to other places in it. */
const links = { envlink: '.env', seclink: 'secrets', genlink: 'src/gen', doclink: 'docs' };

const userPolicy = 'policy.json';

/** Of the user; there is none until a test writes it. */
export function policyFile({ home }: EngineFixture): string {
  return path.join(home, userPolicy);
}

export async function openEngineFixture(): Promise<EngineFixture> {
  const checkout = findPackageRoot();
  // A checkout below `/tmp` cannot hold it.
  const build = checkout.startsWith('/tmp/') ? path.join(homedir(), '.cache') : path.join(checkout, '.build');
  mkdirSync(build, { recursive: true });
  const root = mkdtempSync(path.join(build, 'decide-'));
  const home = path.join(root, 'home');
  const workspace = path.join(home, 'ws');
  for (const folder of folders) mkdirSync(path.join(workspace, folder), { recursive: true });
  for (const file of files) writeFileSync(path.join(workspace, file), 'x\n');
  mkdirSync(path.join(home, '.ssh'));
  writeFileSync(path.join(home, '.ssh/id'), 'x\n');
  symlinkSync(path.join(home, '.ssh/id'), path.join(workspace, 'link'));
  symlinkSync(home, path.join(workspace, 'out'));
  for (const [name, target] of Object.entries(links))
    symlinkSync(path.join(workspace, target), path.join(workspace, name));
  const engine = await createEngine({ userPolicyFile: path.join(home, userPolicy), home });
  return {
    home,
    workspace,
    engine,
    decide: ({ command, allow, ask, deny, mode, autoAllow, cwd, sandboxed }) =>
      engine.decide({
        command,
        cwd: path.join(workspace, cwd ?? ''),
        workspace,
        home,
        mode,
        sandboxed,
        autoAllow: autoAllow ?? false,
        flags: { allow: [...(allow ?? [])], ask: [...(ask ?? [])], deny: [...(deny ?? [])] },
      }).decision,
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
