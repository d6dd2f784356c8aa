import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createUploader, type NodeUploaderOptions } from '@longhaul/sdk';
import { createRandom } from '../simulation/engine/random.ts';
import { uploadThroughChaos } from './support/chaos.ts';
import { type Fault, http, PASS, type Passing } from './support/wire.ts';
import { sha256, startWorld, type World, type WorldOptions } from './support/world.ts';

const MIB = 1024 ** 2;
const PART = 5 * MIB;
const content = randomBytes(2 * PART + 1_000);
const QUICK: Partial<NodeUploaderOptions> = {
  partSizeBytes: PART,
  stallTimeoutMs: 400,
  retry: { baseDelayMs: 5, throttledBaseDelayMs: 5 },
};
const STORM: Fault = {
  kind: 'say',
  isAsked: false,
  bytes: http(503, '<Error><Code>SlowDown</Code></Error>').replace('\r\n', '\r\nretry-after: 1\r\n'),
  ending: 'end',
};
const PAGE: Fault = {
  kind: 'say',
  isAsked: false,
  bytes: http(200, '<h1>Log in</h1>', 'text/html'),
  ending: 'end',
};

/** A world of a test's own, gone with it: tests here run side by side. */
async function inWorld(options: WorldOptions, use: (world: World) => Promise<void>): Promise<void> {
  const world = await startWorld({
    ...options,
    store: { maxAttempts: 2, completeTimeoutMs: 2_000, ...options.store },
  });
  try {
    await use(world);
  } finally {
    await world.stop();
  }
}

/** Faults for those requests that are meant, as long as they last; `seen` counts what was meant. */
function faults(isMeant: (passing: Passing) => boolean, queue: readonly Fault[]) {
  const left = [...queue];
  let seen = 0;
  const faultOf = (passing: Passing): Fault => {
    if (!isMeant(passing)) return PASS;
    seen++;
    return left.shift() ?? PASS;
  };
  return { faultOf, seen: () => seen, left: () => left.length };
}

/** Uploads, and compares what everybody says of it. */
async function expectVerified(
  world: World,
  bytes: Uint8Array = content,
  options: Partial<NodeUploaderOptions> = {},
): Promise<void> {
  const handle = createUploader({ coordinator: world.coordinator, ...QUICK, ...options }).upload(bytes);
  const { key, etag } = await handle.result;
  expect(await world.hashOf(key)).toBe(sha256(bytes));
  expect(await world.catalog.find(handle.uploadId!)).toMatchObject({ state: 'COMPLETED', etag });
  const events = (await world.events()).filter(({ data }) => data.uploadId === handle.uploadId);
  expect(events.map(({ type }) => type)).toEqual(['io.longhaul.upload.completed.v1']);
  await world.sweep();
  expect(await world.openUploads()).toBe(0);
}

const isPut = ({ method }: Passing): boolean => method === 'PUT';
const seed = String(Date.now());
const random = createRandom(seed);
const someByte = (): number => random.int(1, PART - 1);
const CUT: Fault = { kind: 'cut-answer', afterBytes: 0 };

describe.concurrent(`between client and store (seed ${seed})`, () => {
  it.each<[string, Fault[]]>([
    ['resets in the middle of parts', [1, 2, 3].map(() => ({ kind: 'reset', afterBytes: someByte() }))],
    ['stalls', [1, 2].map(() => ({ kind: 'stall' }))],
    ['answers that come drop by drop', [1, 2].map(() => ({ kind: 'drip-answer', pauseMs: 100 }))],
    ['answers that are lost', [0, 20, 60].map((afterBytes) => ({ kind: 'cut-answer', afterBytes }))],
    ['a storm of 503 with Retry-After', Array.from({ length: 5 }, () => STORM)],
  ])('survives %s, and sends again no more than what was hit', async (_what, queue) => {
    const { faultOf, seen, left } = faults(isPut, queue);
    await inWorld({ clientToStore: faultOf }, async (world) => {
      await expectVerified(world);
      expect(left()).toBe(0);
      expect(seen()).toBe(3 + queue.length);
      expect(world.clientToStore.sentBytes()).toBeLessThanOrEqual(content.byteLength + queue.length * PART);
    });
  });

  it('says that it was the store when the wire is dead, and goes on where it stopped when it is not', async () => {
    let isDead = true;
    const killsAllButFirst = (passing: Passing): Fault =>
      isDead && isPut(passing) && passing.url.searchParams.get('partNumber') !== '1'
        ? { kind: 'reset', afterBytes: 1 }
        : PASS;
    await inWorld({ clientToStore: killsAllButFirst }, async (world) => {
      const retry = { baseDelayMs: 5, maxAttempts: 3 };
      const first = createUploader({ coordinator: world.coordinator, ...QUICK, retry }).upload(content);
      await expect(first.result).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
      expect(await world.events()).toEqual([]);
      isDead = false;
      await expectVerified(world);
      expect((await world.events()).map(({ data }) => data.uploadId)).toEqual([first.uploadId]);
    });
  });

  it('catches a flipped bit in a single PUT, whose digest is signed, and sends it again', async () => {
    const { faultOf, seen } = faults(isPut, [{ kind: 'flip', atByte: random.int(0, MIB - 1) }]);
    await inWorld({ clientToStore: faultOf }, async (world) => {
      await expectVerified(world, randomBytes(MIB));
      expect(seen()).toBe(2);
    });
  });

  it('catches a flipped bit in a part, sends that part again alone, and proves the whole', async () => {
    const { faultOf, seen } = faults(isPut, [{ kind: 'flip', atByte: random.int(0, 1_000) }]);
    await inWorld({ clientToStore: faultOf }, async (world) => {
      const { coordinator } = world;
      const uploader = createUploader({ coordinator, ...QUICK, stallTimeoutMs: 20_000 });
      const result = await uploader.upload(content).result;
      expect(result).toMatchObject({ proof: 'checksum', checksum: { algorithm: 'CRC32' } });
      expect(await world.hashOf(result.key)).toBe(sha256(content));
      expect(seen()).toBe(4);
      expect(world.clientToStore.sentBytes()).toBeLessThanOrEqual(content.byteLength + PART);
    });
  });

  it('does not catch it without integrity, and claims no more than the size', async () => {
    const { faultOf } = faults(isPut, [{ kind: 'flip', atByte: random.int(0, 1_000) }]);
    await inWorld({ clientToStore: faultOf }, async (world) => {
      const { coordinator } = world;
      const uploader = createUploader({ coordinator, ...QUICK, stallTimeoutMs: 20_000, integrity: false });
      const result = await uploader.upload(content).result;
      expect(result).toMatchObject({ proof: 'size', sizeBytes: content.byteLength });
      expect(await world.hashOf(result.key)).not.toBe(sha256(content));
    });
  });
});

/** What goes wrong with calls that carry no bytes of the file. */
const CONTROL_FAULTS: [string, Fault[]][] = [
  ['reset', [0, 30].map((afterBytes) => ({ kind: 'reset', afterBytes }))],
  ['cut before its answer', [CUT, CUT]],
  ['cut within its answer', [40, 90].map((afterBytes) => ({ kind: 'cut-answer', afterBytes }))],
  ['answered drop by drop', [{ kind: 'drip-answer', pauseMs: 1 }]],
  ['stormed with 503', [STORM, STORM, STORM]],
  ['answered by somebody else', [PAGE]],
];

type Meant = (passing: Passing) => boolean;

function withEachFault(calls: Readonly<Record<string, Meant>>): [string, string, Meant, Fault[]][] {
  return Object.entries(calls).flatMap(([call, isMeant]) =>
    CONTROL_FAULTS.map(([fault, queue]): [string, string, Meant, Fault[]] => [call, fault, isMeant, queue]),
  );
}

const isCreate: Meant = ({ method, url }) => method === 'POST' && url.searchParams.has('uploads');
const isComplete: Meant = ({ method, url }) => method === 'POST' && url.searchParams.has('uploadId');

describe.concurrent('between coordinator and store', () => {
  it.each(
    withEachFault({
      CreateMultipartUpload: isCreate,
      CompleteMultipartUpload: isComplete,
      HeadObject: ({ method }) => method === 'HEAD',
      PutObject: isPut,
    }),
  )('%s may be %s', async (call, _fault, isMeant, queue) => {
    const { faultOf, seen } = faults(isMeant, queue);
    await inWorld({ coordinatorToStore: faultOf }, async (world) => {
      await expectVerified(world, call === 'PutObject' ? randomBytes(1_000) : content);
      expect(seen()).toBeGreaterThan(0);
    });
  });

  it.each([
    ['CreateMultipartUpload', isCreate],
    ['CompleteMultipartUpload', isComplete],
  ])('%s may be swallowed, and is given up in time', async (_call, isMeant) => {
    const { faultOf, seen } = faults(isMeant, [{ kind: 'stall' }]);
    const store = { createTimeoutMs: 1_000, completeTimeoutMs: 1_000 };
    await inWorld({ coordinatorToStore: faultOf, store }, async (world) => {
      await expectVerified(world);
      expect(seen()).toBeGreaterThan(1);
    });
  });
});

describe.concurrent('between client and coordinator', () => {
  it.each(
    withEachFault({
      create: ({ method, url }) => method === 'POST' && url.pathname === '/v1/uploads',
      parts: ({ url }) => url.pathname.endsWith('/parts'),
      complete: ({ url }) => url.pathname.endsWith('/complete'),
    }),
  )('%s may be %s', async (_call, _fault, isMeant, queue) => {
    const { faultOf, left } = faults(isMeant, queue);
    await inWorld({ clientToCoordinator: faultOf }, async (world) => {
      // One part at a time: more parts than could be asked for when the upload was created.
      await expectVerified(world, content, { concurrency: 1 });
      expect(left()).toBe(0);
    });
  });

  it.each(CONTROL_FAULTS)('a cancel may be %s', async (_fault, queue) => {
    const { faultOf, left } = faults(({ method }) => method === 'DELETE', queue);
    await inWorld({ clientToCoordinator: faultOf }, async (world) => {
      const { coordinator } = world;
      const handle = createUploader({ coordinator, ...QUICK, maxBytesPerSecond: MIB }).upload(content);
      handle.result.catch(() => undefined);
      await new Promise<void>((resolve) => handle.on('state', ({ kind }) => kind === 'sending' && resolve()));
      expect(await handle.cancel()).toBe('cancelled');
      await expect(handle.result).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(left()).toBe(0);
      expect(await world.catalog.find(handle.uploadId!)).toMatchObject({ state: 'CANCELLED' });
      expect((await world.events()).map(({ type }) => type)).toEqual(['io.longhaul.upload.cancelled.v1']);
      expect(await world.openUploads()).toBe(0);
    });
  });
});

describe.concurrent(`three bad wires at once (seed ${seed})`, () => {
  it.each([1, 2, 3, 4])('end with what is true: %i', { timeout: 90_000 }, async (round) => {
    expect(await uploadThroughChaos(`${seed}/${round}`)).toEqual([]);
  });
});
