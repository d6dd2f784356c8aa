import type { InsertRotationOutcome, RotationRecord, UploadRecord } from '@longhaul/coordinator';
import type { UploadEvent } from '@longhaul/protocol';
import { UPLOAD_EVENT_TYPES } from '@longhaul/protocol';
import type { ObservedCall } from './engine/wire.ts';
import type { SimulatedS3 } from './store/simulated-s3.ts';

/** What has happened to objects after they were complete. */
export interface RotationHistory {
  /** Rotations that were begun, by node. */
  readonly begun: ReadonlyMap<string, ReadonlySet<string>>;
  /** What became the object of a node, by node, in order. */
  readonly switches: ReadonlyMap<string, readonly Switch[]>;
  /** A call to the catalog of rotations had its effect. */
  rotations(call: ObservedCall): void;
  /** A call to the catalog has shown a row. */
  seen(record: UploadRecord): void;
  /** A coordinator deletes what stands at a key, or one version of it. */
  deleting(object: { readonly key: string; readonly versionId?: string }): void;
  told(event: UploadEvent): void;
}

/** A node has got another object. */
export interface Switch {
  readonly s3Key: string;
  readonly generation: number;
  readonly etag: string;
}

/** What a history of rotations is judged by. */
export interface RotationRules {
  readonly violate: (what: string) => void;
  readonly nowEpochMs: () => number;
  readonly s3: () => SimulatedS3;
}

/** Until when others leave a rotation alone, by the epoch of its driver. */
interface Lease {
  readonly epoch: number;
  untilEpochMs: number;
}

type Driven = Pick<RotationRecord, 'uploadId' | 'rotationId' | 'epoch'>;

/** A history without anything in it. What must never be, not for a moment, is found as it happens. */
export function createRotationHistory({ violate, nowEpochMs, s3 }: RotationRules): RotationHistory {
  const begun = new Map<string, Set<string>>();
  const switches = new Map<string, Switch[]>();
  const current = new Map<string, Pick<UploadRecord, 's3Key' | 'versionId'>>();
  const leases = new Map<string, Lease>();
  const generations = new Map<string, number>();
  const toldIds = new Set<string>();

  const leaseOf = ({ rotationId, epoch }: Driven): Lease | undefined => {
    const lease = leases.get(rotationId);
    return lease?.epoch === epoch ? lease : undefined;
  };
  const taken = ({ rotationId, epoch }: RotationRecord, leaseMs: number): void => {
    const before = leases.get(rotationId);
    if (before && before.untilEpochMs > nowEpochMs())
      violate(`rotation ${rotationId} was taken by ${epoch} while ${before.epoch} had it`);
    leases.set(rotationId, { epoch, untilEpochMs: nowEpochMs() + leaseMs });
  };
  const switched = ({ uploadId, s3Key, generation, encryption }: RotationRecord, etag: string): void => {
    const known = switches.get(uploadId) ?? [];
    if ((known.at(-1)?.generation ?? 0) >= generation)
      violate(`${uploadId} went back to generation ${generation}`);
    switches.set(uploadId, [...known, { s3Key, generation, etag }]);
    const head = s3().head(s3Key);
    if (head?.etag !== etag)
      violate(`${uploadId} was switched to ${etag}, the store holds ${head?.etag ?? 'nothing'}`);
    else if (head.encryption !== encryption.mode)
      violate(`${uploadId} was switched to ${encryption.mode}, the store has it under ${head.encryption}`);
    current.set(uploadId, { s3Key, ...(head?.versionId !== undefined && { versionId: head.versionId }) });
  };

  /** What a call means that has had an effect, by its name. */
  const changes: Readonly<Record<string, (values: readonly unknown[], result: unknown) => void>> = {
    insert(_values, result) {
      const outcome = result as InsertRotationOutcome;
      if (outcome.kind !== 'inserted') return;
      const { uploadId, rotationId } = outcome.rotation;
      begun.set(uploadId, (begun.get(uploadId) ?? new Set()).add(rotationId));
    },
    take: ([, leaseMs], result) => taken(result as RotationRecord, Number(leaseMs)),
    renew([driven, progress]) {
      const lease = leaseOf(driven as Driven);
      if (lease) lease.untilEpochMs = nowEpochMs() + (progress as { leaseMs: number }).leaseMs;
    },
    switchObject: ([, copy], result) => switched(result as RotationRecord, (copy as { etag: string }).etag),
  };

  return {
    begun,
    switches,
    rotations({ method, values, result }) {
      if (LETS_GO.has(method) && leaseOf(values[0] as Driven))
        leases.delete((values[0] as Driven).rotationId);
      if (result) changes[method]?.(values, result);
    },
    seen({ uploadId, state, s3Key, versionId }) {
      if (state !== 'COMPLETED') return;
      current.set(uploadId, { s3Key, ...(versionId !== undefined && { versionId }) });
    },
    deleting({ key, versionId }) {
      for (const [uploadId, object] of current) {
        const isMeant = versionId === undefined || versionId === object.versionId;
        if (object.s3Key === key && isMeant) violate(`the object of ${uploadId} was deleted under its row`);
      }
    },
    told({ id, type, data: { nodeId, generation = 0, key } }) {
      if (toldIds.has(id)) return;
      toldIds.add(id);
      const before = generations.get(nodeId);
      const isFirst = type !== UPLOAD_EVENT_TYPES.rotated;
      if (isFirst ? before !== undefined : before === undefined)
        violate(`${nodeId} was told of ${isFirst ? 'as ended after' : 'as rotated before'} the other`);
      else if (!isFirst && generation <= (before ?? 0))
        violate(`generation ${generation} of ${nodeId} (${key}) was told of after ${before}`);
      generations.set(nodeId, Math.max(before ?? 0, generation));
    },
  };
}

/** Calls by which a driver ends its lease. */
const LETS_GO = new Set(['postpone', 'finish', 'fail', 'finishCleanup']);
