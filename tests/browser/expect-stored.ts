import { expect } from 'vitest';
import type { TestOutcome } from './page/test-page-api.ts';
import type { TestFile } from './test-file.ts';
import type { UploadWorld } from './upload-world.ts';

/** The page was told of an object, and the object is the file. */
export async function expectStored(
  world: UploadWorld,
  { sizeBytes, sha256 }: TestFile,
  { result, error }: TestOutcome,
): Promise<void> {
  expect(error).toBeUndefined();
  expect(await world.read(result?.key ?? '')).toMatchObject({ sizeBytes, sha256 });
}
