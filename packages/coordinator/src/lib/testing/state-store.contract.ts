import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_OBJECT_SIZE_BYTES, MAX_PARTS, type PartPlan, type UploadState } from '@longhaul/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StoredPart } from '../ports/object-store.ts';
import type { HotUpload, StateStore } from '../ports/state-store.ts';

/** What a state store is like, for {@link describeStateStore}. */
export interface StateStoreTraits {
  /** It keeps a record of its own, beside the catalog's row. Default `true`. */
  readonly ownRecord?: boolean;
  /** Its records expire. Default `true`. */
  readonly expiry?: boolean;
}

/** A state store for one run of {@link describeStateStore}. */
export interface StateStoreFixture {
  readonly store: StateStore;
  /** Without `ownRecord`: how the suite makes an upload and moves it. */
  readonly catalog?: {
    /** Makes the upload, in UPLOADING. Answers what the store shall know of it. */
    begin(upload: HotUpload): Promise<HotUpload>;
    /** Moves it from UPLOADING to COMPLETING, and back. */
    moveTo(uploadId: string, state: 'COMPLETING' | 'UPLOADING'): Promise<void>;
  };
  /** With `expiry`. */
  readonly life?: {
    /** Life that a record is given by each change. */
    readonly ttlSeconds: number;
    /** Seconds that everything kept of the upload still lives. */
    remainingSeconds(uploadId: string): Promise<readonly number[]>;
    /** Leaves it only so many seconds. */
    shorten(uploadId: string, seconds: number): Promise<void>;
  };
  /** Closes the store and lets go of its server. */
  dispose(): Promise<void>;
}

/**
 * What every state store must do. Run it against an adapter of your own from a vitest file.
 *
 * @param name what the report calls the adapter
 * @param setup makes a store; other tests may use the same server, so every upload here has an id of its own
 * @param traits what it is like; what it is not is left out, or asserted
 * @example describeStateStore('Redis', () => createRedisFixture(url));
 */
export function describeStateStore(
  name: string,
  setup: () => Promise<StateStoreFixture>,
  traits: StateStoreTraits = {},
): void {
  const { ownRecord = true, expiry = true } = traits;
  describe(`state store contract: ${name}`, () => {
    let fixture: StateStoreFixture;
    let store: StateStore;
    let upload: HotUpload;

    beforeAll(async () => {
      fixture = await setup();
      store = fixture.store;
    });

    beforeEach(async () => {
      upload = await begin(hotUpload());
    });

    afterAll(async () => {
      await store.close();
      await fixture.dispose();
    });

    async function begin(draft: HotUpload): Promise<HotUpload> {
      if (fixture.catalog) return fixture.catalog.begin(draft);
      await store.restore(draft, []);
      return draft;
    }

    async function moveTo(state: 'COMPLETING' | 'UPLOADING'): Promise<void> {
      await fixture.catalog?.moveTo(upload.uploadId, state);
      await store.setStatus(upload.uploadId, state);
    }

    it('answers a ping', async () => {
      await store.ping();
    });

    describe('find', () => {
      it('gives back every field', async () => {
        expect(await store.find(upload.uploadId)).toEqual(upload);
      });

      it.each([
        undefined,
        { mode: 'sse-s3' },
        { mode: 'sse-kms', kmsKeyId: 'arn:aws:kms:eu:1:key/a"b' },
        { mode: 'sse-c', customerKeyMd5: 'AAAAAAAAAAAAAAAAAAAAAA==' },
      ] as const)('keeps the encryption %j', async (encryption) => {
        const encrypted = await begin({ ...hotUpload(), ...(encryption && { encryption }) });
        const found = await store.find(encrypted.uploadId);
        expect(found?.encryption).toEqual(encryption);
        expect(Object.hasOwn(found!, 'encryption')).toBe(encryption !== undefined);
      });

      it.each([0, 1, MAX_OBJECT_SIZE_BYTES])('keeps a size of %d bytes', async (sizeBytes) => {
        const sized = await begin({ ...hotUpload(), plan: { ...PLAN, sizeBytes } });
        expect((await store.find(sized.uploadId))?.plan).toEqual(sized.plan);
      });

      it.each([
        {
          sizeBytes: null,
          partSizeBytes: 5,
          doubleEvery: 2,
          maxSizeBytes: MAX_OBJECT_SIZE_BYTES,
          maxPartCount: 9,
        },
        { sizeBytes: null, partSizeBytes: 5, maxSizeBytes: 25, maxPartCount: 5 },
        { ...PLAN, doubleEvery: 1_000 },
      ])('keeps the plan %j', async (plan) => {
        const planned = await begin({ ...hotUpload(), plan });
        expect((await store.find(planned.uploadId))?.plan).toEqual(plan);
      });

      it('keeps names in any script, braces and quotes', async () => {
        const odd = `ключ/{x}:é文🗂️ "'\\ \r\n`;
        const named = await begin({ ...hotUpload(), owner: odd, s3Key: odd, s3UploadId: odd });
        expect(await store.find(named.uploadId)).toMatchObject({ owner: odd, s3Key: odd, s3UploadId: odd });
      });

      it('knows nothing of ids that it never saw', async () => {
        for (const id of [randomUUID(), 'no-uuid', `' OR 1=1 --`]) {
          expect(await store.find(id)).toBeUndefined();
          expect(await store.parts(id)).toEqual([]);
        }
      });
    });

    describe('record', () => {
      it('writes parts down and gives them back in order', async () => {
        expect(await store.record(upload.uploadId, [part(10), part(2)])).toEqual(recorded(2));
        expect(await store.record(upload.uploadId, [part(1)])).toEqual(recorded(3));
        expect(await store.parts(upload.uploadId)).toEqual([part(1), part(2), part(10)]);
      });

      it('keeps parts whose ETags are equal apart', async () => {
        const equal = [1, 2, 3].map((partNumber) => part(partNumber, '"same"'));
        expect(await store.record(upload.uploadId, equal)).toEqual(recorded(3));
        expect(await store.parts(upload.uploadId)).toEqual(equal);
      });

      it('lets the last write of a part win, and counts it once', async () => {
        await store.record(upload.uploadId, [part(1, '"old"'), part(2)]);
        const newer = { partNumber: 1, sizeBytes: 7, etag: '"new"' };
        expect(await store.record(upload.uploadId, [newer])).toEqual(recorded(2));
        expect(await store.parts(upload.uploadId)).toEqual([newer, part(2)]);
      });

      it('tells which parts are new, and takes a report that is repeated for none', async () => {
        expect(await store.record(upload.uploadId, [part(1), part(2)])).toEqual(recorded(2, [1, 2]));
        expect(await store.record(upload.uploadId, [part(1), part(2)])).toEqual(recorded(2, []));
        const resent = [part(1, '"another"'), part(2), part(3)];
        expect(await store.record(upload.uploadId, resent)).toEqual(recorded(3, [1, 3]));
        const summed: StoredPart = { ...part(3), checksum: { algorithm: 'CRC32', value: 'AAAAAA==' } };
        expect(await store.record(upload.uploadId, [summed])).toEqual(recorded(3, [3]));
        expect(await store.record(upload.uploadId, [])).toEqual(recorded(3, []));
      });

      it('only counts when there is nothing to write', async () => {
        expect(await store.record(upload.uploadId, [])).toEqual(recorded(0));
        await store.record(upload.uploadId, [part(1)]);
        expect(await store.record(upload.uploadId, [])).toEqual(recorded(1));
      });

      it('keeps an ETag as the store gave it', async () => {
        const odd = part(1, `"d41d8cd98f00b204e9800998ecf8427e-3" 'ü {"}:\\`);
        await store.record(upload.uploadId, [odd]);
        expect(await store.parts(upload.uploadId)).toEqual([odd]);
      });

      it(`takes ${MAX_PARTS} parts at once, and again`, async () => {
        const all = Array.from({ length: MAX_PARTS }, (_, index) => part(index + 1));
        expect(await store.record(upload.uploadId, all)).toEqual(recorded(MAX_PARTS));
        expect(await store.record(upload.uploadId, all)).toEqual(recorded(MAX_PARTS));
        expect(await store.parts(upload.uploadId)).toEqual(all);
      });

      it('loses nothing of what many report at once', async () => {
        const reports = Array.from({ length: 50 }, (_, index) => [part(index + 1), part(index + 2)]);
        await Promise.all(reports.map((parts) => store.record(upload.uploadId, parts)));
        expect(await store.parts(upload.uploadId)).toHaveLength(51);
      });

      it('keeps uploads apart', async () => {
        const other = await begin(hotUpload());
        await store.record(upload.uploadId, [part(1)]);
        expect(await store.parts(other.uploadId)).toEqual([]);
      });

      it('writes nothing when the upload is closed, and takes parts again when it reopens', async () => {
        await store.record(upload.uploadId, [part(1)]);
        await moveTo('COMPLETING');
        expect((await store.find(upload.uploadId))?.status).toBe('COMPLETING');
        const late = await store.record(upload.uploadId, [part(1, '"late"'), part(2)]);
        expect(late).toEqual({ kind: 'closed', status: 'COMPLETING' });
        expect(await store.parts(upload.uploadId)).toEqual([part(1)]);
        await moveTo('UPLOADING');
        expect(await store.record(upload.uploadId, [part(2)])).toEqual(recorded(2));
      });

      it('writes nothing without a record', async () => {
        for (const id of [randomUUID(), 'no-uuid']) {
          expect(await store.record(id, [part(1)])).toEqual({ kind: 'absent' });
          expect(await store.parts(id)).toEqual([]);
        }
      });
    });

    describe('restore', () => {
      it('adds what is missing and leaves what is there, which is newer', async () => {
        await store.record(upload.uploadId, [part(2, '"newer"')]);
        await store.restore(upload, [part(1, '"listed"'), part(2, '"listed"')]);
        expect(await store.parts(upload.uploadId)).toEqual([part(1, '"listed"'), part(2, '"newer"')]);
        expect(await store.record(upload.uploadId, [])).toEqual(recorded(2));
        expect(await store.find(upload.uploadId)).toEqual(upload);
      });

      it(`takes ${MAX_PARTS} parts`, async () => {
        const all = Array.from({ length: MAX_PARTS }, (_, index) => part(index + 1));
        await store.restore(upload, all);
        expect(await store.parts(upload.uploadId)).toEqual(all);
      });

      it('may run twice at once', async () => {
        const all = Array.from({ length: 100 }, (_, index) => part(index + 1));
        await Promise.all([store.restore(upload, all), store.restore(upload, all)]);
        expect(await store.parts(upload.uploadId)).toEqual(all);
      });
    });

    it('keeps how parts are digested', async () => {
      const digested = await begin({ ...hotUpload(), checksumAlgorithm: 'CRC64NVME' });
      expect(await store.find(digested.uploadId)).toEqual(digested);
      expect(await store.find(upload.uploadId)).not.toHaveProperty('checksumAlgorithm');
    });

    it('keeps the checksum of a part', async () => {
      const summed = { ...part(1), checksum: { algorithm: 'CRC32', value: 'jHNlIQ==' } } as const;
      await store.record(upload.uploadId, [summed, part(2)]);
      expect(await store.parts(upload.uploadId)).toEqual([summed, part(2)]);
      await store.restore(upload, [{ ...summed, partNumber: 3 }]);
      expect(await store.parts(upload.uploadId)).toEqual([summed, part(2), { ...summed, partNumber: 3 }]);
    });

    it('knows when parts were last written down', async () => {
      expect(await store.lastActiveAtEpochMs(upload.uploadId)).toBeUndefined();
      await store.record(upload.uploadId, [part(1)]);
      const first = await store.lastActiveAtEpochMs(upload.uploadId);
      expect(Math.abs(first! - Date.now())).toBeLessThan(60_000);
      await sleep(5);
      await store.record(upload.uploadId, [part(2)]);
      expect(await store.lastActiveAtEpochMs(upload.uploadId)).toBeGreaterThan(first!);
      expect(await store.lastActiveAtEpochMs(randomUUID())).toBeUndefined();
    });

    it('forgets the parts of an upload that has ended, and makes no record for one without', async () => {
      await store.record(upload.uploadId, [part(1)]);
      await store.finish(upload.uploadId, { status: 'COMPLETED', etag: '"e-1"', completedAtEpochMs: 1 });
      expect(await store.parts(upload.uploadId)).toEqual([]);
      const unknown = randomUUID();
      await store.finish(unknown, { status: 'FAILED', error: 'integrity' });
      expect(await store.find(unknown)).toBeUndefined();
    });

    it('forgets the parts of an upload that was removed, and removes it twice', async () => {
      await store.record(upload.uploadId, [part(1)]);
      await store.remove(upload.uploadId);
      await store.remove(upload.uploadId);
      expect(await store.parts(upload.uploadId)).toEqual([]);
    });

    if (ownRecord) {
      it('gives a record its size once that is known', async () => {
        const open = {
          sizeBytes: null,
          partSizeBytes: 5,
          doubleEvery: 2,
          maxSizeBytes: 25,
          maxPartCount: 3,
        } as const;
        const unknown = await begin({ ...hotUpload(), plan: open });
        await store.restore({ ...unknown, plan: PLAN }, []);
        expect((await store.find(unknown.uploadId))?.plan).toEqual(PLAN);
      });

      describe('a record of its own', () => {
        it('vanishes with remove', async () => {
          await store.remove(upload.uploadId);
          expect(await store.find(upload.uploadId)).toBeUndefined();
          expect(await store.record(upload.uploadId, [part(1)])).toEqual({ kind: 'absent' });
        });

        it('is not made by a change of status', async () => {
          const id = randomUUID();
          await store.setStatus(id, 'COMPLETING');
          expect(await store.find(id)).toBeUndefined();
        });

        it.each<UploadState>(['ABORTING', 'COMPLETED', 'CANCELLED', 'FAILED'])(
          'takes no parts as %s',
          async (status) => {
            await store.setStatus(upload.uploadId, status);
            expect(await store.record(upload.uploadId, [part(1)])).toEqual({ kind: 'closed', status });
          },
        );

        it('says that the upload has ended', async () => {
          await store.finish(upload.uploadId, { status: 'COMPLETED', etag: '"e-1"', versionId: 'v1' });
          expect(await store.find(upload.uploadId)).toEqual({ ...upload, status: 'COMPLETED' });
          const late = await store.record(upload.uploadId, [part(1)]);
          expect(late).toEqual({ kind: 'closed', status: 'COMPLETED' });
        });

        it('never takes back a token version', async () => {
          await store.restore({ ...upload, tokenVersion: upload.tokenVersion + 1 }, []);
          await store.restore(upload, []);
          expect(await store.find(upload.uploadId)).toEqual({
            ...upload,
            tokenVersion: upload.tokenVersion + 1,
          });
        });

        it('is replaced by restore', async () => {
          const changed = { ...upload, status: 'COMPLETING', tokenVersion: 2, s3UploadId: 'other' } as const;
          await store.restore(changed, []);
          expect(await store.find(upload.uploadId)).toEqual(changed);
        });
      });
    }

    if (!ownRecord) {
      describe("the catalog's row as the record", () => {
        it('is changed by the catalog alone', async () => {
          await store.setStatus(upload.uploadId, 'COMPLETING');
          await store.restore({ ...upload, status: 'COMPLETING', s3UploadId: 'other' }, []);
          await store.remove(upload.uploadId);
          expect(await store.find(upload.uploadId)).toEqual(upload);
        });
      });
    }

    if (expiry) {
      describe('life', () => {
        const changes: [string, () => Promise<unknown>][] = [
          ['record', () => store.record(upload.uploadId, [part(2)])],
          ['record of nothing', () => store.record(upload.uploadId, [])],
          ['restore', () => store.restore(upload, [part(3)])],
          ['setStatus', () => store.setStatus(upload.uploadId, 'COMPLETING')],
        ];

        it.each(changes)('is renewed by %s', async (_, change) => {
          const life = fixture.life!;
          await store.record(upload.uploadId, [part(1)]);
          await life.shorten(upload.uploadId, 60);
          await change();
          const left = await life.remainingSeconds(upload.uploadId);
          expect(left.length).toBeGreaterThan(0);
          for (const seconds of left) {
            expect(seconds).toBeGreaterThan(60);
            expect(seconds).toBeLessThanOrEqual(life.ttlSeconds);
          }
        });
      });
    }

    it('throws a StateStoreError once it is closed', async () => {
      const { store: closed, dispose } = await setup();
      await closed.close();
      await closed.close();
      await expect(closed.find(randomUUID())).rejects.toMatchObject({
        name: 'StateStoreError',
        cause: expect.anything(),
      });
      await dispose();
    });
  });
}

const PLAN: PartPlan = { sizeBytes: 20 * 1024 ** 2, partSizeBytes: 8 * 1024 ** 2, partCount: 3 };

function hotUpload(): HotUpload {
  const uploadId = randomUUID();
  return {
    uploadId,
    owner: 'owner',
    s3Key: `connectors/default/${uploadId}`,
    s3UploadId: `s3-${uploadId}`,
    status: 'UPLOADING',
    plan: PLAN,
    tokenVersion: 1,
    createdAtEpochMs: Date.now(),
  };
}

function part(partNumber: number, etag: string = `"etag-${partNumber}"`): StoredPart {
  return { partNumber, sizeBytes: 8 * 1024 ** 2, etag };
}

function recorded(receivedCount: number, newPartNumbers?: readonly number[]): unknown {
  return expect.objectContaining({
    kind: 'recorded',
    receivedCount,
    ...(newPartNumbers && { newPartNumbers }),
  });
}
