import type { ObjectEncryption } from './encryption.ts';
import type { Checksum, ProofLevel, UploadMode } from './messages.ts';

/** Types of the events that tell the world how an upload ended, and what became of its object. CloudEvents 1.0 `type`. */
export const UPLOAD_EVENT_TYPES = {
  completed: 'io.longhaul.upload.completed.v1',
  cancelled: 'io.longhaul.upload.cancelled.v1',
  failed: 'io.longhaul.upload.failed.v1',
  expired: 'io.longhaul.upload.expired.v1',
  rotated: 'io.longhaul.encryption.rotated.v1',
} as const;

/** One of {@link UPLOAD_EVENT_TYPES}. */
export type UploadEventType = (typeof UPLOAD_EVENT_TYPES)[keyof typeof UPLOAD_EVENT_TYPES];

/**
 * An event as CloudEvents 1.0 names its attributes, ready for any of its bindings.
 * Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export interface UploadEvent {
  readonly specversion: '1.0';
  /** UUID of the event. The same one is the same event told again: drop it. */
  readonly id: string;
  /** URI reference: the bucket and the database that it was written in. */
  readonly source: string;
  readonly type: UploadEventType;
  /** Object key. */
  readonly subject: string;
  /** When the upload ended, or its object got another encryption; RFC 3339. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: UploadEventData;
}

/** What an event tells. It holds no URL and no secret. Members may be added; none changes its meaning within `v1`. */
export interface UploadEventData {
  readonly uploadId: string;
  /** The same as `uploadId`, and the key of the event: events of one node keep their order. */
  readonly nodeId: string;
  readonly connectorId: string;
  readonly owner: string;
  /** Name of the file. */
  readonly name: string;
  readonly bucket: string;
  readonly key: string;
  readonly mode: UploadMode;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** `null` if it ended before its size was known; never with `completed` or `rotated`. */
  readonly sizeBytes: number | null;
  /** Of the first parts, at least. */
  readonly partSizeBytes: number;
  /** `null` as `sizeBytes` is. */
  readonly partCount: number | null;
  readonly encryption?: ObjectEncryption;
  readonly createdAtEpochMs: number;
  readonly endedAtEpochMs: number;
  /** With `completed` and `rotated`. Quotes included. */
  readonly etag?: string;
  /** With `completed` and `rotated`, on a versioned bucket. */
  readonly versionId?: string;
  /** With `completed` and `rotated`. */
  readonly proof?: ProofLevel;
  /** Of the whole object, with proof `checksum`. */
  readonly checksum?: Checksum;
  /** With `rotated`: object key of the object before. It is deleted next, and need not be there any more. */
  readonly previousKey?: string;
  /** The same, on a versioned bucket. */
  readonly previousVersionId?: string;
  /** With `rotated`: how often the object was rotated, this time included. */
  readonly generation?: number;
  /** With `failed`: why, in words. */
  readonly reason?: string;
}
