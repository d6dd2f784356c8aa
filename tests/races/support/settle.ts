import { setTimeout as sleep } from 'node:timers/promises';
import { relay, sweep } from '@longhaul/coordinator';
import type { Cluster } from './cluster.ts';

const MAX_ROUNDS = 100;

/**
 * Lets time pass until nothing is left to do: every upload has ended, and no sweeper has to come back to one. What the
 * catalog would wait for is made due by hand; the URLs that were handed out live as long as they live.
 */
export async function settle(cluster: Cluster): Promise<void> {
  const { sql, sweepers } = cluster;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    await sql`
      update nodes set idle_limit_ms = 1, expires_at = clock_timestamp()
      where upload_state in ('PENDING', 'UPLOADING')`;
    await sql`
      update nodes set claimed_until = null, next_attempt_at = clock_timestamp()
      where next_attempt_at is not null or upload_state in ('COMPLETING', 'ABORTING')`;
    for (const { options } of sweepers) await sweep(options);
    const [open] = await sql<{ count: number }[]>`
      select count(*)::int as count from nodes
      where next_attempt_at is not null
        or upload_state in ('PENDING', 'UPLOADING', 'COMPLETING', 'ABORTING')`;
    if (open?.count === 0) {
      // Together, as the replicas of one coordinator do it.
      await Promise.all(sweepers.map(({ options }) => relay(options)));
      return;
    }
    await sleep(100);
  }
  const open = await sql`
    select document_id, mode, upload_state, last_error from nodes
    where next_attempt_at is not null
      or upload_state in ('PENDING', 'UPLOADING', 'COMPLETING', 'ABORTING')`;
  throw new Error(`uploads do not come to an end: ${JSON.stringify([...open])}`);
}
