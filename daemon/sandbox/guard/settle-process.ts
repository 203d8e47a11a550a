/**
 * Program of its own (dist/settle-suspects.js), started by a daemon that is root. It reads its order from standard input and
 * prints what became of it. Nothing of the account's is touched before root is given up.
 */
import { readFileSync } from 'node:fs';
import type { AccountOrder } from './settle-as-account.ts';
import { settleSuspects } from './settle-suspects.ts';

const { account, ...order } = JSON.parse(readFileSync(0, 'utf8')) as AccountOrder;
const { initgroups, setgroups } = process as NodeJS.Process & { initgroups?: (user: string, group: number) => void };
if (account.known) initgroups?.(account.name, account.gid);
else setgroups?.([]);
process.setgid?.(account.gid);
process.setuid?.(account.uid);
process.umask(0o077);
process.stdout.write(JSON.stringify(settleSuspects(order)));
