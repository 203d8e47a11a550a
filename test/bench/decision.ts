/** How long a decision takes: typical commands, and text made to be slow. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createEngine } from '../../daemon/offline.ts';
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
};

export async function benchDecision(): Promise<Row[]> {
  const folder = mkdtempSync('/var/tmp/sbx-bench-');
  const userPolicyFile = path.join(folder, 'policy.json');
  const words = Array.from({ length: 200 }, (_, index) => `Bash(tool${index} * run * --x)`);
  const allow = [...words, 'Bash(npm * * * * * * * test)', 'Bash(git commit *)', 'Bash(npm test)'];
  writeFileSync(userPolicyFile, JSON.stringify({ permissions: { allow } }), { mode: 0o600 });
  const engine = await createEngine({ userPolicyFile, home: '/home/u' });
  const decideOnce = (command: string): number => {
    const started = performance.now();
    engine.decide({ command, cwd: '/tmp', workspace: '/tmp', home: '/home/u', autoAllow: false });
    return performance.now() - started;
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
      measured: `${Math.max(decideOnce(command), decideOnce(command)).toFixed(1)} ms`,
      target: '<= 300 ms',
    });
  }
  rmSync(folder, { recursive: true });
  return rows;
}
