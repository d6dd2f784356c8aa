import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fuzz, missingForFuzz } from './support/fuzz.ts';

const SECONDS = 30;

describe.skipIf(missingForFuzz() !== '')(`calls that are made up (needs ${missingForFuzz()})`, () => {
  it('cause no server error, no leak and no side effect', async () => {
    const seed = randomUUID();
    const { failures, calls, statuses, rows } = await fuzz({ seconds: SECONDS, seed });
    expect(failures, `seed ${seed}`).toEqual([]);
    // Enough of them came through to what lies behind the checks.
    expect(calls).toBeGreaterThan(100);
    expect(rows).toBeGreaterThan(20);
    for (const status of [200, 400, 401, 403]) expect(statuses[status], String(status)).toBeGreaterThan(0);
  });
});
