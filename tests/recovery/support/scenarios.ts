import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { createUploader, type UploadHandle } from '@longhaul/sdk';
import type { ExpectedEnd } from './convergence.ts';
import type { Door } from './door.ts';
import type { Lane } from './lane.ts';
import type { LosableCall } from './pressed-time.ts';

/** What a scenario works with. */
export interface Stage {
  readonly lane: Lane;
  /** Leads to a replica that lives. */
  readonly door: Door;
  /** Leads past the one that may die. */
  readonly safeDoor: Door;
  /** Aborted when the replica dies. */
  readonly died: AbortSignal;
  /** Has a replica that lives abort at the store what is nobody's. */
  reconcile(): Promise<void>;
  /** Told of every upload, to count what it sends. */
  watch(handle: UploadHandle): void;
}

/** Something that clients do, and how their uploads must end, whichever replica dies over it. */
export interface Scenario {
  readonly name: string;
  /** A call to the store whose first answer gets lost, so that the replica comes by. */
  readonly lose?: LosableCall;
  /** How far the replica's clock is ahead: to it, its uploads began that long ago. */
  readonly clockAheadMs?: number;
  run(stage: Stage): Promise<readonly ExpectedEnd[]>;
}

const PART_BYTES = 5 * 1024 ** 2;
const MULTIPART_BYTES = 2 * PART_BYTES + 1;
const SINGLE_BYTES = 300 * 1024;
const INLINE_BYTES = 1000;

/** From the plainest on: each point is tried in the first scenario that comes by. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'multipart', run: (stage) => complete(stage, MULTIPART_BYTES) },
  { name: 'single', run: (stage) => complete(stage, SINGLE_BYTES) },
  { name: 'inline', run: (stage) => complete(stage, INLINE_BYTES) },
  { name: 'cancel', run: cancelAfterFirstPart },
  { name: 'cancel what a single PUT has stored', run: cancelStored },
  { name: 'refused completion', run: completeReplacedPart },
  {
    name: 'create whose answer was lost',
    lose: 'createMultipartUpload',
    run: (stage) => complete(stage, MULTIPART_BYTES),
  },
  { name: 'proof whose answer was lost, and a cancel', lose: 'headObject', run: cancelWhileCompleting },
  { name: 'upload that the store has dropped', run: completeDropped },
  { name: 'idle upload', run: expire },
  {
    name: 'upload that has been under way for long',
    clockAheadMs: 30_000,
    run: (stage) => complete(stage, MULTIPART_BYTES),
  },
  { name: 'reconciliation', run: reconcileStray },
  { name: 'health', run: askHealth },
  { name: 'client that dies too', run: dieWithReplica },
];

interface Started {
  readonly handle: UploadHandle;
  readonly sha256: string;
  end(state: ExpectedEnd['state']): readonly ExpectedEnd[];
}

function start({ door, watch }: Stage, sizeBytes: number, signal?: AbortSignal): Started {
  const bytes = randomBytes(sizeBytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  // One part at a time, so that what is done after the first one comes before the last one.
  const uploader = createUploader({ coordinator: door.fetch, partSizeBytes: PART_BYTES, concurrency: 1 });
  const handle = uploader.upload(new Blob([bytes]), signal && { signal });
  handle.result.catch(() => undefined);
  watch(handle);
  return { handle, sha256, end: (state) => [{ uploadId: handle.uploadId ?? '', state, sha256 }] };
}

async function complete(stage: Stage, sizeBytes: number): Promise<readonly ExpectedEnd[]> {
  const { handle, end } = start(stage, sizeBytes);
  await handle.result;
  return end('COMPLETED');
}

function firstPart(handle: UploadHandle): Promise<void> {
  return new Promise((resolve) => handle.on('part', ({ isStored }) => isStored && resolve()));
}

async function cancelAfterFirstPart(stage: Stage): Promise<readonly ExpectedEnd[]> {
  const { handle, end } = start(stage, MULTIPART_BYTES);
  await firstPart(handle);
  await handle.cancel();
  return end('CANCELLED');
}

async function cancelStored(stage: Stage): Promise<readonly ExpectedEnd[]> {
  let cancelled: Promise<unknown> | undefined;
  stage.door.beforeFirstComplete(async () => {
    cancelled = handle.cancel();
    throw new TypeError('the request got lost');
  });
  const { handle, end } = start(stage, SINGLE_BYTES);
  await handle.result.catch(() => undefined);
  await cancelled;
  return end('CANCELLED');
}

/** Somebody has stored other bytes under the number of a part that was reported: the list is refused, and mended. */
async function completeReplacedPart(stage: Stage): Promise<readonly ExpectedEnd[]> {
  stage.door.beforeFirstComplete(async () => {
    const part = { ...(await onlyOpenUpload(stage.lane)), PartNumber: 2, Body: randomBytes(PART_BYTES) };
    await stage.lane.s3.send(new UploadPartCommand(part));
  });
  return await complete(stage, MULTIPART_BYTES);
}

async function completeDropped(stage: Stage): Promise<readonly ExpectedEnd[]> {
  stage.door.beforeFirstComplete(async () => {
    await stage.lane.s3.send(new AbortMultipartUploadCommand(await onlyOpenUpload(stage.lane)));
  });
  const { handle, end } = start(stage, MULTIPART_BYTES);
  await handle.result.catch(() => undefined);
  return end('FAILED');
}

/** As its row has it: a replica that has died may have left a stray beside it. */
async function onlyOpenUpload({
  sql,
  addresses,
}: Lane): Promise<{ Bucket: string; Key: string; UploadId: string }> {
  const [row] = await sql<{ key: string; s3UploadId: string }[]>`
    select s3_key as key, s3_upload_id as "s3UploadId" from nodes`;
  return { Bucket: addresses.store.bucket, Key: row!.key, UploadId: row!.s3UploadId };
}

async function cancelWhileCompleting(stage: Stage): Promise<readonly ExpectedEnd[]> {
  stage.door.afterCompleting(() => void handle.cancel());
  const { handle, end } = start(stage, MULTIPART_BYTES);
  await handle.result;
  return end('COMPLETED');
}

/** Given up by its client, and idle for as long as its row allows: settings do not go below a minute. */
async function expire(stage: Stage): Promise<readonly ExpectedEnd[]> {
  const stop = new AbortController();
  const { handle, end } = start(stage, MULTIPART_BYTES, stop.signal);
  await firstPart(handle);
  // The second part is on its way by the time that the first one was reported.
  handle.on('part', () => stop.abort());
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
  await handle.result.catch(() => undefined);
  await stage.lane.sql`
    update nodes set idle_limit_ms = 1500, expires_at = clock_timestamp() where document_id = ${handle.uploadId ?? ''}`;
  return end('EXPIRED');
}

/** A second multipart upload stands at the key of one that is complete. */
async function reconcileStray(stage: Stage): Promise<readonly ExpectedEnd[]> {
  const ends = await complete(stage, INLINE_BYTES);
  const { s3, sql, addresses } = stage.lane;
  const [row] = await sql<{ key: string }[]>`select s3_key as key from nodes`;
  await s3.send(new CreateMultipartUploadCommand({ Bucket: addresses.store.bucket, Key: row?.key }));
  await stage.reconcile();
  return ends;
}

/** Nobody comes back for the upload: what is on its way to completion completes, the rest expires. */
async function dieWithReplica(stage: Stage): Promise<readonly ExpectedEnd[]> {
  const { handle, sha256 } = start(stage, MULTIPART_BYTES, stage.died);
  await handle.result.catch(() => undefined);
  const rows = await stage.lane.sql<{ uploadId: string; state: string }[]>`
    select document_id::text as "uploadId", upload_state as state from nodes`;
  // Settings do not go below a minute.
  await stage.lane.sql`
    update nodes set idle_limit_ms = 1500, expires_at = clock_timestamp(), next_attempt_at = case upload_state
      when 'PENDING' then clock_timestamp() end
    where upload_state in ('PENDING', 'UPLOADING')`;
  return rows.map(({ uploadId, state }) => ({
    uploadId,
    state: state.startsWith('COMPLET') ? 'COMPLETED' : 'EXPIRED',
    sha256,
  }));
}

async function askHealth({ door }: Stage): Promise<readonly ExpectedEnd[]> {
  await door.fetch(new Request(`http://localhost/readyz?${randomUUID()}`)).catch(() => undefined);
  return [];
}
