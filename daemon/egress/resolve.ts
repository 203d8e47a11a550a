/**
 * Names to addresses, as the system resolves them (hosts file, search domains, its DNS). Answers are remembered for a few
 * seconds and equal questions asked once, so that a package manager's hundred connections are one lookup.
 */
import { promises as dns } from 'node:dns';

/** @returns addresses, the preferred first. Rejects when there are none. */
export type Resolve = (name: string) => Promise<readonly string[]>;

export const resolveBySystem: Resolve = async (name) => {
  const found = await dns.lookup(name, { all: true, verbatim: true });
  return found.map(({ address }) => address);
};

/** A moved service is found again soon; a name that is not there is looked for again sooner. */
const keptMs = { found: 10_000, missing: 2_000 } as const;
const maxKept = 1024;

interface Kept {
  readonly answer: Promise<readonly string[]>;
  until: number;
}

export function rememberAnswers(resolve: Resolve, now: () => number = () => performance.now()): Resolve {
  const kept = new Map<string, Kept>();
  return (name) => {
    const known = kept.get(name);
    if (known !== undefined && known.until > now()) return known.answer;
    kept.delete(name);
    const answer = resolve(name);
    const entry: Kept = { answer, until: Number.POSITIVE_INFINITY };
    const [oldest] = kept.keys();
    if (kept.size >= maxKept && oldest !== undefined) kept.delete(oldest);
    kept.set(name, entry);
    answer.then(
      () => {
        entry.until = now() + keptMs.found;
      },
      () => {
        entry.until = now() + keptMs.missing;
      },
    );
    return answer;
  };
}
