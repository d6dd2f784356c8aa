import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { createUploader } from '@longhaul/sdk';
import { newKey } from '../../rotations/support/rotate.ts';
import type { ExpectedEnd, ExpectedRotation } from './convergence.ts';
import type { Scenario, Stage } from './scenarios.ts';

/** Two parts of a copy where 5 MiB are the most that is copied at once. */
const TWO_PARTS_BYTES = 6 * 1024 ** 2;
const ONE_STEP_BYTES = 1000;
const ASK_AGAIN_MS = 100;
/** Longer than a scenario may take. */
const ASK_FOR_MS = 60_000;

/**
 * Objects that are given another encryption, for stores that have any. They are uploaded past the replica that may die, so
 * that what it does is the rotation.
 */
export const ROTATION_SCENARIOS: readonly Scenario[] = [
  { name: 'rotation by parts, from key to key', run: rotateKey },
  { name: 'rotation in one step', run: rotateInOneStep },
  { name: 'rotation of an object that is gone', run: rotateNothing },
];

async function rotateKey(stage: Stage): Promise<readonly ExpectedEnd[]> {
  const [old, next] = [newKey(), newKey()];
  const object = await upload(stage, TWO_PARTS_BYTES, old.base64);
  const request = { encryption: next.wish, oldCustomerKey: old.base64, deleteVersions: true };
  await rotate(stage, object.uploadId, request);
  return object.end({ state: 'DONE', customerKey: next.base64 });
}

async function rotateInOneStep(stage: Stage): Promise<readonly ExpectedEnd[]> {
  const object = await upload(stage, ONE_STEP_BYTES);
  await rotate(stage, object.uploadId, { encryption: { mode: 'sse-s3' } });
  return object.end({ state: 'DONE' });
}

async function rotateNothing(stage: Stage): Promise<readonly ExpectedEnd[]> {
  const object = await upload(stage, TWO_PARTS_BYTES);
  const { s3, addresses } = stage.lane;
  await s3.send(new DeleteObjectCommand({ Bucket: addresses.store.bucket, Key: object.key }));
  await rotate(stage, object.uploadId, { encryption: { mode: 'sse-s3' } });
  return object.end({ state: 'FAILED' });
}

async function upload({ safeDoor, watch }: Stage, sizeBytes: number, customerKey?: string) {
  const bytes = randomBytes(sizeBytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const uploader = createUploader({ coordinator: safeDoor.fetch });
  const handle = uploader.upload(
    new Blob([bytes]),
    customerKey === undefined ? {} : { encryption: { mode: 'sse-c', key: customerKey } },
  );
  watch(handle);
  const { uploadId, key } = await handle.result;
  const end = (rotation: ExpectedRotation): readonly ExpectedEnd[] => [
    { uploadId, state: 'COMPLETED', sha256, rotation },
  ];
  return { uploadId, key, end };
}

/** Asks until it is answered how that has ended, whoever answers. */
async function rotate({ door }: Stage, nodeId: string, request: object): Promise<void> {
  const body = JSON.stringify({ rotationId: randomUUID(), ...request });
  for (const late = AbortSignal.timeout(ASK_FOR_MS); !late.aborted;) {
    const url = `http://localhost/v1/objects/${nodeId}/rotate`;
    const response = await door.fetch(new Request(url, { method: 'POST', body })).catch(() => undefined);
    if (response?.status === 200 || response?.status === 409) return;
    if (response?.status === 400) throw new Error(`refused: ${await response.text()}`);
    await sleep(ASK_AGAIN_MS);
  }
}
