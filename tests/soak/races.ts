import { type Cluster, missingFor, SHARED_STORES, startCluster } from '../races/support/cluster.ts';
import { judge, type Raced } from '../races/support/judge.ts';
import { losingAnswers, RACE_SETTINGS, raceEnds } from '../races/support/race-of-ends.ts';
import { settle } from '../races/support/settle.ts';
import { createRandom } from '../simulation/engine/random.ts';
import { uploadThroughChaos } from '../wire/support/chaos.ts';
import type { SoakOptions, SoakReport } from './support/soak.ts';

export const name = 'races';

/** Rounds that are judged together: garbage is collected once for them. */
const ROUNDS_AT_ONCE = 4;

/**
 * Every way to end an upload against every other, on each real store that is there, every second time beside a program of
 * the version before; and uploads over wires that do anything, swallowing included. At least one round of each.
 */
export async function run({ seconds, seed, log }: SoakOptions): Promise<SoakReport> {
  const untilMs = performance.now() + seconds * 1_000;
  const stores = SHARED_STORES.filter((kind) => missingFor(kind) === '');
  if (stores.length === 0) throw new Error('the races need Postgres, Redis, and Ceph or versitygw');
  const failures: string[] = [];
  let rounds = 0;
  for (let lap = 0; lap === 0 || performance.now() < untilMs; lap++) {
    for (const kind of stores) {
      const lapSeed = `${seed}/${kind.name}/${lap}`;
      const random = createRandom(lapSeed);
      const wrapStore = losingAnswers(random);
      const cluster = await startCluster(kind, { ...RACE_SETTINGS, previousCount: lap % 2, wrapStore });
      try {
        const { ends, wrong } = await raceRounds(cluster, () => raceEnds(cluster, random));
        failures.push(...wrong.map((what) => `seed ${lapSeed}: ${what}`));
        log(`${lapSeed}: ${JSON.stringify(ends)}, ${wrong.length} failures`);
      } finally {
        await cluster.close();
      }
      rounds += ROUNDS_AT_ONCE;
    }
    // A call to the coordinator that is swallowed costs a minute.
    const untrue = await uploadThroughChaos(`${seed}/wires/${lap}`, { stalls: true });
    failures.push(...untrue);
    log(`${seed}/wires/${lap}: ${untrue.length} failures`);
    rounds++;
  }
  return { rounds, failures };
}

async function raceRounds(cluster: Cluster, race: () => Promise<Raced[]>) {
  const raced: Raced[] = [];
  for (let round = 0; round < ROUNDS_AT_ONCE; round++) raced.push(...(await race()));
  await settle(cluster);
  const { ends, failures: wrong } = await judge(cluster, raced);
  // Ceph keeps its objects in memory here.
  for (const { upload } of raced) await cluster.store.objectStore.deleteObject({ key: upload.key });
  return { ends, wrong };
}
