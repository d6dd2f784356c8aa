/** Rotations in buckets that keep versions, and in one whose objects may be locked. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CEPH_VERSIONED, MINIO_LOCKING, MINIO_VERSIONED, type StoreKind } from '../e2e/support/stores.ts';
import { newKey, rotateToEnd } from './support/rotate.ts';
import { openWorld, type RotationWorld } from './support/world.ts';

const MIB = 1024 ** 2;
const SETTINGS = { objectOptions: { allowed: ['objectLock'] as const } };

function open(store: StoreKind): () => RotationWorld {
  let world: RotationWorld;
  beforeAll(async () => {
    world = await openWorld(store, SETTINGS);
  });
  afterAll(() => world.close());
  return () => world;
}

/** Versions at a key, and how many of them hide the object. */
async function versionsAt({ store }: RotationWorld, key: string) {
  const Bucket = store.objectStore.bucket;
  const { Versions = [], DeleteMarkers = [] } = await store.owner.send(
    new ListObjectVersionsCommand({ Bucket, Prefix: key }),
  );
  const at = <Listed extends { Key?: string | undefined }>(listed: readonly Listed[]): Listed[] =>
    listed.filter(({ Key }) => Key === key);
  return {
    versionIds: at(Versions).map(({ VersionId }) => VersionId),
    markerCount: at(DeleteMarkers).length,
  };
}

for (const store of [CEPH_VERSIONED, MINIO_VERSIONED]) {
  const title = `rotations on ${store.name}${store.missing ? ` (${store.missing})` : ''}`;
  describe.skipIf(store.missing)(title, () => {
    const world = open(store);

    it.each([
      ['in one step', 300_000, false],
      ['by parts', 12 * MIB, false],
      ['by parts, and all versions of the old one are deleted', 12 * MIB, true],
    ])('%s', async (_how, sizeBytes, deleteVersions) => {
      const key = newKey();
      const { url, upload, store: opened, eventsOf, rowOf } = world();
      const object = await upload(sizeBytes);
      const { uploadId: nodeId, key: oldKey, versionId: previousVersionId } = object;
      expect(previousVersionId).toBeDefined();
      // The version that was proved is copied, and not what somebody has put over it.
      const Bucket = opened.objectStore.bucket;
      await opened.owner.send(new PutObjectCommand({ Bucket, Key: oldKey, Body: 'theirs' }));
      const { status, answer } = await rotateToEnd(url, nodeId, { encryption: key.wish, deleteVersions });
      expect([status, answer]).toMatchObject([200, { state: 'DONE' }]);
      const { versionId, key: newKeyOfObject } = answer.result!;
      expect(await opened.hashOf(newKeyOfObject, key.base64)).toBe(object.sha256);
      expect(await versionsAt(world(), newKeyOfObject)).toEqual({ versionIds: [versionId], markerCount: 0 });
      expect(await rowOf(nodeId)).toMatchObject({ versionId, s3Key: newKeyOfObject });
      expect((await eventsOf(nodeId)).at(-1)).toMatchObject({
        type: 'io.longhaul.encryption.rotated.v1',
        data: { versionId, previousKey: oldKey, previousVersionId },
      });
      const left = await versionsAt(world(), oldKey);
      if (deleteVersions) expect(left).toEqual({ versionIds: [], markerCount: 0 });
      else {
        expect(left.markerCount).toBe(1);
        expect(left.versionIds).toHaveLength(2);
        expect(left.versionIds).toContain(previousVersionId);
      }
      expect(await opened.objectStore.findListed({ key: oldKey })).toBeUndefined();
    });
  });
}

const title = `rotations on ${MINIO_LOCKING.name}${MINIO_LOCKING.missing ? ` (${MINIO_LOCKING.missing})` : ''}`;
describe.skipIf(MINIO_LOCKING.missing)(title, () => {
  const world = open(MINIO_LOCKING);
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

  async function lockOf(key: string, versionId: string | undefined) {
    const { store } = world();
    const where = { Bucket: store.objectStore.bucket, Key: key, VersionId: versionId };
    const ask = async <Answer>(answer: Promise<Answer>): Promise<Answer | undefined> =>
      await answer.catch(() => undefined);
    const retention = await ask(store.owner.send(new GetObjectRetentionCommand(where)));
    const hold = await ask(store.owner.send(new GetObjectLegalHoldCommand(where)));
    return {
      mode: retention?.Retention?.Mode,
      retainUntil: retention?.Retention?.RetainUntilDate?.getTime(),
      legalHold: hold?.LegalHold?.Status === 'ON',
    };
  }

  it.each([
    ['in one step', 300_000],
    ['by parts', 12 * MIB],
  ])('%s: the copy is locked as the object was, which stays and is told of', async (_how, sizeBytes) => {
    const retainUntil = inSeconds(60);
    const objectLock = { mode: 'COMPLIANCE', retainUntil, legalHold: true } as const;
    const object = await world().upload(sizeBytes, { objectOptions: { objectLock } });
    const [key, next] = [newKey(), newKey()];
    const { url } = world();
    const { answer } = await rotateToEnd(url, object.uploadId, {
      encryption: key.wish,
      deleteVersions: true,
    });
    expect(answer).toMatchObject({
      state: 'DONE',
      result: { key: `${object.key}.1` },
      lastError: expect.stringContaining(`the old object ${object.key} stays`),
    });
    const lock = { mode: 'COMPLIANCE', retainUntil: Date.parse(retainUntil), legalHold: true };
    expect(await lockOf(object.key, object.versionId)).toEqual(lock);
    expect(await lockOf(`${object.key}.1`, answer.result?.versionId)).toEqual(lock);
    expect(await world().store.hashOf(`${object.key}.1`, key.base64)).toBe(object.sha256);
    expect((await versionsAt(world(), object.key)).versionIds).toEqual([object.versionId]);

    // Hidden it can be: that is no deletion.
    const again = await rotateToEnd(url, object.uploadId, {
      encryption: next.wish,
      oldCustomerKey: key.base64,
    });
    expect(again.answer).toMatchObject({ state: 'DONE', generation: 2 });
    expect(again.answer.lastError).toBeUndefined();
    expect(await versionsAt(world(), `${object.key}.1`)).toMatchObject({ markerCount: 1 });
  });

  it.each([
    ['in one step', 300_000],
    ['by parts', 12 * MIB],
  ])('%s: a lock whose time is over stays behind, and the old object goes', async (_how, sizeBytes) => {
    const objectLock = { mode: 'COMPLIANCE', retainUntil: inSeconds(6) } as const;
    const object = await world().upload(sizeBytes, { objectOptions: { objectLock } });
    await sleep(Math.max(0, Date.parse(objectLock.retainUntil) - Date.now() + 1000));
    const key = newKey();
    const { url, store } = world();
    const { answer } = await rotateToEnd(url, object.uploadId, {
      encryption: key.wish,
      deleteVersions: true,
    });
    expect(answer).toMatchObject({ state: 'DONE', result: { key: `${object.key}.1` } });
    expect(answer.lastError).toBeUndefined();
    expect(await store.hashOf(`${object.key}.1`, key.base64)).toBe(object.sha256);
    expect((await lockOf(`${object.key}.1`, answer.result?.versionId)).mode).toBeUndefined();
    expect(await versionsAt(world(), object.key)).toEqual({ versionIds: [], markerCount: 0 });
  });
});
