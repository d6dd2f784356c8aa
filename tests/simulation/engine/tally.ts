/** Counts of names. */
export interface Tally {
  count(name: string): void;
  readonly hits: ReadonlyMap<string, number>;
  readonly total: number;
}

/** All at 0. */
export function createTally(): Tally {
  const hits = new Map<string, number>();
  let total = 0;
  return {
    hits,
    count(name) {
      hits.set(name, (hits.get(name) ?? 0) + 1);
      total++;
    },
    get total() {
      return total;
    },
  };
}

/** Adds counts to others. */
export function addHits(sum: Map<string, number>, hits: Iterable<readonly [string, number]>): void {
  for (const [name, count] of hits) sum.set(name, (sum.get(name) ?? 0) + count);
}

/** The middle one of some numbers; 0 without any. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[sorted.length % 2 ? middle : middle - 1], sorted[middle]];
  return (low + high) / 2;
}
