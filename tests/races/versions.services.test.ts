import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  cancel,
  complete,
  completeAtLast,
  create,
  exchange,
  putPart,
  randomContent,
  uploadParts,
} from './support/client.ts';
import { type Cluster, missingFor, SHARED_STORES, startCluster } from './support/cluster.ts';
import { judge, type Raced } from './support/judge.ts';
import { losingAnswers, RACE_SETTINGS, raceEnds } from './support/race-of-ends.ts';
import { createRandom } from '../simulation/engine/random.ts';
import { settle } from './support/settle.ts';

const ROUNDS = 6;
const ceph = SHARED_STORES.find(({ name }) => name === 'Ceph')!;
const missing = missingFor(ceph);

describe.skipIf(missing !== '')(`a program of the version before, beside two of this one ${missing}`, () => {
  const seed = String(Date.now());
  const random = createRandom(seed);
  let cluster: Cluster;
  let loseNext = false;
  beforeAll(async () => {
    const losing = losingAnswers(random);
    cluster = await startCluster(ceph, {
      ...RACE_SETTINGS,
      previousCount: 1,
      wrapStore: (store) => ({
        ...losing(store),
        async completeMultipartUpload(input) {
          if (!loseNext) return await losing(store).completeMultipartUpload(input);
          loseNext = false;
          await store.completeMultipartUpload(input);
          throw new Error('the program died before it could write down what came of it');
        },
      }),
    });
  });
  afterAll(() => cluster.close());

  async function expectEnd(raced: Raced, end: string) {
    await settle(cluster);
    expect(await judge(cluster, [raced])).toEqual({ ends: { [end]: 1 }, failures: [] });
  }

  it('begins what the others complete, and completes what they began; all of it is told', async () => {
    const [previous, other, third] = cluster.replicas;
    for (const [creator, reporter, completer] of [
      [previous!, other!, third!],
      [other!, third!, previous!],
      [previous!, previous!, previous!],
      [other!, previous!, other!],
    ]) {
      const upload = await create(creator!, randomContent(2));
      const report = await Promise.all(upload.grants.map((grant) => putPart(upload, grant)));
      expect((await exchange(reporter!, upload, { report })).status).toBe(200);
      const { status, body } = await completeAtLast(completer!, upload);
      expect(status).toBe(200);
      await expectEnd({ upload, answers: [body as Raced['answers'][number]] }, 'multipart COMPLETED');
    }
  });

  it('cancels, and dies after an attempt to complete: sweepers of this version see to the end', async () => {
    const [previous, other] = cluster.replicas;
    const cancelled = await uploadParts(other!, randomContent(1));
    expect(await cancel(previous!, cancelled)).toMatchObject({ body: { state: 'CANCELLED' } });
    await expectEnd({ upload: cancelled, answers: [{ state: 'CANCELLED' }] }, 'multipart CANCELLED');

    const abandoned = await uploadParts(previous!, randomContent(2));
    loseNext = true;
    expect((await complete(previous!, abandoned)).status).toBe(500);
    await expectEnd({ upload: abandoned, answers: [] }, 'multipart COMPLETED');
  });

  it('races with them: one end for each upload, that all are told and the store keeps', async () => {
    const raced: Raced[] = [];
    for (let round = 0; round < ROUNDS; round++) raced.push(...(await raceEnds(cluster, random)));
    await settle(cluster);
    const { ends, failures } = await judge(cluster, raced);
    console.log(`Ceph, one of the version before: seed ${seed}, ${JSON.stringify(ends)}`);
    expect(failures, `seed ${seed}`).toEqual([]);
    for (const state of ['COMPLETED', 'CANCELLED'])
      expect(ends[`multipart ${state}`], `seed ${seed}: ${state}`).toBeGreaterThan(0);
  });
});
