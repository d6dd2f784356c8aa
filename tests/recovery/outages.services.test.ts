import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createUploader, type UploadHandle } from '@longhaul/sdk';
import { type Broker, makeBroker } from '../services/kafka.ts';
import type { CoordinatorProcess } from '../processes/serve-coordinator.ts';
import { openRun, type Run } from '../services/place.ts';
import { makePostgres } from '../services/postgres.ts';
import { makeRedis } from '../services/redis.ts';
import type { OwnServer } from '../services/service.ts';
import { type ExpectedEnd, findDisorder } from './support/convergence.ts';
import { startCoordinatorProcess } from './support/coordinator-process.ts';
import { type Lane, openLane } from './support/lane.ts';
import { describeServers, serversOf } from './support/servers.ts';
import { openSwitch, type Switch } from './support/switch.ts';

const PART_BYTES = 5 * 1024 ** 2;
const PART_COUNT = 6;
/** Nobody listens there. */
const DEAD_PORT = '1';

const servers = serversOf('versitygw');

// Servers of its own, because they are stopped; only the store is shared.
describe.skipIf(typeof servers === 'string')(`outages (${describeServers(servers)})`, () => {
  let run: Run;
  let redis: OwnServer;
  let replica: OwnServer;
  let postgres: OwnServer;
  let broker: Broker;
  let redisSwitch: Switch;
  let lane: Lane;
  let coordinator: CoordinatorProcess;
  let admin: Redis;
  const figures: Record<string, unknown> = {};

  beforeAll(async () => {
    if (typeof servers === 'string') return;
    run = await openRun(new AbortController().signal);
    [redis, replica, postgres, broker] = await Promise.all([
      makeRedis(run.openPlace()),
      makeRedis(run.openPlace()),
      makePostgres(run.openPlace()),
      makeBroker(run.openPlace()),
    ]);
    await Promise.all([redis, replica, postgres, broker].map((server) => server.start()));
    redisSwitch = await openSwitch(portOf(redis));
    admin = quietRedis(redis);
    lane = await openLane({
      ...servers,
      postgresUrl: postgres.address,
      redisUrl: `redis://127.0.0.1:${redisSwitch.port}`,
      kafkaBrokers: broker.address,
    });
    coordinator = await startCoordinatorProcess(lane.addresses);
  });
  // The servers of the test before may be back a moment longer than the coordinator's connections to them.
  beforeEach(async () => {
    const isReady = async (): Promise<boolean> => (await fetch(new URL('/readyz', coordinator.url))).ok;
    await expect.poll(isReady, { timeout: 60_000 }).toBe(true);
  });
  afterAll(async () => {
    console.log(JSON.stringify(figures));
    admin.disconnect();
    await coordinator.stop();
    redisSwitch.close();
    await lane.close();
    await run.close();
  });

  function portOf({ address }: OwnServer): number {
    return Number(new URL(address).port);
  }

  function quietRedis({ address }: OwnServer): Redis {
    const client = new Redis(address);
    client.on('error', () => undefined);
    return client;
  }

  interface Running {
    readonly handle: UploadHandle;
    readonly expected: () => ExpectedEnd;
    storedCount(): number;
    /** Part numbers that were stored a second time. */
    readonly again: number[];
    /** What was asked of the coordinator waits until it is opened again. */
    shut(): () => void;
  }

  function begin(sizeBytes: number): Running {
    let gate: Promise<void> = Promise.resolve();
    const uploader = createUploader({
      coordinator: async (request) => {
        await gate;
        const { pathname } = new URL(request.url);
        const { method, headers } = request;
        const body = method === 'POST' ? await request.text() : null;
        return await fetch(new URL(pathname, coordinator.url), { method, headers, body });
      },
      partSizeBytes: PART_BYTES,
      concurrency: 1,
      // Slow enough for reports to be under way between the parts: they come a second late.
      maxBytesPerSecond: 2 * PART_BYTES,
    });
    const bytes = randomBytes(sizeBytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const handle = uploader.upload(new Blob([bytes]));
    handle.result.catch(() => undefined);
    const stored: number[] = [];
    const again: number[] = [];
    handle.on('part', ({ partNumber, isStored }) => {
      if (isStored) (stored.includes(partNumber) ? again : stored).push(partNumber);
    });
    return {
      handle,
      expected: () => ({ uploadId: handle.uploadId ?? '', state: 'COMPLETED', sha256 }),
      storedCount: () => stored.length,
      again,
      shut() {
        const { promise, resolve } = Promise.withResolvers<void>();
        gate = promise;
        return resolve;
      },
    };
  }

  /** Does something once so many parts are stored, while nothing reaches the coordinator. */
  async function atPart(upload: Running, count: number, deed: () => Promise<unknown>): Promise<void> {
    const open = await new Promise<() => void>((resolve) => {
      upload.handle.on('part', ({ isStored }) => {
        if (isStored && upload.storedCount() === count) resolve(upload.shut());
      });
    });
    await deed();
    open();
  }

  async function converged(...uploads: readonly Running[]): Promise<void> {
    const ends = uploads.map(({ expected }) => expected());
    await expect.poll(() => findDisorder(lane, ends), { timeout: 30_000, interval: 100 }).toBeUndefined();
    await lane.sql`truncate nodes, outbox, rotations`;
  }

  async function uploadThrough(name: string, deed: () => Promise<unknown>): Promise<void> {
    const startedAtMs = performance.now();
    const upload = begin((PART_COUNT - 1) * PART_BYTES + 1);
    await atPart(upload, 2, deed);
    await upload.handle.result;
    figures[name] = { uploadMs: Math.round(performance.now() - startedAtMs) };
    expect(upload.again).toEqual([]);
    await converged(upload);
  }

  async function restart(server: OwnServer): Promise<void> {
    await server.stop();
    await server.start();
  }

  it('no outage at all, to compare with', () => uploadThrough('none', async () => undefined));

  describe('Redis', () => {
    /** What happens in the middle of an upload, and how it ends once the upload has. */
    const OUTAGES: readonly [what: string, begin: () => Promise<unknown>, end: () => Promise<unknown>][] = [
      ['is flushed', () => admin.flushall(), async () => undefined],
      ['is killed and started empty', () => restart(redis), async () => undefined],
      ['is away', () => redis.stop(), () => redis.start()],
      ['hangs', () => admin.client('PAUSE', 60_000, 'ALL'), () => restart(redis)],
      [
        'is read-only, its master dead',
        () => admin.replicaof('127.0.0.1', DEAD_PORT),
        () => admin.replicaof('NO', 'ONE'),
      ],
      [
        'takes no writes without a replica',
        () => admin.config('SET', 'min-replicas-to-write', '1'),
        () => admin.config('SET', 'min-replicas-to-write', '0'),
      ],
      [
        'is full',
        () => admin.config('SET', 'maxmemory', '1mb', 'maxmemory-policy', 'noeviction'),
        () => admin.config('SET', 'maxmemory', '0'),
      ],
    ];

    it.each(OUTAGES)('%s', async (what, begins, ends) => {
      try {
        await uploadThrough(`Redis ${what}`, begins);
      } finally {
        await ends();
      }
    });

    it('is away from the start', async () => {
      const others = coordinator;
      const redisUrl = `redis://127.0.0.1:${DEAD_PORT}`;
      coordinator = await startCoordinatorProcess({ ...lane.addresses, redisUrl });
      try {
        await uploadThrough('Redis is away from the start', async () => undefined);
      } finally {
        await coordinator.stop();
        coordinator = others;
      }
    });

    it('fails over to a replica that has not got the last writes', async () => {
      const promoted = quietRedis(replica);
      await promoted.replicaof('127.0.0.1', portOf(redis));
      await expect
        .poll(() => promoted.info('replication'), { timeout: 20_000 })
        .toContain('master_link_status:up');
      const upload = begin((PART_COUNT - 1) * PART_BYTES + 1);
      await atPart(upload, 1, () => promoted.replicaof('NO', 'ONE'));
      const parts = (): string => `upload:{${upload.handle.uploadId}}:etags`;
      await atPart(upload, PART_COUNT - 1, async () => {
        expect(await admin.hlen(parts())).toBeGreaterThan(await promoted.hlen(parts()));
        redisSwitch.turnTo(portOf(replica));
      });
      await upload.handle.result;
      expect(upload.again).toEqual([]);
      await converged(upload);
      promoted.disconnect();
      redisSwitch.turnTo(portOf(redis));
    });
  });

  it('Postgres away: nothing new begins, parts go on, completion waits for it', async () => {
    const upload = begin((PART_COUNT - 1) * PART_BYTES + 1);
    await atPart(upload, 2, () => postgres.stop());
    let isAway = true;
    // The tests that follow need it, whatever comes of this one.
    onTestFinished(async () => void (isAway && (await postgres.start())));
    const askedAtMs = performance.now();
    const refusal = await fetch(new URL('/v1/uploads', coordinator.url), {
      method: 'POST',
      body: JSON.stringify({ createId: randomUUID(), name: 'new', sizeBytes: PART_BYTES }),
    });
    figures['create refused while Postgres is away'] = { ms: Math.round(performance.now() - askedAtMs) };
    expect(refusal.status).toBe(503);
    expect(refusal.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await refusal.json()).toMatchObject({ code: 'catalog-unavailable' });

    await expect.poll(() => upload.storedCount(), { timeout: 30_000 }).toBe(PART_COUNT);
    await expect.poll(() => upload.handle.state.kind, { timeout: 30_000 }).toBe('completing');
    await postgres.start();
    isAway = false;
    const startedAtMs = performance.now();
    await upload.handle.result;
    figures['complete after Postgres is back'] = { ms: Math.round(performance.now() - startedAtMs) };
    expect(upload.again).toEqual([]);
    await converged(upload);
  });

  it('Kafka away: uploads do not notice, and their events are told afterwards', async () => {
    await broker.stop();
    const uploads = [PART_BYTES + 1, 300 * 1024, 1000].map(begin);
    for (const { handle } of uploads) await handle.result;
    const [outbox] = await lane.sql`select count(*)::int as unsent from outbox where sent_at is null`;
    expect(outbox).toEqual({ unsent: uploads.length });
    await broker.start();
    const startedAtMs = performance.now();
    await converged(...uploads);
    figures['events told after Kafka is back'] = { ms: Math.round(performance.now() - startedAtMs) };
  });
});
