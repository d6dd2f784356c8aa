import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, missingFor, SHARED_STORES, startCluster } from './support/cluster.ts';
import { judge, type Raced } from './support/judge.ts';
import { losingAnswers, RACE_SETTINGS, raceEnds } from './support/race-of-ends.ts';
import { createRandom } from '../simulation/engine/random.ts';
import { settle } from './support/settle.ts';

const ROUNDS = 8;

for (const kind of SHARED_STORES) {
  const missing = missingFor(kind);
  describe.skipIf(missing !== '')(`ends that race, on ${kind.name}${missing && ` (${missing})`}`, () => {
    const seed = String(Date.now());
    const random = createRandom(seed);
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await startCluster(kind, { ...RACE_SETTINGS, wrapStore: losingAnswers(random) });
    });
    afterAll(() => cluster.close());

    it('complete, cancel and sweepers: one end for each, that all are told and the store keeps', async () => {
      const raced: Raced[] = [];
      for (let round = 0; round < ROUNDS; round++) raced.push(...(await raceEnds(cluster, random)));
      await settle(cluster);
      const { ends, failures } = await judge(cluster, raced);
      console.log(`${kind.name}: seed ${seed}, ${JSON.stringify(ends)}`);
      expect(failures, `seed ${seed}`).toEqual([]);
      // Otherwise it was no race.
      for (const state of ['COMPLETED', 'CANCELLED', 'EXPIRED'])
        expect(ends[`multipart ${state}`], `seed ${seed}: ${state}`).toBeGreaterThan(0);
    });
  });
}
