/**
 * Program of its own (dist/settle-records.js), started when a daemon is gone that had runs. Its argument is the folder of
 * their records, which only that daemon's user can write.
 */
import { recoverAll } from './recover.ts';

await recoverAll(process.argv[2] ?? '');
process.exit(0);
