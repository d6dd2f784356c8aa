import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUploader } from '@longhaul/sdk';
import { type Backend, startBackend } from '../e2e/support/backend.ts';
import { hashOfFile, writeSparseFile } from '../e2e/support/files.ts';
import { MEMORIES } from '../e2e/support/memories.ts';
import { STORES } from '../e2e/support/stores.ts';
import type { SoakOptions, SoakReport } from './support/soak.ts';

export const name = 'large-uploads';

/** It goes through a disk, twice. */
export const leastSeconds = 180;

const PART_BYTES = 5 * 1024 ** 2;
/** One more than a page of ListParts holds. */
const PART_COUNT = 1_001;

/** Uploads of so many parts that their listing has two pages, completed by that listing alone: what was remembered of them is lost. */
export async function run({ seconds, log }: SoakOptions): Promise<SoakReport> {
  const untilMs = performance.now() + seconds * 1_000;
  const store = STORES.find((each) => each.name === 'versitygw');
  const memory = MEMORIES.at(-1);
  if (!store || store.missing || !memory || memory.missing)
    throw new Error('large uploads need versitygw, Postgres and Redis');
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-large-'));
  const backend = await startBackend(store, memory);
  const failures: string[] = [];
  let rounds = 0;
  try {
    const path = join(folder, 'large.bin');
    await writeSparseFile(path, PART_COUNT * PART_BYTES);
    const hash = await hashOfFile(path);
    while (rounds === 0 || performance.now() < untilMs) {
      const wrong = await uploadForgotten(backend, path, hash);
      log(`round ${rounds}: ${wrong ?? 'whole'}`);
      if (wrong) failures.push(`round ${rounds}: ${wrong}`);
      rounds++;
    }
  } finally {
    await backend.close();
    await rm(folder, { recursive: true });
  }
  return { rounds, failures };
}

/** What is wrong with the object, if anything is. */
async function uploadForgotten(
  { url, memory, store }: Backend,
  path: string,
  hash: string,
): Promise<string | undefined> {
  const uploader = createUploader({ coordinator: url, partSizeBytes: PART_BYTES });
  const upload = uploader.upload(path, { resume: false });
  // Just before completing: all that is known of the parts is what the store lists.
  const lost = new Promise<void>((resolve, reject) => {
    upload.on('state', ({ kind }) => {
      if (kind === 'completing') memory.state.remove(upload.uploadId ?? '').then(resolve, reject);
    });
  });
  const [{ key, partCount }] = await Promise.all([upload.result, lost]);
  const isWhole = (await store.hashOf(key)) === hash;
  await store.objectStore.deleteObject({ key });
  if (partCount !== PART_COUNT) return `${partCount} parts`;
  return isWhole ? undefined : 'the object is not the file';
}
