import { CUSTOMER_KEY_HEADERS, type Encryption } from '@longhaul/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MultipartRef, NewObject } from '../ports/object-store.ts';
import { Secret } from '../secret.ts';
import {
  begin,
  bytesOf,
  complete,
  FIVE_MIB,
  GRANT_SECONDS,
  newObject,
  type ObjectStoreHarness,
  putParts,
  sameBytes,
  type SetUpObjectStore,
} from './object-store-harness.ts';

/** A key of the caller's, and its MD5, both base64. Known to everybody who reads this. */
const KEY = { key: 'bG9uZ2hhdWwgY29udHJhY3Qgc3VpdGUga2V5IDAwMDE=', md5: 'yRDun2eU5r08MiKcrf1dgw==' };
const OTHER_KEY = { key: 'bG9uZ2hhdWwgY29udHJhY3Qgc3VpdGUga2V5IDAwMDI=', md5: 'Mk8K1r2rveaD0M9LyPVKMA==' };
const SSE_C: Encryption = { mode: 'sse-c', customerKeyMd5: KEY.md5 };

const withKey = (key: string): Record<string, string> => ({ [CUSTOMER_KEY_HEADERS.key]: key });

/** Encryption at rest: with keys of the store, of a key service, and of the caller's, which the adapter never sees. */
export function describeEncryption(setUp: SetUpObjectStore): void {
  describe('encryption', () => {
    let harness: ObjectStoreHarness;
    beforeAll(async () => {
      harness = await setUp({ versioned: false });
    });
    afterAll(async () => {
      await harness.close();
    });

    const encrypted = (mode: 'sse-s3' | 'sse-kms'): Encryption =>
      mode === 'sse-kms' && harness.kmsKeyId !== undefined ? { mode, kmsKeyId: harness.kmsKeyId } : { mode };

    it.each(['sse-s3', 'sse-kms'] as const)('%s: of parts, shown by HEAD or refused', async (mode) => {
      const { objectStore } = harness;
      const object = newObject({ encryption: encrypted(mode) });
      const store = async (): Promise<void> => {
        const ref = await begin(objectStore, object);
        await complete(objectStore, ref, await putParts(harness, ref, [bytesOf(1000, 1)]));
      };
      if (!objectStore.profile.encryption.includes(mode)) {
        const isRefused = await store().then(
          () => false,
          () => true,
        );
        const shown = (await objectStore.headObject(object))?.encryption;
        return expect(isRefused || shown === undefined).toBe(true);
      }
      await store();
      expect(await objectStore.headObject(object)).toMatchObject({ sizeBytes: 1000, encryption: mode });
      expect(sameBytes(await harness.read(object.key), bytesOf(1000, 1))).toBe(true);
    });

    it.each(['sse-s3', 'sse-kms'] as const)('%s: of whole objects, shown by HEAD', async (mode) => {
      const { objectStore, send } = harness;
      if (!objectStore.profile.encryption.includes(mode)) return;
      const put = newObject({ encryption: encrypted(mode) });
      await objectStore.putObject({ ...put, body: bytesOf(1000, 1) });
      const sent = newObject({ encryption: encrypted(mode) });
      const grant = await objectStore.signPut({ ...sent, sizeBytes: 1000, expiresInSeconds: GRANT_SECONDS });
      expect(await send(grant, bytesOf(1000, 2))).toMatchObject({ status: 200 });
      for (const object of [put, sent])
        expect(await objectStore.headObject(object)).toMatchObject({ encryption: mode });
    });

    describe('sse-c with a key that only the client has', () => {
      const isClaimed = ({ objectStore: { profile } }: ObjectStoreHarness): boolean =>
        profile.encryption.includes('sse-c') && profile.ssecBlind;
      const sign = async (object: NewObject) =>
        await harness.objectStore.signPut({ ...object, sizeBytes: 1000, expiresInSeconds: GRANT_SECONDS });
      const open = async (object: NewObject): Promise<MultipartRef> => {
        const call = await harness.objectStore.signCreate({ ...object, expiresInSeconds: GRANT_SECONDS });
        return { key: object.key, s3UploadId: (await harness.begin?.(call, withKey(KEY.key))) ?? '' };
      };

      it('takes parts with the key, and joins and lists them without', async () => {
        if (!isClaimed(harness)) return;
        const { objectStore, send } = harness;
        const object = newObject({ encryption: SSE_C, metadata: { 'node-id': 'n' } });
        const ref = await open(object);
        expect(await objectStore.listMultipartUploads({ prefix: object.key })).toMatchObject([ref]);
        const bodies = [bytesOf(FIVE_MIB, 1), bytesOf(1000, 2)];
        const parts = [];
        for (const [index, body] of bodies.entries()) {
          const part = { partNumber: index + 1, sizeBytes: body.byteLength };
          const grant = await objectStore.signPart({
            ...ref,
            ...part,
            encryption: SSE_C,
            expiresInSeconds: GRANT_SECONDS,
          });
          expect(grant.headers).toMatchObject({ [CUSTOMER_KEY_HEADERS.md5]: KEY.md5 });
          for (const wrong of [{}, withKey(OTHER_KEY.key)])
            expect((await send(grant, body, wrong)).status).toBeGreaterThanOrEqual(400);
          const answer = await send(grant, body, withKey(KEY.key));
          expect(answer).toMatchObject({ status: 200 });
          parts.push({ ...part, etag: answer.etag ?? '' });
        }
        expect(await objectStore.listParts(ref)).toMatchObject(parts);
        expect((await complete(objectStore, ref, parts)).kind).not.toBe('refused');
        const sizeBytes = FIVE_MIB + 1000;
        expect(await objectStore.findListed(object)).toMatchObject({
          sizeBytes,
          etag: expect.stringMatching(/^".+-2"$/),
        });
        await expect(objectStore.headObject(object)).rejects.toThrow();
        await expect(harness.read(object.key)).rejects.toThrow();
        await expect(harness.read(object.key, OTHER_KEY)).rejects.toThrow();
        expect(sameBytes(await harness.read(object.key, KEY), Buffer.concat(bodies))).toBe(true);
      });

      it('gives stretches of an object to whoever has the key', async () => {
        if (!isClaimed(harness)) return;
        const { objectStore, send, get } = harness;
        const object = newObject({ encryption: SSE_C });
        const { etag = '' } = await send(await sign(object), bytesOf(1000, 1), withKey(KEY.key));
        const { key } = object;
        const call = await objectStore.signGet({
          key,
          etag,
          encryption: SSE_C,
          expiresInSeconds: GRANT_SECONDS,
        });
        expect(call).toMatchObject({ method: 'GET', headers: { [CUSTOMER_KEY_HEADERS.md5]: KEY.md5 } });
        expect(JSON.stringify(call)).not.toContain(KEY.key);
        const range = { range: 'bytes=10-19' };
        for (const wrong of [{}, withKey(OTHER_KEY.key)])
          expect((await get(call, { ...wrong, ...range })).status).toBeGreaterThanOrEqual(400);
        const answer = await get(call, { ...withKey(KEY.key), ...range });
        expect(answer.status).toBe(206);
        expect(sameBytes(answer.bytes, bytesOf(1000, 1).subarray(10, 20))).toBe(true);
      });

      it('takes a whole object with the key, and with no other', async () => {
        const object = newObject({ encryption: SSE_C });
        const { objectStore, send } = harness;
        if (!isClaimed(harness)) {
          // It refuses the key, or takes it and gives the object to anybody.
          const { status } = await send(await sign(object), bytesOf(1000, 1), withKey(KEY.key));
          const isPlain = status === 200 && sameBytes(await harness.read(object.key), bytesOf(1000, 1));
          return expect(status >= 400 || isPlain).toBe(true);
        }
        for (const wrong of [{}, withKey(OTHER_KEY.key)]) {
          expect((await send(await sign(object), bytesOf(1000, 1), wrong)).status).toBeGreaterThanOrEqual(
            400,
          );
        }
        expect(await objectStore.findListed(object)).toBeUndefined();
        expect(await send(await sign(object), bytesOf(1000, 1), withKey(KEY.key))).toMatchObject({
          status: 200,
        });
        expect(await objectStore.findListed(object)).toMatchObject({ sizeBytes: 1000 });
        await expect(harness.read(object.key)).rejects.toThrow();
        expect(sameBytes(await harness.read(object.key, KEY), bytesOf(1000, 1))).toBe(true);
      });
    });

    it('sse-c with a key that the adapter is given: signed, used by each call, told in no grant', async () => {
      const { objectStore, send } = harness;
      if (!objectStore.profile.encryption.includes('sse-c')) return;
      const customerKey = new Secret(new Uint8Array(Buffer.from(KEY.key, 'base64')));
      const kind = { encryption: SSE_C, customerKey, metadata: { 'node-id': 'n' } };
      const [object, whole] = [newObject(kind), newObject(kind)];
      const sealed = { encryption: SSE_C, customerKey, expiresInSeconds: GRANT_SECONDS };
      const ref = await begin(objectStore, object);
      const part = { partNumber: 1, sizeBytes: 1000 };
      const grant = await objectStore.signPart({ ...ref, ...part, ...sealed });
      const single = await objectStore.signPut({ ...whole, ...sealed, sizeBytes: 1000 });
      for (const each of [grant, single]) {
        expect(new URL(each.url).searchParams.get('X-Amz-SignedHeaders')).toContain(CUSTOMER_KEY_HEADERS.key);
        expect(JSON.stringify(each)).not.toContain(KEY.key);
        for (const wrong of [{}, withKey(OTHER_KEY.key)])
          expect((await send(each, bytesOf(1000, 1), wrong)).status).toBeGreaterThanOrEqual(400);
      }
      expect(await send(single, bytesOf(1000, 1), withKey(KEY.key))).toMatchObject({ status: 200 });
      const answer = await send(grant, bytesOf(1000, 1), withKey(KEY.key));
      expect(answer).toMatchObject({ status: 200 });
      const parts = [{ ...part, etag: answer.etag ?? '' }];
      const outcome = await objectStore.completeMultipartUpload({
        ...ref,
        parts,
        sizeBytes: 1000,
        customerKey,
      });
      expect(outcome.kind).not.toBe('refused');
      for (const { key } of [object, whole]) {
        expect(await objectStore.headObject({ key, customerKey })).toMatchObject({
          sizeBytes: 1000,
          encryption: 'sse-c',
          metadata: { 'node-id': 'n' },
        });
        await expect(objectStore.headObject({ key })).rejects.toThrow();
        expect(sameBytes(await harness.read(key, KEY), bytesOf(1000, 1))).toBe(true);
      }
    });
  });
}
