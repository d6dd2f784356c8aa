import { createInterface } from 'node:readline';
import type { UploadDraft } from '../../src/lib/ports/catalog.ts';
import { createSqliteStore } from '../../src/sqlite.ts';

// A process beside another one. Says `ready`; each line of its input names a file to open and uploads to create in it,
// and is answered with one JSON line of what came of each.
const RECORDS_OF_EACH = 10;

async function work(path: string, drafts: readonly UploadDraft[]): Promise<unknown[]> {
  const { catalog, state } = createSqliteStore({ path });
  await catalog.migrate();
  const outcomes: unknown[] = [];
  for (const draft of drafts) {
    const { kind, record } = await catalog.insert(draft);
    await catalog.saveMultipart(record.uploadId, { s3UploadId: `of-${process.pid}` });
    for (let partNumber = 1; partNumber <= RECORDS_OF_EACH; partNumber += 1) {
      await state.record(record.uploadId, [{ partNumber, sizeBytes: 1, etag: '"e"' }]);
    }
    const begun = await catalog.beginCompletion(record.uploadId, { partsDigest: '', redriveAfterMs: 60_000 });
    outcomes.push({ kind, uploadId: record.uploadId, began: begun !== undefined });
  }
  await catalog.close();
  return outcomes;
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const { path, drafts } = JSON.parse(line) as { path: string; drafts: UploadDraft[] };
  console.log(JSON.stringify(await work(path, drafts)));
}
