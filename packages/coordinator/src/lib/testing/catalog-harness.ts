import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PartPlan, UploadEvent, UploadState } from '@longhaul/protocol';
import { afterAll, beforeAll, expect } from 'vitest';
import type { AbortIntent, Catalog } from '../ports/catalog.ts';
import type { UploadDraft, UploadRecord } from '../ports/upload-record.ts';

/** A database for one part of `describeCatalog`, empty at first. */
export interface CatalogFixture {
  /** Opens a catalog over a connection of its own. Every one of them sees the same database. */
  open(): Catalog;
  /** Removes the database, after every catalog was closed. */
  dispose(): Promise<void>;
}

/** Makes an empty database. */
export type SetUpCatalog = () => Promise<CatalogFixture>;

/** Two connections to one database, for the tests of one block. */
export interface CatalogPair {
  readonly first: Catalog;
  readonly second: Catalog;
  readonly fixture: CatalogFixture;
  /** The two, for races between them. */
  both(): readonly [Catalog, Catalog];
}

/** A database of its own for the block that calls this, migrated and open while its tests run. */
export function useCatalogPair(setUp: SetUpCatalog): CatalogPair {
  let opened: { fixture: CatalogFixture; first: Catalog; second: Catalog } | undefined;
  const pair = (): NonNullable<typeof opened> => {
    if (!opened) throw new Error('the database is there while tests run');
    return opened;
  };

  beforeAll(async () => {
    const fixture = await setUp();
    opened = { fixture, first: fixture.open(), second: fixture.open() };
    await opened.first.migrate();
  });

  afterAll(async () => {
    const { first, second, fixture } = pair();
    await first.close();
    await second.close();
    await fixture.dispose();
  });

  return {
    get first() {
      return pair().first;
    },
    get second() {
      return pair().second;
    },
    get fixture() {
      return pair().fixture;
    },
    both: () => [pair().first, pair().second],
  };
}

/** So long that no test sees it pass. */
export const HOUR_MS = 3_600_000;

/** An abort that others keep their hands off while a test runs. */
export const CANCEL: AbortIntent = { to: 'CANCELLED', redriveAfterMs: HOUR_MS };

/** A failure that nothing forbids. */
export const FAILURE = { lastError: 'reason', quietForMs: 0 } as const;

/** A refusal whose earlier attempts, if any, are never over. */
export const REFUSAL: Parameters<Catalog['refuseCompletion']>[2] = {
  lastError: 'InvalidPart',
  attemptOverAfterMs: HOUR_MS,
  redriveAfterMs: HOUR_MS,
};

/** Lets the database's clock go on: by more than what a machine's clocks differ when one only ticks now and then. */
export function passMs(timeMs: number): Promise<void> {
  return sleep(timeMs + 2);
}

/** The plan of {@link exampleDraft}. */
export const PLAN: PartPlan = { sizeBytes: 20 * 1024 ** 2, partSizeBytes: 8 * 1024 ** 2, partCount: 3 };

/** The bucket of {@link exampleDraft}. */
export const BUCKET = 'media';

/**
 * A draft like any other, of a content that no other has.
 *
 * @param wishes fields that shall be different
 */
export function exampleDraft(wishes: Partial<UploadDraft> = {}): UploadDraft {
  const uploadId = randomUUID();
  return {
    uploadId,
    owner: 'owner',
    createId: randomUUID(),
    requestDigest: 'digest',
    connectorId: 'default',
    name: 'film.mov',
    bucket: BUCKET,
    s3Key: `connectors/default/${uploadId}`,
    writeToken: randomUUID(),
    mode: 'multipart',
    contentType: 'video/quicktime',
    metadata: {},
    plan: PLAN,
    fingerprint: randomUUID(),
    resumable: true,
    idleLimitMs: 72 * HOUR_MS,
    pendingLimitMs: HOUR_MS,
    ...wishes,
  };
}

/** A create of its own for the content of another one. */
export function sameContentAs(draft: UploadDraft): UploadDraft {
  const uploadId = randomUUID();
  return { ...draft, uploadId, createId: randomUUID(), s3Key: `connectors/default/${uploadId}` };
}

/** The states that an upload goes through to get somewhere. */
const PATHS: Record<UploadState, readonly UploadState[]> = {
  PENDING: [],
  UPLOADING: ['UPLOADING'],
  COMPLETING: ['UPLOADING', 'COMPLETING'],
  COMPLETED: ['UPLOADING', 'COMPLETING', 'COMPLETED'],
  FAILED: ['UPLOADING', 'COMPLETING', 'FAILED'],
  ABORTING: ['ABORTING'],
  CANCELLED: ['ABORTING', 'CANCELLED'],
  EXPIRED: ['ABORTING', 'EXPIRED'],
};

/** States from which an upload goes nowhere. */
export const ENDED_STATES = ['COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED'] as const;

/** A new upload in some state. */
export async function begin(
  catalog: Catalog,
  state: UploadState,
  wishes: { readonly draft?: Partial<UploadDraft>; readonly redriveAfterMs?: number } = {},
): Promise<UploadRecord> {
  const { record } = await catalog.insert(exampleDraft(wishes.draft));
  return moveTo(catalog, record.uploadId, state, wishes.redriveAfterMs);
}

/** Moves an upload on to some state, by the usual way. */
export async function moveTo(
  catalog: Catalog,
  uploadId: string,
  state: UploadState,
  redriveAfterMs: number = HOUR_MS,
): Promise<UploadRecord> {
  const to = state === 'EXPIRED' ? state : 'CANCELLED';
  const steps: Partial<Record<UploadState, () => Promise<unknown>>> = {
    UPLOADING: () => catalog.saveMultipart(uploadId, { s3UploadId: `s3-${uploadId}` }),
    COMPLETING: () => catalog.beginCompletion(uploadId, { partsDigest: 'digest', redriveAfterMs }),
    COMPLETED: () => catalog.finishCompletion(uploadId, 1, { etag: '"e"', proof: 'size' }),
    FAILED: () => catalog.fail(uploadId, 1, FAILURE),
    ABORTING: () => catalog.beginAbort(uploadId, { to, redriveAfterMs }),
    CANCELLED: () => catalog.finishAbort(uploadId),
    EXPIRED: () => catalog.finishAbort(uploadId),
  };
  const start = await catalog.find(uploadId);
  const done = PATHS[state].findIndex((step) => step === start?.state) + 1;
  for (const step of PATHS[state].slice(done)) await steps[step]?.();
  return expectState(catalog, uploadId, state);
}

async function expectState(catalog: Catalog, uploadId: string, state: UploadState): Promise<UploadRecord> {
  const record = await catalog.find(uploadId);
  if (record?.state !== state) throw new Error(`upload ${uploadId} is ${record?.state}, not ${state}`);
  return record;
}

/** The one answer that is no refusal. */
export function onlyOne(answers: readonly (UploadRecord | undefined)[]): UploadRecord {
  const [winner, ...others] = answers.filter((answer) => answer !== undefined);
  expect(others).toEqual([]);
  if (!winner) throw new Error('all were refused');
  return winner;
}

/** Whether a sweeper would get the row now. Takes it from nobody. */
export async function isDue(catalog: Catalog, uploadId: string): Promise<boolean> {
  const due = await catalog.claimDue({ bucket: BUCKET, limit: 10_000, leaseMs: 0 });
  return due.some((record) => record.uploadId === uploadId);
}

/** The events that a relay would get of the upload now. Takes them from nobody. */
export async function eventsOf(catalog: Catalog, uploadId: string): Promise<UploadEvent[]> {
  const claimed = await catalog.outbox.claim({ limit: 10_000, leaseMs: 0 });
  return claimed.map(({ event }) => event).filter(({ data }) => data.nodeId === uploadId);
}
