/**
 * Reads who is whose child from /proc at the moment of asking. A number read here is used at once and never kept: after
 * its process was reaped it may name another one. Source: proc(5), pid_namespaces(7).
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Direct children of every thread of the process; empty when it is gone. */
export function readChildren(pid: number): number[] {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  return threads.flatMap((thread) =>
    (readText(`/proc/${pid}/task/${thread}/children`) ?? '')
      .split(' ')
      .filter((text) => text !== '')
      .map(Number),
  );
}

/** The process's number in each namespace, outermost first; empty when it is gone. */
export function readNamespacePids(pid: number): number[] {
  const line = /^NSpid:\s*(.+)$/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1];
  return line === undefined ? [] : line.trim().split(/\s+/).map(Number);
}

/** Names the process's pid namespace; undefined when it is gone or not to be looked at. */
export function readPidNamespace(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** First process below `pid` that is number 1 of a namespace at least `depth` levels deep (1: the reader's own). */
export function findInit(pid: number, depth: number): number | undefined {
  let generation = readChildren(pid);
  while (generation.length > 0) {
    for (const candidate of generation) {
      const numbers = readNamespacePids(candidate);
      if (numbers.length >= depth && numbers.at(-1) === 1) return candidate;
    }
    generation = generation.flatMap(readChildren);
  }
  return undefined;
}

interface ProcessStat {
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly startTime: string;
}

/** @returns undefined when the process is gone. */
export function readStat(pid: number): ProcessStat | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // the name in parentheses may hold anything, parentheses and spaces included: fields count from the last one
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', parent: Number(fields[1]), group: Number(fields[2]), startTime: fields[19] ?? '' };
}

/** Process groups of everything below `pid`, itself not included. */
export function readGroupsBelow(pid: number): Set<number> {
  const groups = new Set<number>();
  const pending = readChildren(pid);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const stat = readStat(next);
    if (stat !== undefined && stat.group > 1) groups.add(stat.group);
    pending.push(...readChildren(next));
  }
  return groups;
}

/** Every process that this process can see. */
export function listProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** All that are below a process at this moment. */
export function listDescendants(pid: number): number[] {
  const children = readChildren(pid);
  return [...children, ...children.flatMap(listDescendants)];
}

/** Arguments of a process, or an empty list. */
export function readArguments(pid: number): string[] {
  const text = readText(`/proc/${pid}/cmdline`) ?? '';
  return text === '' ? [] : text.replace(/\0$/, '').split('\0');
}

/** To a process or, with a negative number, a group that was found just now; it may have ended meanwhile. */
export function sendSignal(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name);
  } catch {
    // it ended
  }
}
