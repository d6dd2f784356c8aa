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
import { SCENARIOS } from './support/scenarios.ts';
import { describeServers, serversOf } from './support/servers.ts';

/** Where the store and the catalog may come to say different things, for stores that are slower. */
const AROUND_THE_STORE =
  /^(objectStore\.(create|complete|abort)MultipartUpload|catalog\.(saveMultipart|finishCompletion)) /;

/**
 * Made by no scenario: those of uploads with a quota, a takeover or a customer's key, a figure for the metrics, and those of
 * rotations, which are killed around every call in a test of their own (packages/coordinator/test/http/rotations.test.ts).
 */
const NEVER_CALLED = [
  'catalog.reserve',
  'catalog.revokeTokens',
  'catalog.openUploads',
  'objectStore.signCreate',
  'objectStore.copyObject',
  'objectStore.copyPart',
  'objectStore.findListed',
  'objectStore.deleteVersions',
  'objectStore.listMultipartUploadsPage',
];

/** The same places, where nobody comes back to ask. */
function withTheClient(plan: Plan): readonly Trial[] {
  return everyTrial(plan).filter(
    ({ scenario, point, hit }) =>
      scenario.name === 'client that dies too' && hit === 1 && AROUND_THE_STORE.test(point),
  );
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
        const unhit = Object.entries(report.killPoints).filter(([, hits]) => hits === 0);
        expect(unhit.map(([point]) => point)).toEqual(
          NEVER_CALLED.flatMap((call) => [`${call} before`, `${call} after`]),
        );
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
