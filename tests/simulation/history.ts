import type { Catalog, RecordOutcome, StoredPart, UploadDraft, UploadRecord } from '@longhaul/coordinator';
import type { UploadEvent, UploadState } from '@longhaul/protocol';
import type { Scheduler } from './engine/scheduler.ts';
import type { ObservedCall } from './engine/wire.ts';

/** What has happened in a schedule, and what must not have. */
export interface History {
  readonly violations: readonly string[];
  readonly uploadIds: ReadonlySet<string>;
  readonly events: ReadonlyMap<string, readonly UploadEvent[]>;
  /** ETags that complete uploads have had, the first one first. */
  readonly etags: ReadonlyMap<string, readonly string[]>;
  /** Uploads that may fail: something that nobody can mend has happened to them. */
  readonly doomed: ReadonlySet<string>;
  violate(what: string): void;
  doom(uploadId: string): void;
  /** An object has appeared at an upload's key. */
  stored(uploadId: string): void;
  /** Uploads of which an object was there, for however long. */
  readonly everStored: ReadonlySet<string>;
  /** A call to the catalog had its effect. */
  catalog(call: ObservedCall): void;
  /** A call to the state store had its effect. */
  state(call: ObservedCall): void;
  /** The state store has forgotten something. */
  stateLost(): void;
  /** Something of an upload has arrived. */
  active(uploadId: string): void;
  told(event: UploadEvent): void;
  /** A Complete is on its way. Answers what to call when the store is done with it. */
  completing(s3UploadId: string): () => void;
  aborting(s3UploadId: string): void;
}

/** What a history is judged by. */
export interface HistoryRules {
  readonly scheduler: Scheduler;
  /** The catalog itself, without anything in between. */
  readonly catalog: Catalog;
  readonly idleLimitMs: number;
}

const FINAL = new Set<UploadState>(['COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED']);
/** What an attempt at a completion says when it has come to its end. */
const DECIDE = new Set(['finishCompletion', 'refuseCompletion', 'fail']);
/** A sweeper looks at an upload's activity, and ends it a while later: what arrives between the two is bad luck. */
const LOOKED_AT_MS = 5 * 60_000;

/** A history without anything in it. */
export function createHistory({ scheduler, catalog, idleLimitMs }: HistoryRules): History {
  const violations: string[] = [];
  const uploadIds = new Set<string>();
  const events = new Map<string, UploadEvent[]>();
  const etags = new Map<string, readonly string[]>();
  const doomed = new Set<string>();
  const everStored = new Set<string>();
  const refused = new Set<string>();
  const ends = new Map<string, UploadState>();
  const activeAtMs = new Map<string, number>();
  const byCreateId = new Map<string, string>();
  const receipts = new Map<string, Map<number, string>>();
  const completes = new Map<string, number>();
  const drafts: UploadDraft[] = [];

  const violate = (what: string): void => {
    scheduler.note(`VIOLATION: ${what}`);
    violations.push(what);
  };
  const active = (uploadId: string): void => void activeAtMs.set(uploadId, scheduler.nowMs());

  const sawState = (record: UploadRecord): void => {
    const { uploadId, state, etag } = record;
    const known = etags.get(uploadId) ?? [];
    if (state === 'COMPLETED' && etag !== undefined && !known.includes(etag))
      etags.set(uploadId, [...known, etag]);
    const end = ends.get(uploadId);
    if (end && end !== state) violate(`${uploadId} was ${end}, then ${state}`);
    if (FINAL.has(state)) ends.set(uploadId, state);
  };
  const sawInsert = async (draft: UploadDraft): Promise<void> => {
    uploadIds.add(draft.uploadId);
    const create = `${draft.owner} ${draft.createId}`;
    const before = byCreateId.get(create);
    if (before) violate(`one create made two uploads, ${before} and ${draft.uploadId}`);
    byCreateId.set(create, draft.uploadId);
    active(draft.uploadId);
    const twins = drafts.filter((other) => isTwin(draft, other) && !refused.has(other.uploadId));
    if (draft.resumable) drafts.push(draft);
    for (const { uploadId } of twins) {
      const state = (await catalog.find(uploadId))?.state;
      if (state === 'PENDING' || state === 'UPLOADING') {
        violate(`${draft.uploadId} was begun while ${uploadId} of the same content was ${state}`);
      }
    }
  };
  const sawExpiry = (record: UploadRecord): void => {
    const { uploadId, mode } = record;
    const idleMs = scheduler.nowMs() - (activeAtMs.get(uploadId) ?? 0);
    const isIdle = idleMs >= idleLimitMs - LOOKED_AT_MS;
    if (isIdle || doomed.has(uploadId) || record.s3UploadId === undefined) return;
    violate(`${uploadId} (${mode}) was ended as idle ${Math.round(idleMs / 1000)} s after it was active`);
  };

  const sawDecision = ({ uploadId, epoch }: UploadRecord, decidedBy: number): void => {
    if (epoch !== decidedBy) violate(`attempt ${decidedBy} of ${uploadId} decided over attempt ${epoch}`);
  };

  const sawReceipts = (uploadId: string, parts: readonly StoredPart[]): void => {
    const known = receipts.get(uploadId) ?? new Map<number, string>();
    for (const { partNumber, etag } of parts) known.set(partNumber, etag);
    receipts.set(uploadId, known);
  };
  const sawParts = (uploadId: string, parts: readonly StoredPart[]): void => {
    for (const { partNumber, etag } of parts) {
      const reported = receipts.get(uploadId)?.get(partNumber) ?? etag;
      if (reported !== etag) {
        violate(`part ${partNumber} of ${uploadId} was reported as ${reported}, and is kept as ${etag}`);
      }
    }
  };

  return {
    violations,
    uploadIds,
    events,
    etags,
    doomed,
    violate,
    everStored,
    stored: (uploadId) => void everStored.add(uploadId),
    doom: (uploadId) => void doomed.add(uploadId),
    active,
    catalog({ method, values, result }) {
      if (method === 'insert' && result) {
        const { kind, record } = result as { kind: string; record: UploadRecord };
        if (kind === 'inserted') void sawInsert({ ...(values[0] as UploadDraft), uploadId: record.uploadId });
        active(record.uploadId);
        sawState(record);
      } else if (isRecord(result)) {
        sawState(result);
        if (method === 'refuseCompletion') refused.add(result.uploadId);
        if (DECIDE.has(method)) sawDecision(result, values[1] as number);
        const { to } = (values[1] ?? {}) as { to?: string };
        if (method === 'beginAbort' && to === 'EXPIRED') sawExpiry(result);
        if (method === 'saveMultipart' || method === 'refuseCompletion') active(result.uploadId);
      }
    },
    state({ method, values, result }) {
      const uploadId = String(values[0]);
      if (method === 'remove' || method === 'finish') receipts.delete(uploadId);
      const isRecorded = (result as RecordOutcome | undefined)?.kind === 'recorded';
      if (method === 'record' && isRecorded) sawReceipts(uploadId, values[1] as readonly StoredPart[]);
      if (method === 'parts' && result) sawParts(uploadId, result as readonly StoredPart[]);
    },
    stateLost: () => receipts.clear(),
    told(event) {
      const { nodeId } = event.data;
      events.set(nodeId, [...(events.get(nodeId) ?? []), event]);
    },
    completing(s3UploadId) {
      completes.set(s3UploadId, (completes.get(s3UploadId) ?? 0) + 1);
      return () => completes.set(s3UploadId, (completes.get(s3UploadId) ?? 1) - 1);
    },
    aborting(s3UploadId) {
      if ((completes.get(s3UploadId) ?? 0) > 0) violate(`Abort has met Complete of ${s3UploadId}`);
    },
  };
}

function isTwin(one: UploadDraft, other: UploadDraft): boolean {
  return (
    one.resumable &&
    one.owner === other.owner &&
    one.fingerprint === other.fingerprint &&
    one.connectorId === other.connectorId &&
    one.uploadId !== other.uploadId &&
    // Where the whole was digested too, another digest is another content.
    one.checksum?.value === other.checksum?.value
  );
}

/** Whether a call has answered a row. */
export function isRecord(result: unknown): result is UploadRecord {
  return typeof result === 'object' && result !== null && 'uploadId' in result && 'state' in result;
}
