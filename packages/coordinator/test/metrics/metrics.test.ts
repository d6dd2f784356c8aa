import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CreateUploadResponse, Receipt } from '@longhaul/protocol';
import { type CoordinatorOptions, EventSinkError, ObjectStoreError, relay, sweep } from '../../src/index.ts';
import { createPrometheusMetrics, type PrometheusMetrics } from '../../src/prometheus.ts';
import { createSqliteStore } from '../../src/sqlite.ts';
import {
  sendParts,
  startCoordinator,
  type TestCoordinator,
  type TestOptions,
} from '../support/start-coordinator.ts';
import { createMovingClock } from '../support/moving-clock.ts';
import { createVolatileState } from '../support/volatile-state.ts';
import { scrape } from './scrape.ts';

const MIB = 1024 ** 2;
const SIZE = 6 * MIB;

let metrics: PrometheusMetrics;
let coordinator: TestCoordinator;
beforeEach(() => {
  metrics = createPrometheusMetrics();
});
afterEach(() => coordinator.close());

async function start(options: TestOptions = {}): Promise<void> {
  coordinator = await startCoordinator({ metrics, ...options });
}

function begin(sizeBytes = SIZE): Promise<CreateUploadResponse> {
  return coordinator.create({ sizeBytes, mode: 'multipart', partSizeBytes: 5 * MIB });
}

async function report(upload: CreateUploadResponse, ...receipts: Partial<Receipt>[]): Promise<void> {
  const full = receipts.map((receipt) => ({ partNumber: 1, sizeBytes: 5 * MIB, etag: '"e"', ...receipt }));
  const { status } = await coordinator.parts(upload, { report: full });
  expect(status).toBe(200);
}

const PART = 'longhaul_s3_upload_part';
const COUNT = `${PART}_duration_seconds_count{bucket="uploads"}`;

describe('parts, as clients report them', () => {
  it('are counted with their size, their duration and the errors met', async () => {
    await start();
    const upload = await begin();
    await report(
      upload,
      { durationMs: 1_500, attempts: 3, errorCodes: ['SlowDown', 'STORE_UNREACHABLE'] },
      { partNumber: 2, sizeBytes: MIB, durationMs: 200 },
    );
    const samples = await scrape(metrics);
    expect(samples.get(`${PART}_success_total{bucket="uploads"}`)).toBe(2);
    expect(samples.get(`${PART}_error_total{bucket="uploads",error_code="SlowDown"}`)).toBe(1);
    expect(samples.get(`${PART}_error_total{bucket="uploads",error_code="STORE_UNREACHABLE"}`)).toBe(1);
    expect(samples.get(`${PART}_size_bytes_sum{bucket="uploads"}`)).toBe(SIZE);
    expect(samples.get(`${PART}_duration_seconds_sum{bucket="uploads"}`)).toBeCloseTo(1.7);
    expect(samples.get(COUNT)).toBe(2);
  });

  it.each(['with an ETag', 'without one'])(
    'are counted once %s, however often they are reported',
    async (how) => {
      await start();
      const upload = await begin();
      const { etag: _, ...hidden } = { etag: '"e"', durationMs: 100, errorCodes: ['SlowDown'] };
      const receipt = how === 'with an ETag' ? { ...hidden, etag: '"e"' } : { ...hidden, etag: undefined };
      for (let times = 0; times < 3; times += 1) await report(upload, receipt as Partial<Receipt>);
      const samples = await scrape(metrics);
      expect(samples.get(`${PART}_success_total{bucket="uploads"}`)).toBe(1);
      expect(samples.get(`${PART}_error_total{bucket="uploads",error_code="SlowDown"}`)).toBe(1);
    },
  );

  it('are counted again when they were stored again', async () => {
    await start();
    const upload = await begin();
    await report(upload, { etag: '"one"' });
    await report(upload, { etag: '"two"' });
    expect((await scrape(metrics)).get(`${PART}_success_total{bucket="uploads"}`)).toBe(2);
  });

  it.each(['etag', 'nothing'])(
    'of one upload add no more than its plan has twice, by whatever %s',
    async (what) => {
      await start();
      const upload = await begin();
      for (let times = 0; times < 20; times += 1) {
        const etags = what === 'etag' ? { etag: `"${times}"` } : {};
        await report(
          upload,
          { ...etags, errorCodes: ['SlowDown'] },
          { partNumber: 2, sizeBytes: MIB, ...etags },
        );
      }
      const samples = await scrape(metrics);
      const expected = what === 'etag' ? 4 : 2;
      expect(samples.get(`${PART}_success_total{bucket="uploads"}`)).toBe(expected);
      expect(samples.get(`${PART}_error_total{bucket="uploads",error_code="SlowDown"}`)).toBe(expected / 2);
    },
  );

  it('of an old upload count an hour at most', async () => {
    const clock = createMovingClock();
    await start({ clock });
    const upload = await begin();
    clock.pass(12 * 3600);
    await report(upload, { durationMs: 11 * 3600_000 });
    expect((await scrape(metrics)).get(`${PART}_duration_seconds_sum{bucket="uploads"}`)).toBe(3600);
  });

  it('are counted while hot state is away', async () => {
    const state = createVolatileState();
    await start({ state });
    const upload = await begin();
    state.record = () => Promise.resolve({ kind: 'absent' });
    await report(upload, {});
    expect((await scrape(metrics)).get(`${PART}_success_total{bucket="uploads"}`)).toBe(1);
  });

  it.each([
    ['longer than the upload is old', 10 * 60_000],
    ['absurd', Number.MAX_VALUE],
    ['nothing for 5 MiB', 0],
  ])('have no duration that is %s', async (_what, durationMs) => {
    await start();
    const upload = await begin(200 * MIB);
    const sizeBytes = upload.plan.partSizeBytes;
    await report(upload, { sizeBytes: Math.max(sizeBytes, 5 * MIB), durationMs });
    const samples = await scrape(metrics);
    expect(samples.get(`${PART}_success_total{bucket="uploads"}`)).toBe(1);
    expect(samples.get(COUNT)).toBe(durationMs === 0 && sizeBytes < 12.5 * MIB ? 1 : undefined);
  });

  it('make no series of a code that nobody knows', async () => {
    await start();
    const upload = await begin();
    const words = Array.from({ length: 32 }, () => `evil ${randomUUID()}`);
    await report(upload, { errorCodes: words });
    const samples = await scrape(metrics);
    expect(samples.get(`${PART}_error_total{bucket="uploads",error_code="other"}`)).toBe(32);
    expect([...samples.keys()].join()).not.toContain('evil');
  });

  it('are not counted when they do not fit the plan', async () => {
    await start();
    const upload = await begin();
    const lie = { partNumber: 1, sizeBytes: 9_999_999_999, etag: '"e"' };
    expect((await coordinator.parts(upload, { report: [lie] })).status).toBe(400);
    expect((await scrape(metrics)).get(`${PART}_success_total{bucket="uploads"}`)).toBeUndefined();
  });
});

describe('uploads', () => {
  it('are counted when they begin and end, and by state between', async () => {
    await start();
    const upload = await begin();
    await coordinator.create({ createId: upload.nodeId, sizeBytes: 1, payload: 'eA==' });
    await coordinator.create({ createId: upload.nodeId, sizeBytes: 1, payload: 'eA==' });
    let samples = await scrape(metrics);
    expect(samples.get('longhaul_uploads_created_total{mode="multipart"}')).toBe(1);
    expect(samples.get('longhaul_uploads_created_total{mode="inline"}')).toBe(1);
    expect(samples.get('longhaul_uploads_ended_total{state="COMPLETED"}')).toBe(1);
    expect(samples.get('longhaul_uploads_open{state="UPLOADING"}')).toBe(1);
    expect(samples.get('longhaul_uploads_open{state="COMPLETING"}')).toBe(0);
    expect(samples.get('longhaul_uploads_unresolved_seconds')).toBe(0);
    await coordinator.cancel(upload);
    samples = await scrape(metrics);
    expect(samples.get('longhaul_uploads_ended_total{state="CANCELLED"}')).toBe(1);
    // Ten seconds have not passed: a scrape asks the database no more often.
    expect(samples.get('longhaul_uploads_open{state="UPLOADING"}')).toBe(1);
  });

  it('whose completion has no known end are told by their age', async () => {
    const wrapStore: TestOptions['wrapStore'] = (store) => ({
      ...store,
      completeMultipartUpload: async () => ({ kind: 'unknown', reason: 'cut' }),
    });
    await start({ wrapStore, completeAnswerWithinSeconds: 0 });
    const content = Buffer.alloc(SIZE);
    const upload = await coordinator.create({ sizeBytes: SIZE, mode: 'multipart' });
    await sendParts(coordinator, upload, content);
    await coordinator.complete(upload);
    await expect
      .poll(async () =>
        (await scrape(metrics)).get(
          'longhaul_backend_call_duration_seconds_count{backend="s3",operation="completeMultipartUpload",outcome="unknown"}',
        ),
      )
      .toBe(1);
    const samples = await scrape(metrics);
    expect(samples.get('longhaul_uploads_open{state="COMPLETING"}')).toBe(1);
    expect(samples.get('longhaul_uploads_unresolved_seconds')).toBeGreaterThan(0);
  });
});

describe('rotations', () => {
  it('are counted with their bytes when they end, and by state before', async () => {
    let isAway = true;
    const wrapStore: TestOptions['wrapStore'] = (store) => ({
      ...store,
      async copyPart(input) {
        if (isAway) throw new ObjectStoreError('unreachable', 'away');
        await store.copyPart(input);
      },
    });
    await start({ wrapStore });
    const { nodeId } = await coordinator.create({ sizeBytes: 1, payload: 'eA==' });
    const body = { rotationId: randomUUID(), encryption: { mode: 'sse-s3' } };
    const rotate = () => coordinator.call('POST', `/v1/objects/${nodeId}/rotate`, { body });
    expect((await rotate()).status).toBe(202);
    let samples = await scrape(metrics);
    expect(samples.get('longhaul_rotations_open{state="COPYING"}')).toBe(1);
    expect(samples.get('longhaul_rotations_unresolved_seconds')).toBeGreaterThanOrEqual(0);
    isAway = false;
    expect((await rotate()).status).toBe(200);
    samples = await scrape(metrics);
    expect(samples.get('longhaul_rotations_ended_total{state="DONE"}')).toBe(1);
    expect(samples.get('longhaul_rotated_bytes_total')).toBe(1);
    const takes =
      'longhaul_backend_call_duration_seconds_count{backend="catalog",operation="rotations_take",outcome="ok"}';
    expect(samples.get(takes)).toBe(2);
  });
});

describe('calls', () => {
  it('of clients are counted by route and status, and no path makes a series', async () => {
    await start();
    const upload = await begin();
    await report(upload, {});
    for (const path of [
      '/v1/uploads/x/parts',
      `/v1/uploads/${randomUUID()}/parts`,
      `/${randomUUID()}`,
      '/v1/nothing',
    ])
      await coordinator.call('POST', path, { body: {} });
    const samples = await scrape(metrics);
    const count = (labels: string): number | undefined =>
      samples.get(`longhaul_http_request_duration_seconds_count{${labels}}`);
    expect(count('method="POST",route="/v1/uploads",status="201"')).toBe(1);
    expect(count('method="POST",route="/v1/uploads/:uploadId/parts",status="200"')).toBe(1);
    expect(count('method="POST",route="/v1/uploads/:uploadId/parts",status="401"')).toBe(2);
    expect(count('method="POST",route="none",status="404"')).toBe(2);
  });

  it('of the store, the catalog and the state are counted by what came of them', async () => {
    let isAway = false;
    const wrapStore: TestOptions['wrapStore'] = (store) => ({
      ...store,
      createMultipartUpload: (input) =>
        isAway
          ? Promise.reject(new ObjectStoreError('throttled', 'slow down', { s3Code: 'SlowDown' }))
          : store.createMultipartUpload(input),
    });
    await start({ wrapStore });
    const upload = await begin();
    await report(upload, {});
    isAway = true;
    const body = { createId: randomUUID(), name: 'x', sizeBytes: SIZE, mode: 'multipart' };
    expect((await coordinator.call('POST', '/v1/uploads', { body })).status).toBe(503);
    const samples = await scrape(metrics);
    const count = (backend: string, operation: string, outcome: string): number | undefined =>
      samples.get(
        `longhaul_backend_call_duration_seconds_count{backend="${backend}",operation="${operation}",outcome="${outcome}"}`,
      );
    expect(count('s3', 'createMultipartUpload', 'ok')).toBe(1);
    expect(count('s3', 'createMultipartUpload', 'throttled')).toBe(1);
    expect(count('s3', 'signPart', 'ok')).toBeUndefined();
    expect(count('catalog', 'insert', 'ok')).toBe(2);
    expect(count('state', 'record', 'ok')).toBe(1);
    expect(count('catalog', 'outbox_status', 'ok')).toBeUndefined();
  });
});

describe('work in the background', () => {
  it('is counted by what a sweep did, and by what sinks did with events', async () => {
    const memory = createSqliteStore({ path: ':memory:' });
    await memory.catalog.migrate();
    const sinks: CoordinatorOptions['sinks'] = [
      { name: 'good', publish: async () => undefined, close: async () => undefined },
      {
        name: 'bad',
        publish: async () => {
          throw new EventSinkError('rejected', 'no');
        },
        close: async () => undefined,
      },
    ];
    await start({ ...memory, idleLimitSeconds: 60 });
    const options: CoordinatorOptions = {
      ...memory,
      objectStore: coordinator.objectStore,
      tokenKeys: ['a key for tests that is long enough'],
      metrics,
      sinks,
    };
    const upload = await begin();
    await memory.catalog.postpone(upload.uploadId, 'UPLOADING', { delayMs: 0 });
    await coordinator.create({ sizeBytes: 1, payload: 'eA==' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await sweep(options);
    await relay(options);
    const samples = await scrape(metrics);
    expect(samples.get('longhaul_swept_uploads_total{deed="extended"}')).toBe(1);
    const delivered = 'longhaul_event_delivery_duration_seconds_count';
    expect(samples.get(`${delivered}{sink="good",outcome="ok"}`)).toBe(1);
    expect(samples.get(`${delivered}{sink="bad",outcome="rejected"}`)).toBe(1);
    expect(samples.get('longhaul_outbox_unsent')).toBe(1);
    expect(samples.get('longhaul_outbox_parked')).toBe(0);
    expect(samples.get('longhaul_outbox_lag_seconds')).toBeGreaterThan(0);
  });
});

it('leaves figures of a catalog that is away out, and says why', async () => {
  const memory = createSqliteStore({ path: ':memory:' });
  await memory.catalog.migrate();
  const told: unknown[] = [];
  await start({ ...memory, onError: (error) => told.push(error) });
  await memory.catalog.close();
  const samples = await scrape(metrics);
  expect([...samples.keys()].filter((name) => /_open|outbox/.test(name))).toEqual([]);
  expect(told).toHaveLength(3);
});
