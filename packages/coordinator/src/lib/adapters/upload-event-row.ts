import { randomUUID } from 'node:crypto';
import {
  objectEncryptionOf,
  UPLOAD_EVENT_TYPES,
  type UploadEvent,
  type UploadEventData,
} from '@longhaul/protocol';
import { CatalogError } from '../ports/catalog.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { OutboxEvent, ParkedEvent } from '../ports/outbox.ts';
import { type NodeRow, recordOf } from './node-row.ts';

/** A row that has just ended, as both SQL catalogs return it: its event needs more than the record. */
export type EndedRow = NodeRow & {
  /** When it ended: whoever looks after an ended row leaves this column alone. */
  readonly updated_at: number;
  readonly installation_id: string;
};

/** A row of `outbox` as both SQL catalogs select it. JSON is text. */
export type OutboxRow = {
  readonly seq: number;
  readonly event: string;
  readonly attempts: number;
  readonly delivered_to: string;
};

/** A parked row of `outbox`. */
export type ParkedRow = {
  readonly event_id: string;
  readonly node_id: string;
  readonly type: string;
  readonly attempts: number;
  readonly last_error: string;
};

/** The event of a row that has ended, under a new id. */
export function eventOf(row: EndedRow): UploadEvent {
  const record = recordOf(row);
  const endedAtEpochMs = record.completedAtEpochMs ?? row.updated_at;
  return {
    ...envelopeOf(row, record, endedAtEpochMs),
    type: typeOf(record),
    data: { ...dataOf(record, endedAtEpochMs), ...endOf(record) },
  };
}

/** The event of a row whose object has just got another encryption, under a new id. */
export function rotatedEventOf(
  row: EndedRow,
  previous: { readonly key: string; readonly versionId?: string },
): UploadEvent {
  const record = recordOf(row);
  return {
    ...envelopeOf(row, record, row.updated_at),
    type: UPLOAD_EVENT_TYPES.rotated,
    data: {
      ...dataOf(record, record.completedAtEpochMs ?? row.updated_at),
      ...endOf(record),
      previousKey: previous.key,
      ...(previous.versionId !== undefined && { previousVersionId: previous.versionId }),
      generation: row.generation,
    },
  };
}

function envelopeOf(
  { installation_id }: EndedRow,
  { bucket, s3Key }: UploadRecord,
  atEpochMs: number,
): Omit<UploadEvent, 'type' | 'data'> {
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: `/longhaul/${installation_id}/buckets/${encodeURIComponent(bucket)}`,
    subject: s3Key,
    time: new Date(atEpochMs).toISOString(),
    datacontenttype: 'application/json',
  };
}

/** The events of rows, in the order in which they were written. */
export function outboxEventsOf(rows: readonly OutboxRow[]): OutboxEvent[] {
  return rows
    .toSorted((one, other) => one.seq - other.seq)
    .map(({ event, attempts, delivered_to }) => ({
      event: JSON.parse(event) as UploadEvent,
      attempts,
      deliveredTo: JSON.parse(delivered_to) as string[],
    }));
}

/** The parked event that a row stands for. */
export function parkedEventOf(row: ParkedRow): ParkedEvent {
  return {
    eventId: row.event_id,
    nodeId: row.node_id,
    type: row.type,
    attempts: row.attempts,
    lastError: row.last_error,
  };
}

function typeOf({ uploadId, state }: UploadRecord): UploadEvent['type'] {
  switch (state) {
    case 'COMPLETED':
      return UPLOAD_EVENT_TYPES.completed;
    case 'CANCELLED':
      return UPLOAD_EVENT_TYPES.cancelled;
    case 'EXPIRED':
      return UPLOAD_EVENT_TYPES.expired;
    case 'FAILED':
      return UPLOAD_EVENT_TYPES.failed;
    case 'PENDING':
    case 'UPLOADING':
    case 'COMPLETING':
    case 'ABORTING':
      throw new CatalogError(`upload ${uploadId} is ${state} and has no end to tell of`);
  }
}

function dataOf(record: UploadRecord, endedAtEpochMs: number): UploadEventData {
  return {
    uploadId: record.uploadId,
    nodeId: record.uploadId,
    connectorId: record.connectorId,
    owner: record.owner,
    name: record.name,
    bucket: record.bucket,
    key: record.s3Key,
    mode: record.mode,
    contentType: record.contentType,
    metadata: record.metadata,
    sizeBytes: record.plan.sizeBytes,
    partSizeBytes: record.plan.partSizeBytes,
    partCount: record.plan.sizeBytes === null ? null : record.plan.partCount,
    ...(record.encryption && { encryption: objectEncryptionOf(record.encryption) }),
    createdAtEpochMs: record.createdAtEpochMs,
    endedAtEpochMs,
  };
}

function endOf(record: UploadRecord): Partial<UploadEventData> {
  const { state, etag, versionId, proof, checksum, lastError } = record;
  if (state === 'FAILED') return lastError === undefined ? {} : { reason: lastError };
  if (state !== 'COMPLETED') return {};
  return {
    ...(etag !== undefined && { etag }),
    ...(versionId !== undefined && { versionId }),
    ...(proof && { proof }),
    // Without that proof it is what the client has said, and nobody has compared it.
    ...(proof === 'checksum' && checksum && { checksum }),
  };
}
