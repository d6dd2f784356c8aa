import { randomBytes } from 'node:crypto';
import { createUploader, UploadError } from '@longhaul/sdk';
import { afterEach, expect, it } from 'vitest';
import { byHeader, type HostileWorld, openWorld } from './support/world.ts';

const MIB = 1024 ** 2;

let world: HostileWorld;
afterEach(() => world.close());

const uploaderOf = () => createUploader({ coordinator: world.url, partSizeBytes: 5 * MIB, concurrency: 2 });

it('an honest client that is told to wait does, and ends', async () => {
  const statuses: number[] = [];
  const onCall = ({ status }: { readonly status: number }): void => void statuses.push(status);
  // Every second call comes too early, whatever the machine's pace.
  let calls = 0;
  const callLimiter = { take: async () => (calls++ % 2 === 0 ? 500 : 0) };
  const options = { authorize: byHeader, callsPerMinutePerOwner: 60, callLimiter, onCall };
  world = await openWorld('local-s3', options);
  const uploader = uploaderOf();
  const results = await Promise.all([7, 8, 9].map((size) => uploader.upload(randomBytes(size * MIB)).result));
  expect(results.map(({ sizeBytes }) => sizeBytes / MIB)).toEqual([7, 8, 9]);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(2);
});

it('over quota is an error of its own, and not tried again', async () => {
  let calls = 0;
  const authorize = (): string => `owner ${(calls++, 0)}`;
  world = await openWorld('local-s3', { authorize, maxOpenBytesPerOwner: 5 * MIB });
  const error: unknown = await uploaderOf()
    .upload(randomBytes(6 * MIB))
    .result.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UploadError);
  expect(error).toMatchObject({ code: 'COORDINATOR_REFUSED', problem: { code: 'quota-exceeded' } });
  expect(calls).toBe(1);
});

it('a device that an upload was taken from hears so, and the one that took it ends it', async () => {
  world = await openWorld();
  const content = randomBytes(64 * MIB);
  const lost = uploaderOf().upload(content);
  const outcome = lost.result.catch((error: unknown) => error);
  await new Promise<void>((resolve) => {
    lost.on('progress', ({ sentBytes }) => sentBytes > 0 && resolve());
  });
  const { sizeBytes } = await uploaderOf().upload(content, { takeover: true }).result;
  expect(sizeBytes).toBe(content.byteLength);
  expect(await outcome).toMatchObject({ code: 'COORDINATOR_REFUSED', problem: { code: 'token-invalid' } });
  expect((await world.effects()).objects).toHaveLength(1);
});
