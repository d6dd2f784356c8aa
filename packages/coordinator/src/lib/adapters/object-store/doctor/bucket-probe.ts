import pLimit from 'p-limit';
import type { BucketProbe, MeasuredStore, ProbeAnswer } from '../../../ports/bucket-probe.ts';
import { connectS3, type S3ObjectStoreOptions } from '../s3-client.ts';
import { createBucketLifecycle } from '../s3-lifecycle.ts';
import { awsProfile } from '../store-profiles.ts';
import { type Ask, createAsk } from '../s3-ask.ts';
import { readSettings } from './bucket-settings.ts';
import { addCorsRule, probeCrossOrigin } from './cross-origin.ts';
import { listObjects } from './list-objects.ts';
import { measureEncryption } from './measure-encryption.ts';
import { measureIntegrity } from './measure-integrity.ts';
import { measureListings } from './measure-listings.ts';
import {
  measureCompletion,
  measureConditions,
  measureLargeParts,
  measureSignature,
} from './measure-uploads.ts';
import { probeRights } from './rights.ts';
import { createTrial, type Trial } from './trial.ts';

/** Trials that are under way at once. More would look like an attack to a small store. */
const TRIALS_AT_ONCE = 3;

const QUICK = [measureSignature, measureConditions, measureCompletion, measureIntegrity, measureListings];

/** A {@link BucketProbe} over the same connection options as the object store; their profile is not believed. */
export function createBucketProbe(
  options: S3ObjectStoreOptions & {
    /** What every key of the installation begins with; the trials write below it, so that the same rights are tried. */
    readonly keyPrefix: string;
    /** The key to try sse-kms with; `undefined`: the store's own. */
    readonly kmsKeyId: string | undefined;
  },
): BucketProbe {
  const { publicEndpoint, accelerate = false, ...near } = options;
  const connection = connectS3({ ...near, profile: awsProfile, maxAttempts: 1, readTimeoutMs: 20_000 });
  const { bucket, client, onceClient } = connection;
  const ask = createAsk(connection, connection.publicBucketUrl);
  const clients = connectS3(options);
  const publicBucketUrl = clients.acceleratedBucketUrl ?? clients.publicBucketUrl;
  const askPublicly = createAsk(connection, publicBucketUrl);
  const trial = createTrial(ask, { bucket, keyPrefix: options.keyPrefix });
  const lifecycle = createBucketLifecycle(connection);
  return {
    bucket,
    endpoint: options.endpoint ?? new URL(connection.publicBucketUrl).origin,
    publicBucketUrl,
    greet: () => greet(ask, trial),
    greetPublicly: async () =>
      publicEndpoint === undefined && !accelerate ? undefined : await greet(askPublicly, trial),
    settings: () => readSettings(connection, lifecycle),
    rights: () => probeRights(trial),
    crossOrigin: (origin) => probeCrossOrigin({ ...trial, ask: askPublicly }, origin),
    anonymous: () => probeAnonymous(trial),
    measure: ({ thorough }) =>
      measure(trial, [
        ...QUICK,
        (each) => measureEncryption(each, options.kmsKeyId),
        ...(thorough ? [measureLargeParts] : []),
      ]),
    objects: () => listObjects(ask, { bucket, prefix: options.keyPrefix }),
    addCorsRule: (rule) => addCorsRule(ask, bucket, rule),
    putAbortRule: (rule) => lifecycle.putAbortRule(rule),
    leaveNothing: () => trial.leaveNothing(),
    close() {
      client.destroy();
      onceClient.destroy();
    },
  };
}

/** Needs the right to list, which uploads need, too: HEAD of a bucket answers without a body, so without a reason. */
function greet(ask: Ask, { prefix }: Trial): Promise<ProbeAnswer> {
  return ask({ method: 'GET', query: { 'list-type': '2', 'max-keys': '1', prefix } });
}

async function measure(
  trial: Trial,
  trials: readonly ((trial: Trial) => Promise<MeasuredStore>)[],
): Promise<MeasuredStore> {
  const limit = pLimit(TRIALS_AT_ONCE);
  const seen = await Promise.all(trials.map((each) => limit(() => each(trial))));
  return Object.assign({}, ...seen) as MeasuredStore;
}

async function probeAnonymous(trial: Trial): Promise<{ mayList: boolean; mayRead: boolean }> {
  const key = trial.newKey();
  await trial.put(key, 'for nobody');
  const list = await trial.ask({
    method: 'GET',
    anonymous: true,
    query: { 'list-type': '2', 'max-keys': '1' },
  });
  const read = await trial.ask({ method: 'GET', key, anonymous: true });
  return { mayList: list.status === 200, mayRead: read.status === 200 };
}
