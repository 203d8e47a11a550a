/** `sbx daemon logs`: the end of the daemon's log, and what follows. */
import { closeSync, fstatSync, openSync, readSync, watch } from 'node:fs';
import { SbxError } from '../protocol/errors.ts';
import { daemonLogFile } from '../start-daemon.ts';
import type { Caller } from './caller.ts';

/** As much of the end of the file as is looked through for lines. */
const tailBytes = 1024 * 1024;

function readFrom(fd: number, position: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, fstatSync(fd).size - position));
  return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, position));
}

export async function showLogs(caller: Caller, lines: string, follow: boolean): Promise<number> {
  const count = Number(lines);
  if (!Number.isInteger(count) || count < 0) {
    throw new SbxError('bad-usage', `\`--lines\`: \`${lines}\` is not a whole number`, { help: 'write --lines 100' });
  }
  const file = daemonLogFile(caller.env);
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    throw new SbxError('daemon-unreachable', `there is no log \`${file}\``, {
      help: 'no daemon has run yet',
      cause: error,
    });
  }
  const { size } = fstatSync(fd);
  const tail = readFrom(fd, Math.max(0, size - tailBytes)).toString('utf8');
  const all = tail.split('\n').slice(0, -1);
  for (const line of count === 0 ? [] : all.slice(-count)) process.stdout.write(`${line}\n`);
  if (!follow) {
    closeSync(fd);
    return 0;
  }
  let position = size;
  const show = () => {
    const bytes = readFrom(fd, position);
    position += bytes.length;
    process.stdout.write(bytes);
  };
  const watcher = watch(file, show);
  show();
  await new Promise<void>((resolve) => process.once('SIGINT', resolve));
  watcher.close();
  closeSync(fd);
  return 0;
}
