import { fuzz } from '../fuzz/support/fuzz.ts';
import type { SoakOptions, SoakReport } from './support/soak.ts';

export const name = 'fuzz';

/** A process for each round: what a long one would collect, it collects. */
const SECONDS_A_ROUND = 600;

/** Calls made up from the OpenAPI document, ten minutes at a time: no server error, no leak, no side effect. */
export async function run({ seconds, seed, log }: SoakOptions): Promise<SoakReport> {
  const untilMs = performance.now() + seconds * 1_000;
  const failures: string[] = [];
  let rounds = 0;
  let calls = 0;
  do {
    const leftSeconds = Math.ceil((untilMs - performance.now()) / 1_000);
    const roundSeed = `${seed}/${rounds}`;
    const round = await fuzz({
      seconds: Math.max(5, Math.min(SECONDS_A_ROUND, leftSeconds)),
      seed: roundSeed,
    });
    failures.push(...round.failures.map((what) => `seed ${roundSeed}: ${what}`));
    calls += round.calls;
    log(
      `${roundSeed}: ${round.calls} calls, ${JSON.stringify(round.statuses)}, ${round.failures.length} failures`,
    );
    rounds++;
  } while (performance.now() < untilMs);
  return { rounds, failures, figures: { calls } };
}
