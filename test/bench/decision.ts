/** How long a decision takes: typical commands, and text made to be slow. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createEngine } from '../../daemon/offline.ts';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';
import { quantile, type Row } from './measure.ts';

const typical = [
  'ls -la',
  'git status',
  'git diff HEAD~1 --stat && git log --oneline -5',
  'npm test',
  'cd packages/api && npm run build 2>&1 | tail -40',
  'grep -rn "foo\\|bar" src --include="*.ts" | head -20',
  "find . -name '*.ts' -not -path './node_modules/*' | xargs grep -l createServer",
  'for f in src/*.ts; do echo "$f"; wc -l "$f"; done',
  `git commit -m "$(cat <<'EOF'\nfix: the thing\n\nIt was broken (a; b | c).\nEOF\n)"`,
  "cat > notes.md <<'EOF'\n# Title\n\n- one\n- two\nEOF",
  `curl -s https://example.com/api | jq '.items[] | select(.ok) | .name'`,
  `awk 'NR>=3 && NR<=4 {print $1, $2}' data.txt | sort | uniq -c`,
  'if [ -f package.json ]; then npm ci; else echo "none"; fi',
  'python3 -c "import json,sys; print(json.load(sys.stdin))" < in.json',
  'docker compose up -d && docker compose logs --tail 50',
  'sed -n "1,80p" src/main.ts; echo ---; tail -n +80 src/main.ts | head -40',
];

const pathological: Record<string, string> = {
  'nested $( 2,000 deep': `${'$('.repeat(2000)}true${')'.repeat(2000)}`,
  '3,000 x $(true)': `echo ${'$(true) '.repeat(1200)}`,
  '16 KiB quoted here-document': `cat <<'EOF'\n${'some text with $(words) and "quotes"\n'.repeat(450)}EOF`,
  '9 KiB unquoted here-document': `cat <<EOF\n${'a ${x} $(true) b\n'.repeat(500)}EOF`,
  '1,000 commands': 'true; '.repeat(1000),
  '3,300 commands': 'ls;'.repeat(3300),
  '4,000 open braces': '{'.repeat(4000),
  'wide brace expansion': `echo ${'{a,b}'.repeat(30)}`,
  'stars against a rule': `npm ${'run '.repeat(2000)}x`,
  '1 MB quoted here-document': `cat <<'EOF'\n${'some text with $(words) and "quotes"\n'.repeat(28_000)}EOF`,
  '400 x bash -c': 'bash -c "ls"; '.repeat(400),
  '400 redirected groups': numbered(400, (at) => `{ ls; } > f${at}; `),
  '400 x rm -rf': numbered(400, (at) => `rm -rf d${at}; `),
  'thousands of words': `ls ${'a '.repeat(4900)}`,
  'thousands of wildcards': `ls ${'*'.repeat(9000)}`,
  'words with wildcards': `rm ${'*/* '.repeat(2400)}`,
  'wildcards against protected names': `rm ${`.${'*?'.repeat(10)}Q `.repeat(400)}`,
  'long braces': `echo ${'{1..100} '.repeat(1000)}`,
  'a value that doubles': `a=x; ${'a=$a$a; '.repeat(27)}ls $a`,
  'an unknown value that doubles': `${'a=$a$a; '.repeat(27)}ls $a`,
  '1,200 declared names': `declare ${numbered(1200, (at) => `a${at}=1 `)}`,
  '600 commands of find': `find . ${'-exec ls {} + '.repeat(600)}`,
  '1,600 x sudo': `${'sudo '.repeat(1600)}ls`,
  '80 loops in loops': `${'for x in a b; do '.repeat(80)}ls $x${'; done'.repeat(80)}`,
};

function numbered(count: number, make: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => make(at)).join('');
}

const lines = 4000;

/** The whole process: its start, and code that V8 has not optimised yet. */
function benchLines(folder: string, policy: string): Row {
  const input = numbered(lines, (at) => {
    const command = `${typical[at % typical.length]}\necho ${at}`;
    return `${JSON.stringify({ id: at, command })}\n`;
  });
  const started = performance.now();
  const cli = path.join(findPackageRoot(), 'dist/sbx.cjs');
  const ended = spawnSync(process.execPath, [cli, 'check', '--jsonl', '--policy', policy], {
    cwd: folder,
    input,
    maxBuffer: 1024 * 1024 * 1024,
    env: { ...process.env, HOME: folder },
  });
  const seconds = (performance.now() - started) / 1000;
  const answers = ended.stdout.toString().split('\n').length - 1;
  if (answers !== lines) throw new Error(`${answers} answers to ${lines} lines`);
  const measured = `${Math.round(lines / seconds)}/s`;
  return { what: '`sbx check --jsonl`, commands of two lines', measured, target: '>= 1000/s' };
}

export async function benchDecision(): Promise<Row[]> {
  const folder = mkdtempSync('/var/tmp/sbx-bench-');
  const userPolicyFile = path.join(folder, 'policy.json');
  const words = Array.from({ length: 200 }, (_, index) => `Bash(tool${index} * run * --x)`);
  const allow = [...words, 'Bash(npm * * * * * * * test)', 'Bash(git commit *)', 'Bash(npm test)'];
  writeFileSync(userPolicyFile, JSON.stringify({ permissions: { allow } }), { mode: 0o600 });
  const engine = await createEngine({ userPolicyFile, home: '/home/u' });
  // Processor time, in milliseconds: what others do on the machine is no part of it.
  const decideOnce = (command: string): number => {
    const started = process.cpuUsage();
    engine.decide({ command, cwd: '/tmp', workspace: '/tmp', home: '/home/u', autoAllow: false });
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000;
  };
  for (let round = 0; round < 100; round++) for (const command of typical) decideOnce(command);
  const times: number[] = [];
  for (let round = 0; round < 200; round++) for (const command of typical) times.push(decideOnce(command));
  const rows: Row[] = [
    {
      what: 'decision, typical command, median',
      measured: `${quantile(times, 0.5).toFixed(3)} ms`,
      target: '<= 0.5 ms',
    },
    { what: 'decision, typical command, 99th', measured: `${quantile(times, 0.99).toFixed(3)} ms`, target: '<= 3 ms' },
  ];
  for (const [what, command] of Object.entries(pathological)) {
    rows.push({
      what: `decision, ${what}`,
      measured: `${Math.min(decideOnce(command), decideOnce(command), decideOnce(command)).toFixed(1)} ms`,
      target: '<= 300 ms',
    });
  }
  rows.push(benchLines(folder, userPolicyFile));
  rmSync(folder, { recursive: true });
  return rows;
}
