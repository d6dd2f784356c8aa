import type { UploadLimits } from '@longhaul/protocol';
import { type CoordinatorSettings, NO_LIMIT, settingErrors, settingsOf } from './coordinator-settings.ts';
import type { AnsweredCall, CallScope } from './ports/answered-call.ts';
import type { Authorize } from './ports/authorizer.ts';
import type { CallLimiter } from './ports/call-limiter.ts';
import type { Catalog } from './ports/catalog.ts';
import type { Clock } from './ports/clock.ts';
import type { EventSink } from './ports/event-sink.ts';
import type { KeyVault } from './ports/key-vault.ts';
import type { Metrics } from './ports/metrics.ts';
import type { ObjectStore } from './ports/object-store.ts';
import type { OwnerQuota, QuotaFor } from './ports/owner-quota.ts';
import type { StateStore } from './ports/state-store.ts';
import { Secret } from './secret.ts';
import type { UploadSettings } from './uploads/context.ts';

/** What a coordinator is made of. Only the ports and `tokenKeys` must be given. */
export interface CoordinatorOptions extends Partial<CoordinatorSettings> {
  /** The bucket. See `createS3ObjectStore`. */
  readonly objectStore: ObjectStore;
  /** The durable truth. See `createSqliteStore` and `createPostgresCatalog`. */
  readonly catalog: Catalog;
  /** Hot state. See `createSqliteStore` and `createRedisState`. */
  readonly state: StateStore;
  /**
   * Keys that sign the tokens of uploads, at least 32 characters each. The first one signs, all of them verify: to
   * rotate, put the new key first and drop the old one after `tokenLifetimeSeconds`.
   */
  readonly tokenKeys: readonly (string | Secret)[];
  /**
   * Says who may create uploads, and whose they are. A hook that goes by cookies has to look at the `Origin` header too:
   * a page elsewhere can send a create whose answer it cannot read.
   *
   * Without it only this machine may create: requests to a loopback host, from a loopback address where the server tells
   * it, not from pages of other origins than `corsOrigins`. Every upload then belongs to the owner `local`.
   */
  readonly authorize?: Authorize;
  /**
   * Origins whose pages may call this coordinator and read its answers, as browsers send them (`https://app.example`),
   * or `*`. Default: pages served from a loopback host.
   */
  readonly corsOrigins?: readonly string[];
  /**
   * Who is told how uploads ended. Default: nobody; the events wait in the catalog. See `createKafkaSink`,
   * `createWebhookSink` and `createListenerSink`.
   */
  readonly sinks?: readonly EventSink[];
  /**
   * What single owners may have, where it differs from `maxOpenUploadsPerOwner`, `maxOpenBytesPerOwner` and
   * `maxBytesPerOwner`. Asked at every create. Default: all are alike.
   */
  readonly quotaFor?: QuotaFor;
  /**
   * Where calls are counted for `callsPerMinutePerOwner` and `callsPerMinutePerAddress`. Default: in this process, so that
   * each replica lets pass as many. See `createRedisCallLimiter`.
   */
  readonly callLimiter?: CallLimiter;
  /**
   * Keeps keys of SSE-C while their uploads are on the way, for stores that want them of the coordinator, too. Default:
   * none; SSE-C is refused there then. See `createKeyVault`.
   */
  readonly keyVault?: KeyVault;
  /** Time and chance. Default: the system's. */
  readonly clock?: Clock;
  /** Where figures go. See `createPrometheusMetrics`. Default: nothing is counted. */
  readonly metrics?: Metrics;
  /**
   * Told of every failure that is not the caller's: what lies behind a 5xx answer, and what fails after the answer was
   * sent; with the call that it befell, where there is one. Default: nobody is told.
   */
  readonly onError?: (error: unknown, call?: CallScope) => void;
  /** Told of every call once it is answered. Default: nobody is told. */
  readonly onCall?: (call: AnsweredCall) => void;
}

/** Shorter ones could be guessed. */
export const MIN_TOKEN_KEY_LENGTH = 32;

/** What is wrong with token keys; `undefined` when they are good. Never says the key itself. */
export function tokenKeyError(tokenKeys: readonly (string | Secret)[]): string | undefined {
  if (tokenKeys.length === 0) return 'tokenKeys must hold at least one key, got none';
  // An environment variable that is not set arrives as `undefined`, whatever the types say.
  const lengths = tokenKeys.map((key) => (key instanceof Secret ? key.reveal() : key)?.length);
  if (lengths.some((length) => length === undefined))
    return 'tokenKeys must hold strings, got one that is not set';
  const short = lengths.find((length) => length < MIN_TOKEN_KEY_LENGTH);
  if (short === undefined) return undefined;
  return `tokenKeys must have at least ${MIN_TOKEN_KEY_LENGTH} characters each, got one of ${short}`;
}

/**
 * Settings as the use-cases want them.
 *
 * @throws TypeError naming every setting that is wrong
 */
export function normalizeSettings(options: CoordinatorOptions): UploadSettings {
  const settings = settingsOf(options);
  const errors = [
    ...settingErrors(settings),
    tokenKeyError(options.tokenKeys) ?? [],
    sinkError(options.sinks ?? []) ?? [],
  ].flat();
  if (errors.length > 0) throw new TypeError(errors.join('; '));
  return {
    limits: limitsOf(settings),
    maxSizeBytes: Math.min(settings.maxSizeBytes, options.objectStore.profile.maxObjectSizeBytes ?? Infinity),
    singlePutThresholdBytes: settings.singlePutThresholdBytes,
    inlineMaxBytes: settings.inlineMaxBytes,
    grantExpiresInSeconds: settings.grantExpiresInSeconds,
    firstGrantCount: settings.firstGrantCount,
    idleLimitMs: settings.idleLimitSeconds * 1000,
    completeAnswerWithinMs: settings.completeAnswerWithinSeconds * 1000,
    completionRedriveAfterMs: settings.completionRedriveAfterSeconds * 1000,
    singlePutGraceMs: settings.singlePutGraceSeconds * 1000,
    pendingLimitMs: settings.pendingLimitSeconds * 1000,
    attemptOverAfterMs: settings.attemptOverAfterSeconds * 1000,
    goneAfterMs: settings.goneAfterSeconds * 1000,
    retainMs: settings.retainDays * 24 * 3600 * 1000,
    keyTemplate: settings.keyTemplate,
    encryption: settings.encryption,
    objectOptions: settings.objectOptions,
    quota: quotaIn(settings),
    allowedContentTypes: settings.allowedContentTypes,
  };
}

function quotaIn(settings: CoordinatorSettings): OwnerQuota {
  const { maxOpenUploadsPerOwner, maxOpenBytesPerOwner, maxBytesPerOwner } = settings;
  return {
    ...(maxOpenUploadsPerOwner !== NO_LIMIT && { maxOpenUploads: maxOpenUploadsPerOwner }),
    ...(maxOpenBytesPerOwner !== NO_LIMIT && { maxOpenBytes: maxOpenBytesPerOwner }),
    ...(maxBytesPerOwner !== NO_LIMIT && { maxBytes: maxBytesPerOwner }),
  };
}

/** An event remembers by their names which sinks have taken it. */
function sinkError(sinks: readonly EventSink[]): string | undefined {
  const names = sinks.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `sinks must have names of their own, got two named "${twice}"`;
}

function limitsOf(settings: CoordinatorSettings): UploadLimits {
  return {
    recommended_chunk_size: settings.recommendedChunkSizeBytes,
    min_chunk_size: settings.minChunkSizeBytes,
    max_chunk_size: settings.maxChunkSizeBytes,
    max_chunks: settings.maxChunks,
  };
}
