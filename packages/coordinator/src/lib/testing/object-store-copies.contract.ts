import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Encryption } from '@longhaul/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CustomerKey } from '../ports/key-vault.ts';
import type { NewObject } from '../ports/object-store.ts';
import { Secret } from '../secret.ts';
import {
  begin,
  bytesOf,
  FIVE_MIB,
  newObject,
  type ObjectStoreHarness,
  sameBytes,
  type SetUpObjectStore,
} from './object-store-harness.ts';

const SIZE_BYTES = FIVE_MIB + 1000;
const CONTENT = bytesOf(SIZE_BYTES, 3);

interface Sealed {
  readonly encryption: Encryption;
  readonly customerKey: CustomerKey;
  /** As the harness reads with it. */
  readonly reader: { readonly key: string; readonly md5: string };
}

/** A key of the caller's, known to everybody who reads this. */
function sealedBy(name: string): Sealed {
  const bytes = createHash('sha256').update(`longhaul contract ${name}`).digest();
  const md5 = createHash('md5').update(bytes).digest('base64');
  return {
    encryption: { mode: 'sse-c', customerKeyMd5: md5 },
    customerKey: new Secret(new Uint8Array(bytes)),
    reader: { key: bytes.toString('base64'), md5 },
  };
}

const [OLD, NEW] = [sealedBy('old'), sealedBy('new')];

/** Copies at the store, and what is left when all versions are deleted. */
export function describeCopies(setUp: SetUpObjectStore): void {
  describe('copies', () => {
    let harness: ObjectStoreHarness;
    beforeAll(async () => {
      harness = await setUp({ versioned: false });
    });
    afterAll(async () => {
      await harness.close();
    });

    const sealing = ({ encryption, customerKey }: Sealed): Pick<NewObject, 'encryption' | 'customerKey'> => ({
      encryption,
      customerKey,
    });
    const put = async (sealed?: Sealed): Promise<NewObject> => {
      const object = newObject({ metadata: { 'node-id': 'old' }, ...(sealed && sealing(sealed)) });
      await harness.objectStore.putObject({ ...object, body: CONTENT });
      return object;
    };
    const copy = async (from: NewObject, sealed?: Sealed): Promise<NewObject> => {
      const { objectStore } = harness;
      const to = newObject({ metadata: { 'node-id': 'new' }, ...(sealed && sealing(sealed)) });
      const { etag = '' } = (await objectStore.headObject(from)) ?? {};
      const source = { key: from.key, etag, ...(from.customerKey && { customerKey: from.customerKey }) };
      const ref = await begin(objectStore, to);
      const key = sealed && { customerKey: sealed.customerKey };
      const ends = [0, FIVE_MIB, SIZE_BYTES];
      for (const partNumber of [1, 2]) {
        const range = { start: ends[partNumber - 1]!, end: ends[partNumber]! };
        await objectStore.copyPart({ ...ref, partNumber, source, range, ...key });
      }
      const parts = (await objectStore.listParts(ref)) ?? [];
      expect(parts.map(({ sizeBytes }) => sizeBytes)).toEqual([FIVE_MIB, 1000]);
      const outcome = await objectStore.completeMultipartUpload({
        ...ref,
        parts,
        sizeBytes: SIZE_BYTES,
        ...key,
      });
      expect(outcome.kind).not.toBe('refused');
      return to;
    };

    it('under another key with other metadata, and the source stays', async () => {
      const from = await put();
      const to = await copy(from);
      for (const [{ key }, name] of [
        [from, 'old'],
        [to, 'new'],
      ] as const) {
        const head = await harness.objectStore.headObject({ key });
        expect(head).toMatchObject({ sizeBytes: SIZE_BYTES, metadata: { 'node-id': name } });
        expect(head?.contentType).toBe(from.contentType);
        expect(sameBytes(await harness.read(key), CONTENT)).toBe(true);
      }
    });

    it('only of the source that is meant', async () => {
      const from = await put();
      const { objectStore } = harness;
      if (objectStore.profile.copyIgnores?.includes('if-match')) return;
      const source = { key: from.key, etag: '"00000000000000000000000000000000"' };
      const to = newObject();
      const refused = { name: 'ObjectStoreError', kind: 'refused' };
      const ref = await begin(objectStore, to);
      const range = { start: 0, end: 1000 };
      await expect(objectStore.copyPart({ ...ref, partNumber: 1, source, range })).rejects.toMatchObject(
        refused,
      );
      return expect(await objectStore.listParts(ref)).toEqual([]);
    });

    it('under the checksum of the whole, where the profile says so', async () => {
      const { objectStore } = harness;
      const { fullObjectChecksums, copyIgnores } = objectStore.profile;
      const [algorithm] = fullObjectChecksums.filter((name) => name === 'CRC32');
      if (!algorithm) return;
      const from = await put();
      const to = newObject();
      const { s3UploadId } = await objectStore.createMultipartUpload({ ...to, checksumAlgorithm: algorithm });
      const ref = { key: to.key, s3UploadId };
      const range = { start: 0, end: SIZE_BYTES };
      const copied = objectStore.copyPart({ ...ref, partNumber: 1, source: { key: from.key }, range });
      if (copyIgnores?.includes('checksum'))
        return await expect(copied).rejects.toMatchObject({ kind: 'refused' });
      await copied;
      const parts = (await objectStore.listParts(ref)) ?? [];
      const value = Buffer.alloc(4);
      value.writeUInt32BE(crc32(CONTENT));
      const checksum = { algorithm, value: value.toString('base64') };
      const whole = { ...ref, parts, sizeBytes: SIZE_BYTES, checksum };
      expect((await objectStore.completeMultipartUpload(whole)).kind).not.toBe('refused');
      return expect(await objectStore.headObject(to)).toMatchObject({ sizeBytes: SIZE_BYTES, checksum });
    });

    it('of a plain object to one under a key of the caller', async () => {
      const { objectStore } = harness;
      if (!objectStore.profile.encryption.includes('sse-c')) return;
      const to = await copy(await put(), NEW);
      expect(await objectStore.headObject(to)).toMatchObject({ encryption: 'sse-c', sizeBytes: SIZE_BYTES });
      await expect(harness.read(to.key)).rejects.toThrow();
      expect(sameBytes(await harness.read(to.key, NEW.reader), CONTENT)).toBe(true);
    });

    it('from one key of the caller to another where the profile says so', async () => {
      const { objectStore } = harness;
      if (!objectStore.profile.encryption.includes('sse-c')) return;
      const from = await put(OLD);
      if (!objectStore.profile.ssecCopy) return await expect(copy(from, NEW)).rejects.toThrow();
      const to = await copy(from, NEW);
      await expect(harness.read(to.key, OLD.reader)).rejects.toThrow();
      expect(sameBytes(await harness.read(to.key, NEW.reader), CONTENT)).toBe(true);
      const { encryption: _, customerKey: __, ...unopened } = from;
      await expect(copy({ ...unopened }, NEW)).rejects.toThrow();
    });

    it('all versions of a key are deleted, and those of other keys stay', async () => {
      const versioned = harness.objectStore.profile.versioning ? await setUp({ versioned: true }) : harness;
      const { objectStore } = versioned;
      const object = newObject();
      const longer = newObject({ key: `${object.key}.1` });
      const body = bytesOf(100, 1);
      const first = await objectStore.putObject({ ...object, body });
      await objectStore.putObject({ ...longer, body });
      await objectStore.deleteObject(object);
      await objectStore.putObject({ ...object, body });
      for (const _ of [1, 2]) await objectStore.deleteVersions(object);
      expect(await objectStore.headObject(object)).toBeUndefined();
      if (first.kind === 'stored' && first.versionId !== undefined) {
        const version = { key: object.key, versionId: first.versionId };
        expect(await objectStore.headObject(version).catch(() => undefined)).toBeUndefined();
      }
      expect(await objectStore.headObject(longer)).toMatchObject({ sizeBytes: 100 });
      if (versioned !== harness) await versioned.close();
    });
  });
}
