import { expect } from 'vitest';
import type { Catalog } from '../../src/lib/ports/catalog.ts';
import { exampleDraft } from '../../src/lib/testing/catalog.contract.ts';

/** Walks an upload through each state and looks at the column `status`, which other programs read. */
export async function expectStatusColumn(
  catalog: Catalog,
  statusOf: (uploadId: string) => Promise<unknown>,
): Promise<void> {
  const begin = async (): Promise<string> => (await catalog.insert(exampleDraft())).record.uploadId;
  const completed = await begin();
  expect(await statusOf(completed)).toBe('PENDING');
  await catalog.saveMultipart(completed, { s3UploadId: 's3' });
  expect(await statusOf(completed)).toBe('PENDING');
  await catalog.beginCompletion(completed, { partsDigest: '', redriveAfterMs: 60_000 });
  expect(await statusOf(completed)).toBe('PENDING');
  await catalog.finishCompletion(completed, 1, { etag: '"e"', proof: 'size' });
  expect(await statusOf(completed)).toBe('ACTIVE');

  const failed = await begin();
  await catalog.openWithoutMultipart(failed);
  await catalog.beginCompletion(failed, { partsDigest: '', redriveAfterMs: 60_000 });
  await catalog.fail(failed, 1, { lastError: 'integrity', quietForMs: 0 });
  expect(await statusOf(failed)).toBe('FAILED');

  const cancelled = await begin();
  await catalog.beginAbort(cancelled, { to: 'CANCELLED', redriveAfterMs: 60_000 });
  expect(await statusOf(cancelled)).toBe('PENDING');
  await catalog.finishAbort(cancelled);
  expect(await statusOf(cancelled)).toBe('CANCELLED');

  const expired = await begin();
  await catalog.beginAbort(expired, { to: 'EXPIRED', redriveAfterMs: 60_000 });
  await catalog.finishAbort(expired);
  expect(await statusOf(expired)).toBe('EXPIRED');
}
