/** Ids of runs as people read and type them. */
export const shortIdLength = 8;

/** The beginning of each id, longer where two begin alike. */
export function shortenIds(ids: readonly string[]): Map<string, string> {
  const shortest = (id: string): string => {
    for (let length = shortIdLength; length < id.length; length++) {
      const start = id.slice(0, length);
      if (!ids.some((other) => other !== id && other.startsWith(start))) return start;
    }
    return id;
  };
  return new Map(ids.map((id) => [id, shortest(id)]));
}
