import type { Checksum } from '@longhaul/protocol';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MultipartRef, ObjectStore, StoredPart } from '../ports/object-store.ts';
import type { FullObjectAlgorithm } from '../ports/store-profile.ts';
import {
  begin,
  bytesOf,
  complete,
  expectStored,
  FIVE_MIB,
  GRANT_SECONDS,
  newObject,
  type ObjectStoreHarness,
  putPart,
  type SetUpObjectStore,
} from './object-store-harness.ts';

/** Checksums of two parts, 5 MiB of zeros and the ASCII text `123456789`, and of both together; base64. */
const KNOWN: Readonly<Record<FullObjectAlgorithm, { zeros: string; text: string; whole: string }>> = {
  CRC32: { zeros: 'yTuzdQ==', text: 'y/Q5Jg==', whole: 'tTrQLA==' },
  CRC32C: { zeros: 'zqsFQg==', text: '4waSgw==', whole: 'khro8Q==' },
  CRC64NVME: { zeros: 'vqf3hRLTlJw=', text: 'rosUhgp5mIg=', whole: '2Cx3jK5cd8E=' },
};
const ALGORITHMS = Object.keys(KNOWN) as FullObjectAlgorithm[];
const ZEROS = new Uint8Array(FIVE_MIB);
const TEXT = new TextEncoder().encode('123456789');

/** What a store says of a body that is not what its checksum says; MinIO has a word of its own. */
const DAMAGED = /^(BadDigest|XAmzContentChecksumMismatch)$/;

/** Checksums of parts and of whole objects. */
export function describeChecksums(setUp: SetUpObjectStore): void {
  describe('checksums', () => {
    let harness: ObjectStoreHarness;
    beforeAll(async () => {
      harness = await setUp({ versioned: false });
    });
    afterAll(async () => {
      await harness.close();
    });

    async function send(part: Part): Promise<number> {
      const grant = await harness.trusting.signPart({
        ...part.ref,
        partNumber: 1,
        sizeBytes: part.body.byteLength,
        checksum: part.checksum,
        expiresInSeconds: GRANT_SECONDS,
      });
      const { status, s3Code } = await harness.send(grant, part.body);
      if (status === 200) expect(s3Code).toBeUndefined();
      else expect(s3Code).toMatch(DAMAGED);
      return status;
    }

    it('minds the MD5 of a part', async () => {
      const { objectStore } = harness;
      const ref = await begin(objectStore);
      const checksum = { algorithm: 'MD5', value: md5(bytesOf(10, 1)) } as const;
      expect(await send({ ref, body: bytesOf(10, 2), checksum })).toBe(
        objectStore.profile.contentMd5 ? 400 : 200,
      );
      expect(await send({ ref, body: bytesOf(10, 1), checksum })).toBe(200);
    });

    it('minds the MD5 of a whole object', async () => {
      const { objectStore } = harness;
      const object = newObject();
      const grant = await objectStore.signPut({
        ...object,
        sizeBytes: 10,
        checksum: { algorithm: 'MD5', value: md5(bytesOf(10, 1)) },
        expiresInSeconds: GRANT_SECONDS,
      });
      const wrong = await harness.send(grant, bytesOf(10, 2));
      if (objectStore.profile.contentMd5) {
        expect(wrong).toMatchObject({ status: 400, s3Code: 'BadDigest' });
        expect(await harness.send(grant, bytesOf(10, 1))).toMatchObject({ status: 200 });
      } else {
        expect(wrong).toMatchObject({ status: 200 });
      }
    });

    describe.each(ALGORITHMS)('%s', (algorithm) => {
      const known = KNOWN[algorithm];
      const right: Checksum = { algorithm, value: known.text };
      const wrong: Checksum = { algorithm, value: known.zeros };

      function verified(): boolean {
        return harness.objectStore.profile.fullObjectChecksums.includes(algorithm);
      }

      it('is compared for each part', async () => {
        const ref = await begin(harness.trusting, { checksumAlgorithm: algorithm });
        expect(await send({ ref, body: TEXT, checksum: wrong })).toBe(verified() ? 400 : 200);
        expect(await send({ ref, body: TEXT, checksum: right })).toBe(200);
        expect(await harness.objectStore.listParts(ref)).toHaveLength(1);
      });

      it('is compared for the whole of a multipart upload, and kept', async () => {
        const { objectStore, trusting } = harness;
        const { ref, parts } = await twoParts(harness, algorithm);
        const outcome = await complete(trusting, ref, parts, { checksum: wrong });
        if (!verified()) {
          const object = await expectStored(objectStore, ref.key, outcome);
          expect(object).not.toHaveProperty('checksum');
          return;
        }
        expect(outcome).toMatchObject({ kind: 'refused', s3Code: 'BadDigest' });
        expect(await objectStore.headObject(ref)).toBeUndefined();
        const checksum = { algorithm, value: known.whole };
        const object = await expectStored(
          objectStore,
          ref.key,
          await complete(objectStore, ref, parts, { checksum }),
        );
        expect(object.checksum).toEqual(checksum);
      });

      it('is compared for an object that is put, and kept', async () => {
        const { objectStore } = harness;
        const object = { ...newObject(), body: TEXT };
        const put = objectStore.putObject({ ...object, checksum: wrong });
        if (!verified()) {
          expect(await put).toMatchObject({ kind: 'stored' });
          return;
        }
        await expect(put).rejects.toMatchObject({ kind: 'refused', s3Code: 'BadDigest' });
        expect(await objectStore.putObject({ ...object, checksum: right })).toMatchObject({ kind: 'stored' });
        expect(await objectStore.headObject(object)).toMatchObject({ checksum: right });
      });

      it('is compared for a single PUT, and kept', async () => {
        const object = newObject();
        const wrongGrant = await signText(harness.trusting, object.key, wrong);
        const answer = await harness.send(wrongGrant, TEXT);
        if (!verified()) {
          expect(answer).toMatchObject({ status: 200 });
          return;
        }
        expect(answer).toMatchObject({ status: 400, s3Code: expect.stringMatching(DAMAGED) });
        const rightGrant = await signText(harness.objectStore, object.key, right);
        expect(rightGrant.headers).toMatchObject({
          [`x-amz-checksum-${algorithm.toLowerCase()}`]: known.text,
        });
        expect(await harness.send(rightGrant, TEXT)).toMatchObject({ status: 200 });
        expect(await harness.objectStore.headObject(object)).toMatchObject({ checksum: right });
      });
    });
  });
}

interface Part {
  readonly ref: MultipartRef;
  readonly body: Uint8Array;
  readonly checksum: Checksum;
}

async function twoParts(
  { trusting, send }: ObjectStoreHarness,
  algorithm: FullObjectAlgorithm,
): Promise<{ ref: MultipartRef; parts: StoredPart[] }> {
  const ref = await begin(trusting, { checksumAlgorithm: algorithm });
  const { zeros, text } = KNOWN[algorithm];
  const harness = { objectStore: trusting, send };
  const parts = [
    await putPart(harness, ref, { partNumber: 1, body: ZEROS, checksum: { algorithm, value: zeros } }),
    await putPart(harness, ref, { partNumber: 2, body: TEXT, checksum: { algorithm, value: text } }),
  ];
  return { ref, parts };
}

async function signText(
  objectStore: ObjectStore,
  key: string,
  checksum: Checksum,
): ReturnType<ObjectStore['signPut']> {
  return objectStore.signPut({
    ...newObject({ key }),
    sizeBytes: TEXT.byteLength,
    checksum,
    expiresInSeconds: GRANT_SECONDS,
  });
}

function md5(body: Uint8Array): string {
  return createHash('md5').update(body).digest('base64');
}
