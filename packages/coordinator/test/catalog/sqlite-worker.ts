import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { UploadDraft } from '../../src/lib/ports/catalog.ts';
import { createSqliteStore } from '../../src/sqlite.ts';

// A process beside another one. Says `ready`, and on the next line of its input opens the file and creates what that
// line lists; answers with one JSON line of what came of each.
console.log('ready');
const lines = createInterface({ input: process.stdin });
const [line] = (await once(lines, 'line')) as [string];
const { path, drafts } = JSON.parse(line) as { path: string; drafts: UploadDraft[] };
const { catalog, state } = createSqliteStore({ path });
await catalog.migrate();
const outcomes: unknown[] = [];
for (const draft of drafts) {
  const { kind, record } = await catalog.insert(draft);
  await catalog.saveMultipart(record.uploadId, { s3UploadId: `of-${process.pid}` });
  await state.record(record.uploadId, [{ partNumber: 1, sizeBytes: 1, etag: '"e"' }]);
  const begun = await catalog.beginCompletion(record.uploadId, { partsDigest: '', redriveAfterMs: 60_000 });
  outcomes.push({ kind, uploadId: record.uploadId, began: begun !== undefined });
}
await catalog.close();
lines.close();
console.log(JSON.stringify(outcomes));
