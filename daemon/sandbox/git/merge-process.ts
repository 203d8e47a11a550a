/**
 * Program of its own (dist/merge-back.js): one merge with an account's rights, for a daemon that is root. It reads its order from
 * standard input and prints the report. Nothing of the account's is touched before root is given up.
 */
import { readFileSync } from 'node:fs';
import type { MergeOrder } from './merge-as-account.ts';
import { mergeBack } from './merge-back.ts';

const { account, base, ...order } = JSON.parse(readFileSync(0, 'utf8')) as MergeOrder;
const { initgroups, setgroups } = process as NodeJS.Process & { initgroups?: (user: string, group: number) => void };
if (account.known) initgroups?.(account.name, account.gid);
else setgroups?.([]);
process.setgid?.(account.gid);
process.setuid?.(account.uid);
process.umask(0o077);
const report = await mergeBack({
  ...order,
  base: base === undefined ? undefined : { files: new Map(base), close: () => undefined },
});
process.stdout.write(JSON.stringify(report));
