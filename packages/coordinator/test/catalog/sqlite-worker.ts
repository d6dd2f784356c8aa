import { createInterface } from 'node:readline';
import type { UploadDraft } from '../../src/lib/ports/upload-record.ts';
import { createSqliteStore } from '../../src/sqlite.ts';

// A process beside another one. Says `ready`; each line of its input names a file to open and uploads to create or to
// finish in it, and is answered with one JSON line of what came of each.
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

async function finish(path: string, uploadIds: readonly string[]): Promise<unknown[]> {
  const { catalog } = createSqliteStore({ path });
  const outcomes: unknown[] = [];
  for (const uploadId of uploadIds) {
    const finished = await catalog.finishCompletion(uploadId, 1, { etag: '"e"', proof: 'size' });
    const claimed = await catalog.outbox.claim({ limit: 3, leaseMs: 3_600_000 });
    const told = claimed.map(({ event }) => event.data.nodeId);
    for (const { event } of claimed) await catalog.outbox.settle(event.id, { kind: 'sent' });
    outcomes.push({ finished: finished !== undefined, told });
  }
  await catalog.close();
  return outcomes;
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const { path, drafts, uploadIds } = JSON.parse(line) as {
    path: string;
    drafts?: UploadDraft[];
    uploadIds?: string[];
  };
  const outcomes = uploadIds ? await finish(path, uploadIds) : await work(path, drafts ?? []);
  console.log(JSON.stringify(outcomes));
}
