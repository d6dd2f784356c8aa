/** Whole objects that are given another encryption on real stores, read back with the right key and refused with others. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createUploader } from '@longhaul/sdk';
import { CEPH_TLS, MINIO, STORES, type StoreKind } from '../e2e/support/stores.ts';
import { type CustomerKey, newKey, readRotation, rotateToEnd } from './support/rotate.ts';
import { openWorld, type RotationWorld, type Uploaded } from './support/world.ts';

const MIB = 1024 ** 2;
const [local] = STORES;

type Form = 'nothing' | 'sse-s3' | 'sse-kms' | 'sse-c';

/** Each with the name of the key that its key service has. */
const TURNS: readonly (readonly [
  StoreKind,
  string | undefined,
  readonly (readonly [from: Form, to: Exclude<Form, 'nothing'>])[],
])[] = [
  [
    local!,
    undefined,
    [
      ['nothing', 'sse-c'],
      ['sse-c', 'sse-c'],
      ['sse-c', 'sse-s3'],
    ],
  ],
  [
    MINIO,
    process.env['LONGHAUL_TEST_MINIO_KMS_KEY_ID'],
    [
      ['nothing', 'sse-s3'],
      ['nothing', 'sse-kms'],
      ['nothing', 'sse-c'],
      ['sse-kms', 'sse-c'],
      ['sse-c', 'sse-c'],
      ['sse-c', 'sse-s3'],
      ['sse-c', 'sse-kms'],
    ],
  ],
  [
    CEPH_TLS,
    process.env['LONGHAUL_TEST_CEPH_KMS_KEY_ID'],
    [
      ['nothing', 'sse-c'],
      ['nothing', 'sse-kms'],
      ['sse-kms', 'sse-c'],
    ],
  ],
];

for (const [store, defaultKmsKeyId, turns] of TURNS) {
  const title = `rotations on ${store.name}${store.missing ? ` (${store.missing})` : ''}`;
  describe.skipIf(store.missing)(title, () => {
    let world: RotationWorld;
    beforeAll(async () => {
      const encryption = defaultKmsKeyId === undefined ? {} : { defaultKmsKeyId };
      world = await openWorld(store, { encryption });
    });
    afterAll(() => world.close());

    async function upload(sizeBytes: number, form: Form, key: CustomerKey): Promise<Uploaded> {
      if (form === 'nothing') return await world.upload(sizeBytes);
      const encryption = form === 'sse-c' ? { mode: form, key: key.base64 } : { mode: form };
      return await world.upload(sizeBytes, { encryption });
    }

    /** Under its key, and under no other one. */
    async function expectContent(
      { sha256, sizeBytes }: Uploaded,
      objectKey: string,
      form: Form,
      key: CustomerKey,
    ) {
      const { hashOf } = world.store;
      expect(await hashOf(objectKey, form === 'sse-c' ? key.base64 : undefined)).toBe(sha256);
      // Of an empty object there is nothing to read: MinIO gives it to anybody.
      const wrongKeys =
        form === 'sse-c' && sizeBytes > 0 ? [undefined, randomBytes(32).toString('base64')] : [];
      for (const wrong of wrongKeys) await expect(hashOf(objectKey, wrong)).rejects.toThrow();
    }

    async function expectNothingAt(objectKey: string): Promise<void> {
      const { objectStore } = world.store;
      expect(await objectStore.findListed({ key: objectKey })).toBeUndefined();
      expect(await objectStore.listMultipartUploads({ prefix: objectKey })).toEqual([]);
    }

    for (const [from, to] of turns) {
      it.each([
        ['in one step', 300_000, 1],
        ['by parts', 12 * MIB + 1, 3],
        ['of nothing', 0, 1],
      ])(`from ${from} to ${to}, %s`, async (_how, sizeBytes, partCount) => {
        const [old, next] = [newKey(), newKey()];
        const object = await upload(sizeBytes, from, old);
        const { uploadId: nodeId, key: oldKey } = object;
        const key = `${oldKey}.1`;
        const { status, answer } = await rotateToEnd(world.url, nodeId, {
          encryption: to === 'sse-c' ? next.wish : { mode: to },
          ...(from === 'sse-c' && { oldCustomerKey: old.base64 }),
        });
        expect([status, answer]).toMatchObject([
          200,
          {
            state: 'DONE',
            generation: 1,
            partCount,
            copiedPartCount: partCount,
            encryption: { mode: to },
            result: { key, sizeBytes, encryption: { mode: to } },
          },
        ]);
        expect(answer.lastError).toBeUndefined();
        expect((await readRotation(world.url, nodeId)).answer).toEqual(answer);

        await expectContent(object, key, to, next);
        await expectNothingAt(oldKey);
        expect(await world.store.objectStore.listMultipartUploads({ prefix: key })).toEqual([]);

        const { etag, proof } = answer.result!;
        expect(await world.store.objectStore.findListed({ key })).toMatchObject({ etag, sizeBytes });
        expect(await world.rowOf(nodeId)).toMatchObject({
          s3Key: key,
          etag,
          generation: 1,
          encryption: { mode: to },
        });
        const events = await world.eventsOf(nodeId);
        expect(events.map(({ type, data }) => ({ type, ...data }))).toMatchObject([
          { type: 'io.longhaul.upload.completed.v1', key: oldKey },
          {
            type: 'io.longhaul.encryption.rotated.v1',
            key,
            previousKey: oldKey,
            etag,
            proof,
            sizeBytes,
            encryption: { mode: to },
            generation: 1,
          },
        ]);
      });
    }

    const fromKey = turns.some(([from]) => from === 'sse-c');
    if (!fromKey) {
      it('begins from a key by a client that copies, and not without: the store does not', async () => {
        const [old, next] = [newKey(), newKey()];
        const object = await upload(12 * MIB + 1, 'sse-c', old);
        const request = { encryption: next.wish, oldCustomerKey: old.base64 };
        const { status, answer } = await rotateToEnd(world.url, object.uploadId, request);
        expect([status, answer]).toMatchObject([400, { code: 'rotation-unsupported' }]);
        await expectContent(object, object.key, 'sse-c', old);
        const uploader = createUploader({ coordinator: world.url });
        const encryption = { mode: 'sse-c', key: next.base64 } as const;
        const { result } = await uploader.rotate(object.uploadId, { encryption, oldKey: old.base64 }).result;
        // The ETag of parts that are cut as they were uploaded says that their content is.
        expect(result).toMatchObject({ key: `${object.key}.1`, proof: 'checksum' });
        await expectContent(object, `${object.key}.1`, 'sse-c', next);
        await expectNothingAt(object.key);
      });
    }

    it('changes nothing when the old key is another one, and rotates again from what it has become', async () => {
      const keys = [newKey(), newKey(), newKey()] as const;
      const object = await upload(6 * MIB, 'nothing', keys[0]);
      const { uploadId: nodeId } = object;
      const first = await rotateToEnd(world.url, nodeId, { encryption: keys[0].wish });
      expect(first).toMatchObject({ status: 200, answer: { generation: 1 } });
      const refused = await rotateToEnd(world.url, nodeId, {
        encryption: keys[1].wish,
        oldCustomerKey: keys[2].base64,
      });
      expect(refused.status).toBe(400);
      await expectContent(object, `${object.key}.1`, 'sse-c', keys[0]);
      if (!fromKey) return;
      const second = await rotateToEnd(world.url, nodeId, {
        encryption: keys[1].wish,
        oldCustomerKey: keys[0].base64,
      });
      expect(second).toMatchObject({
        status: 200,
        answer: { generation: 2, result: { key: `${object.key}.2` } },
      });
      await expectContent(object, `${object.key}.2`, 'sse-c', keys[1]);
      await expectNothingAt(`${object.key}.1`);
    });
  });
}
