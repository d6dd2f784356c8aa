import { exampleDraft } from '../../src/lib/testing/catalog.contract.ts';
import { describeStateStore, type StateStoreFixture } from '../../src/lib/testing/state-store.contract.ts';
import type { Catalog } from '../../src/lib/ports/catalog.ts';
import { createSqliteStore } from '../../src/sqlite.ts';

describeStateStore(
  'SQLite',
  async () => {
    const { catalog, state } = createSqliteStore({ path: ':memory:' });
    await catalog.migrate();
    return { store: state, catalog: ownerOfRows(catalog), dispose: () => catalog.close() };
  },
  { ownRecord: false, expiry: false },
);

const REFUSAL = { lastError: 'refused', attemptOverAfterMs: 60_000, redriveAfterMs: 60_000 };

function ownerOfRows(catalog: Catalog): NonNullable<StateStoreFixture['catalog']> {
  return {
    async begin(upload) {
      await catalog.insert({ ...exampleDraft(), ...upload });
      const record = await catalog.saveMultipart(upload.uploadId, upload);
      return { ...upload, createdAtEpochMs: record!.createdAtEpochMs };
    },
    async moveTo(uploadId, state) {
      if (state === 'UPLOADING') await catalog.refuseCompletion(uploadId, 1, REFUSAL);
      else await catalog.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: 60_000 });
    },
  };
}
