import { createHash } from 'node:crypto';
import { everyTrial, runKillPoints, type Trial } from '../recovery/support/run-kill-points.ts';
import { serversOf } from '../recovery/support/servers.ts';
import type { SoakOptions, SoakReport } from './support/soak.ts';

export const name = 'kill-points';

/** Kills a replica at every point of every scenario, not only the first time that it comes there; in an order of chance. */
export async function run({ seconds, seed, log }: SoakOptions): Promise<SoakReport> {
  const servers = serversOf('versitygw');
  if (typeof servers === 'string') throw new Error(`kill points: ${servers}`);
  const untilMs = performance.now() + seconds * 1_000;
  const failures: string[] = [];
  const laps: Record<string, unknown>[] = [];
  let rounds = 0;
  for (let lap = 0; lap === 0 || performance.now() < untilMs; lap++) {
    const report = await runKillPoints(servers, {
      lanes: 3,
      choose: (plan) => shuffled(everyTrial(plan), `${seed}/${lap}`),
      untilMs,
      log,
    });
    const { killPoints, recoveryMs, uploads, resentBytes, duplicateEventsPer1000Uploads } = report;
    const deaths = Object.values(killPoints).reduce((sum, hits) => sum + hits, 0);
    failures.push(...report.failures);
    laps.push({ deaths, recoveryMs, uploads, resentBytes, duplicateEventsPer1000Uploads });
    rounds += deaths;
  }
  return { rounds, failures, figures: { laps } };
}

function shuffled(trials: readonly Trial[], seed: string): readonly Trial[] {
  const rank = ({ scenario, point, hit }: Trial): string =>
    createHash('sha256').update(`${seed} ${scenario.name} ${point} ${hit}`).digest('hex');
  return trials.toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1));
}
