import { describe, expect, it } from 'vitest';
import type { Servers } from './support/lane.ts';
import {
  eachPointOnce,
  everyTrial,
  type KillReport,
  type Plan,
  runKillPoints,
  type Trial,
} from './support/run-kill-points.ts';
import { ROTATION_SCENARIOS } from './support/rotation-scenarios.ts';
import { SCENARIOS } from './support/scenarios.ts';
import { describeServers, serversOf } from './support/servers.ts';

/** Where the store and the catalog may come to say different things, for stores that are slower. */
const AROUND_THE_STORE =
  /^(objectStore\.(create|complete|abort)MultipartUpload|catalog\.(saveMultipart|finishCompletion)) /;

/** Made by no scenario: those of uploads with a quota, a takeover or a customer's key, and a figure for the metrics. */
const NEVER_CALLED = [
  'catalog.reserve',
  'catalog.revokeTokens',
  'catalog.openUploads',
  'objectStore.signCreate',
  'objectStore.signGet',
  'objectStore.findListed',
];

/** Made by rotations alone, which versitygw has not: it knows no encryption. */
const OF_ROTATIONS =
  /^(objectStore\.(copyPart|deleteVersions)|rotations\.(?!findDue before)\w+|keyVault\.\w+) /;

/** Those that change nothing or only look, and those that only a rotation makes that takes long, meets trouble, or is not asked for again. */
const LEFT_OUT_OF_ROTATIONS =
  /^(rotations\.(find|findByKeys|findDue|countOpen|renew|postpone)|keyVault\.get) /;

/** What a rotation changes: at the store, in its row, in the vault. */
const IN_A_ROTATION = /^(rotations|keyVault)\.|^objectStore\.(copy|delete|(create|complete|abort)Multipart)/;

/** The same places, where nobody comes back to ask. */
function withTheClient(plan: Plan): readonly Trial[] {
  return everyTrial(plan).filter(
    ({ scenario, point, hit }) =>
      scenario.name === 'client that dies too' && hit === 1 && AROUND_THE_STORE.test(point),
  );
}

function unhitIn({ killPoints }: KillReport): string[] {
  return Object.entries(killPoints).flatMap(([point, hits]) => (hits === 0 ? [point] : []));
}

function bothSidesOf(calls: readonly string[]): string[] {
  return calls.flatMap((call) => [`${call} before`, `${call} after`]);
}

function tell(report: KillReport): void {
  const { recoveryMsByPoint, ...figures } = report;
  const lines = Object.entries(recoveryMsByPoint).map(
    ([point, ms]) => `${String(ms).padStart(7)} ms  ${point}`,
  );
  console.log(`${lines.join('\n')}\n${JSON.stringify(figures)}`);
}

const versitygw = serversOf('versitygw');
const ceph = serversOf('ceph');
const minio = serversOf('minio');

describe.skipIf(typeof versitygw === 'string')(
  `a replica that is killed (${describeServers(versitygw)})`,
  () => {
    it(
      'anywhere, leaves nothing that another one does not bring to its end',
      { timeout: 400_000 },
      async () => {
        const report = await runKillPoints(versitygw as Servers, {
          lanes: 3,
          choose: (plan) => [...eachPointOnce(plan), ...withTheClient(plan)],
          log: () => undefined,
        });
        tell(report);
        expect(report.failures).toEqual([]);
        const unhit = unhitIn(report).filter((point) => !OF_ROTATIONS.test(point));
        expect(unhit).toEqual(bothSidesOf(NEVER_CALLED));
      },
    );
  },
);

describe.skipIf(typeof ceph === 'string')(
  `a replica on Ceph that is killed (${describeServers(ceph)})`,
  () => {
    it('around a call to the store, leaves nothing behind', { timeout: 200_000 }, async () => {
      const report = await runKillPoints(ceph as Servers, {
        lanes: 2,
        scenarios: SCENARIOS.filter(({ name }) => ['multipart', 'cancel'].includes(name)),
        choose: (plan) => eachPointOnce(plan).filter(({ point }) => AROUND_THE_STORE.test(point)),
        log: () => undefined,
      });
      tell(report);
      expect(report.failures).toEqual([]);
      expect(Object.values(report.killPoints).filter((hits) => hits > 0)).toHaveLength(10);
    });
  },
);

describe.skipIf(typeof minio === 'string')(
  `a replica on MinIO that rotates and is killed (${describeServers(minio)})`,
  () => {
    it('anywhere, leaves one object, under the key that it shall have', { timeout: 400_000 }, async () => {
      const report = await runKillPoints(minio as Servers, {
        lanes: 3,
        scenarios: ROTATION_SCENARIOS,
        choose: (plan) =>
          eachPointOnce(plan).filter(
            ({ point }) => IN_A_ROTATION.test(point) && !LEFT_OUT_OF_ROTATIONS.test(point),
          ),
        log: () => undefined,
      });
      tell(report);
      expect(report.failures).toEqual([]);
      const unhit = unhitIn(report).filter((point) => OF_ROTATIONS.test(point));
      expect(unhit.filter((point) => !LEFT_OUT_OF_ROTATIONS.test(point))).toEqual([]);
    });
  },
);
