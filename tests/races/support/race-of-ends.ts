import { setTimeout as sleep } from 'node:timers/promises';
import { type ObjectStore, sweep } from '@longhaul/coordinator';
import { type Answer, cancel, complete, create, putPart, randomContent, uploadParts } from './client.ts';
import type { Cluster, ClusterOptions } from './cluster.ts';
import type { Raced } from './judge.ts';
import type { Random } from '../../simulation/engine/random.ts';

/** Uploads of one round: they share the sweepers. */
const UPLOADS_AT_ONCE = 6;
/** The contestants begin within this time, which is about as long as a store takes to build an object. */
const SPREAD_MS = 60;

/** Settings under which a URL dies soon enough for a test to wait for it. */
export const RACE_SETTINGS = {
  completionRedriveAfterSeconds: 1,
  grantExpiresInSeconds: 8,
  singlePutGraceSeconds: 0,
} as const satisfies ClusterOptions;

/** A network that loses every fourth answer to a Complete: the store has done the work, and the driver does not know. */
export function losingAnswers(random: Random): (store: ObjectStore) => ObjectStore {
  return (store) => ({
    ...store,
    async completeMultipartUpload(input) {
      const isLost = random.chance(0.25);
      await sleep(random.int(0, 10));
      const answer = await store.completeMultipartUpload(input);
      return isLost ? { kind: 'unknown', reason: 'the answer was lost' } : answer;
    },
  });
}

/**
 * One round of complete against cancel against sweepers, over all replicas. Half of the uploads expire at the same
 * time. Impatient sweepers take every completion for stuck as soon as it has begun, so that drivers overtake each other.
 */
export async function raceEnds(cluster: Cluster, random: Random): Promise<Raced[]> {
  const started = Array.from({ length: UPLOADS_AT_ONCE }, (_, index) => begin(cluster, random, index));
  const contests = await Promise.all(started);
  const stop = new AbortController();
  const sweeping = sweepImpatiently(cluster, stop.signal);
  try {
    return await Promise.all(contests.map((contest) => contest()));
  } finally {
    stop.abort();
    await sweeping;
  }
}

/** An upload that is ready to be completed, and its race. */
async function begin(cluster: Cluster, random: Random, index: number): Promise<() => Promise<Raced>> {
  const { replicas, sql } = cluster;
  const anyone = () => random.pick(replicas);
  const isSingle = index === 0;
  const content = randomContent(isSingle ? 1 : 1 + (index % 2));
  const upload = isSingle
    ? await create(anyone(), content, { mode: 'single' })
    : await uploadParts(anyone(), content);
  if (random.chance(0.5))
    await sql`
      update nodes set idle_limit_ms = 1, expires_at = clock_timestamp() + ${random.int(0, SPREAD_MS)} * interval '1 ms'
      where document_id = ${upload.uploadId}`;
  const deeds = [
    () => complete(anyone(), upload),
    () => complete(anyone(), upload),
    ...(random.chance(0.7) ? [() => cancel(anyone(), upload)] : []),
    // Refused once the upload has ended: the key is taken, or the URL has expired.
    ...(isSingle ? [() => putPart(upload, upload.grants[0]!).then(nothing, nothing)] : []),
  ];
  // Some wait so long that a sweeper has begun to look.
  const spreadMs = random.pick([SPREAD_MS, 4 * SPREAD_MS]);
  const delays = deeds.map(() => random.int(0, spreadMs));
  return async () => {
    const answers = await Promise.all(
      deeds.map(async (deed, which) => {
        await sleep(delays[which]);
        return await deed();
      }),
    );
    return { upload, answers: answers.flatMap((answer) => (answer ? endOf(answer) : [])) };
  };
}

const nothing = (): undefined => undefined;

/** The end that an answer names, if it names one; a failure that is not the upload's own would be a lie. */
function endOf({
  status,
  body,
}: Answer<object & { state?: Raced['answers'][number]['state']; result?: object }>): Raced['answers'] {
  const { state, result, code } = body;
  if (status === 200 && state && state !== 'ABORTING') return [{ state, ...(result && { result }) }];
  if (status === 200 || status === 202) return [];
  if (code && EXPECTED_REFUSALS.has(code)) return [];
  throw new Error(`a call was answered ${status}: ${JSON.stringify(body)}`);
}

/** What a client may be told that was overtaken. */
const EXPECTED_REFUSALS: ReadonlySet<string> = new Set([
  'upload-completing',
  'upload-cancelled',
  'upload-expired',
  'upload-completed',
  'parts-missing',
]);

async function sweepImpatiently({ sweepers, sql }: Cluster, signal: AbortSignal): Promise<void> {
  const sweeping = sweepers.map(async ({ options }) => {
    while (!signal.aborted) {
      await sql`
        update nodes set next_attempt_at = clock_timestamp(), claimed_until = null
        where upload_state in ('COMPLETING', 'ABORTING')`;
      await sweep(options);
      await sleep(10);
    }
  });
  await Promise.all(sweeping);
}
