import type { LimitFunction } from 'p-limit';
import type { UploadLimits } from '@longhaul/protocol';
import type { Catalog, Installation } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyVault } from '../ports/key-vault.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { ObjectStore, StoredPart } from '../ports/object-store.ts';
import type { OwnerQuota, QuotaFor } from '../ports/owner-quota.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { EncryptionPolicy } from './encryption-policy.ts';
import type { ObjectOptionsPolicy } from './object-options-policy.ts';
import type { NoteActivity } from './activity.ts';
import type { PartMeter } from './part-meter.ts';
import type { UploadTokens } from './upload-token.ts';

/** What every use-case works with: the ports, the settings, and what is under way in this process. */
export interface UploadContext {
  readonly objectStore: ObjectStore;
  readonly catalog: Catalog;
  readonly state: StateStore;
  /** Where keys of customers wait, for stores that want them of the coordinator. */
  readonly keyVault: KeyVault | undefined;
  readonly clock: Clock;
  readonly tokens: UploadTokens;
  readonly settings: UploadSettings;
  /** What single owners may have, where it differs. */
  readonly quotaFor: QuotaFor | undefined;
  readonly noteActivity: NoteActivity;
  /** Counts the parts that clients report. */
  readonly partMeter: PartMeter;
  readonly metrics: Metrics;
  /** Whose catalog this is; asked once. */
  readonly installation: () => Promise<Installation>;
  /** Completions that this process is driving, so that a second call joins the first. */
  readonly completions: Map<string, Promise<UploadRecord | undefined>>;
  /** Rotations that this process is driving, by node. */
  readonly rotations: Map<string, Promise<void>>;
  /** Rebuilds of hot state under way in this process. */
  readonly rebuilds: Map<string, Promise<readonly StoredPart[] | undefined>>;
  /** Bounds what one call may start at the store at once. */
  readonly storeCalls: LimitFunction;
  /** Told of every failure that is not the caller's. */
  readonly onError: (error: unknown) => void;
}

/** Settings of the use-cases, complete. */
export interface UploadSettings {
  readonly limits: UploadLimits;
  readonly maxSizeBytes: number;
  readonly singlePutThresholdBytes: number;
  readonly inlineMaxBytes: number;
  readonly grantExpiresInSeconds: number;
  readonly firstGrantCount: number;
  readonly idleLimitMs: number;
  readonly completeAnswerWithinMs: number;
  readonly completionRedriveAfterMs: number;
  /** How long after its last URL expired a single PUT may still be on its way. */
  readonly singlePutGraceMs: number;
  /** A create that nobody has finished is ended after this. */
  readonly pendingLimitMs: number;
  /** An attempt to complete whose end is unknown is over after this, if the store still has the upload open. */
  readonly attemptOverAfterMs: number;
  /** An upload that the store knows no more, and no object, has failed this long after the last attempt. */
  readonly goneAfterMs: number;
  readonly retainMs: number;
  /** Object key with `{installationId}`, `{connectorId}` and `{nodeId}`. */
  readonly keyTemplate: string;
  /** What every owner may have. */
  readonly quota: OwnerQuota;
  /** Media types that are taken; left out: all. */
  readonly allowedContentTypes: readonly string[] | undefined;
  readonly encryption: EncryptionPolicy;
  readonly objectOptions: ObjectOptionsPolicy;
}
