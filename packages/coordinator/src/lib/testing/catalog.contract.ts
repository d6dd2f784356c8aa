import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { describeCompletion } from './catalog-completion.contract.ts';
import { begin, exampleDraft, type SetUpCatalog, useCatalogPair } from './catalog-harness.ts';
import { describeInsert } from './catalog-insert.contract.ts';
import { describeOpenUploads } from './catalog-open-uploads.contract.ts';
import { describeOpening } from './catalog-opening.contract.ts';
import { describeQuota } from './catalog-quota.contract.ts';
import { describeSweep } from './catalog-sweep.contract.ts';
import { describeRotations } from './catalog-rotations.contract.ts';
import { describeOutbox } from './outbox.contract.ts';

export { type CatalogFixture, exampleDraft, type SetUpCatalog } from './catalog-harness.ts';

/**
 * What every catalog must do, its outbox included. Run it against an adapter of your own from a vitest file.
 *
 * @param name what the report calls the adapter
 * @param setUp makes an empty database; called several times
 * @example describeCatalog('Postgres', () => createPostgresFixture(url));
 */
export function describeCatalog(name: string, setUp: SetUpCatalog): void {
  describe(`catalog contract: ${name}`, () => {
    describe('database', () => describeDatabase(setUp));
    describe('create', () => describeInsert(setUp));
    describe('quotas', () => describeQuota(setUp));
    describe('open uploads', () => describeOpening(setUp));
    describe('completing uploads', () => describeCompletion(setUp));
    describe('sweeping', () => describeSweep(setUp));
    describe('figures', () => describeOpenUploads(setUp));
    describe('outbox', () => describeOutbox(setUp));
    describe('rotations', () => describeRotations(setUp));
  });
}

function describeDatabase(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  afterEach(() => {
    vi.useRealTimers();
  });

  it('is migrated by many at once', async () => {
    const fixture = await setUp();
    const crowd = Array.from({ length: 20 }, () => fixture.open());
    await Promise.all(crowd.map((catalog) => catalog.migrate()));
    const installations = await Promise.all(crowd.map((catalog) => catalog.installation()));
    expect(new Set(installations.map(({ installationId }) => installationId)).size).toBe(1);
    await Promise.all(crowd.map((catalog) => catalog.close()));
    await fixture.dispose();
  });

  describe('migrate', () => {
    it('keeps the rows when it runs again', async () => {
      const { record } = await pair.first.insert(exampleDraft());
      await pair.second.migrate();
      expect(await pair.first.find(record.uploadId)).toEqual(record);
    });

    it('names the database once, and since when it is one', async () => {
      const installation = await pair.first.installation();
      expect(installation).toEqual({
        installationId: expect.stringMatching(
          /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
        ),
        createdAtEpochMs: expect.any(Number),
      });
      await pair.second.migrate();
      expect(await pair.second.installation()).toEqual(installation);
      const { record } = await pair.first.insert(exampleDraft());
      expect(installation.createdAtEpochMs).toBeLessThanOrEqual(record.createdAtEpochMs);
    });

    it('answers a ping', async () => {
      await pair.first.ping();
    });
  });

  it("takes its times from the database's clock, not from this process", async () => {
    const realNowMs = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: 0 });
    const { uploadId } = await begin(pair.first, 'UPLOADING');
    await pair.first.recordGrant(uploadId, { expiresInSeconds: 60 });
    const begun = await pair.first.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: 60_000 });
    const done = await pair.first.finishCompletion(uploadId, 1, { etag: 'e', proof: 'size' });
    vi.useRealTimers();
    const times = [
      begun?.createdAtEpochMs,
      begun?.expiresAtEpochMs,
      begun?.completeSentAtEpochMs,
      begun?.nextAttemptAtEpochMs,
      begun?.grantsExpireAtEpochMs,
      done?.completedAtEpochMs,
    ];
    for (const timeMs of times) {
      expect(timeMs).toBeGreaterThan(realNowMs - 3_600_000);
      expect(Number.isSafeInteger(timeMs)).toBe(true);
    }
  });

  it('throws a CatalogError once it is closed, and closes twice', async () => {
    const closed = pair.fixture.open();
    await closed.close();
    await closed.close();
    await expect(closed.find(randomUUID())).rejects.toMatchObject({
      name: 'CatalogError',
      cause: expect.anything(),
    });
    await expect(closed.ping()).rejects.toMatchObject({ name: 'CatalogError' });
  });
}
