import {
  MAX_OBJECT_SIZE_BYTES,
  MAX_PART_SIZE_BYTES,
  MAX_PARTS,
  MAX_PRESIGNED_EXPIRY_SECONDS,
  MIN_PART_SIZE_BYTES,
} from '@longhaul/protocol';
import { contentTypesError } from './uploads/content-type.ts';
import { type EncryptionPolicy, encryptionPolicyErrors } from './uploads/encryption-policy.ts';
import { type ObjectOptionsPolicy, objectOptionsPolicyErrors } from './uploads/object-options-policy.ts';

/** Settings of a coordinator, all with defaults. */
export interface CoordinatorSettings {
  /** Part size told to those who ask. The SDK plans by itself. Default 100 MiB. */
  readonly recommendedChunkSizeBytes: number;
  /** Smallest part that is not the last one. Default and least 5 MiB. */
  readonly minChunkSizeBytes: number;
  /** Largest part; yields to the rule of 10,000 parts. Default 500 MiB, at most 5 GiB. */
  readonly maxChunkSizeBytes: number;
  /** Most parts of one upload. Default and at most 10,000. */
  readonly maxChunks: number;
  /** Largest upload. Default 48.8 TiB, what S3 takes; never more than the store's profile says that it takes. */
  readonly maxSizeBytes: number;
  /** Up to this size an upload may be one presigned PUT. Default 100 MiB, at most 5 GiB. */
  readonly singlePutThresholdBytes: number;
  /** Up to this size the content may travel inside the create call. Default 256 KiB, at most 8 MiB. */
  readonly inlineMaxBytes: number;
  /** Life of a presigned URL. Default 900 s, at most 7 days. */
  readonly grantExpiresInSeconds: number;
  /** URLs handed out with the answer of create. Default 8. */
  readonly firstGrantCount: number;
  /** Life of an upload's token; a fresh one is handed out at half of it. Default 24 h. */
  readonly tokenLifetimeSeconds: number;
  /** An upload without activity may be ended after this. Default 72 h. */
  readonly idleLimitSeconds: number;
  /** `complete` answers 202 after this and works on. Default 20 s: below the time-out of load balancers. */
  readonly completeAnswerWithinSeconds: number;
  /** After this another call may take over a completion whose end is not known. Default 15 s. */
  readonly completionRedriveAfterSeconds: number;
  /** How long after its last URL expired a single PUT may still be on its way. Default 300 s. */
  readonly singlePutGraceSeconds: number;
  /** A create that was never finished is ended after this. Default 900 s. */
  readonly pendingLimitSeconds: number;
  /**
   * An attempt to complete whose end nobody knows is over after this: the store does not work on it any more if it still
   * has the upload open. Default 24 h. Too short a time lets an abort meet a completion, which destroys objects.
   */
  readonly attemptOverAfterSeconds: number;
  /** An upload of which the store knows neither parts nor object has failed this long after the last attempt. Default 900 s. */
  readonly goneAfterSeconds: number;
  /** Sent events, and the rows of uploads that ended without an object, are kept so long. Default 30 days. */
  readonly retainDays: number;
  /**
   * Object key, with `{connectorId}`, `{nodeId}` and, so that nobody else writes there, `{installationId}`. Default
   * `connectors/{connectorId}/{nodeId}`.
   */
  readonly keyTemplate: string;
  /** Uploads of one owner that have begun and not ended. A create above it is refused. Default: no limit. */
  readonly maxOpenUploadsPerOwner: number;
  /** Bytes of one owner in open uploads, as declared. Where a size is unknown, each part counts when it is signed. Default: no limit. */
  readonly maxOpenBytesPerOwner: number;
  /** Bytes of one owner, open and stored. What others have deleted from the bucket still counts. Default: no limit. */
  readonly maxBytesPerOwner: number;
  /**
   * Calls that one owner may make in a minute, an entry of a batch counting as one; after a pause all of them at once. One
   * more is answered 429 with `Retry-After`. Default: no limit.
   */
  readonly callsPerMinutePerOwner: number;
  /** The same for one address (of IPv6: one /64), where the server tells it. Default: no limit. */
  readonly callsPerMinutePerAddress: number;
  /**
   * Proxies of your own between clients and this server, each of which adds to `X-Forwarded-For` whom it has seen. Default
   * 0: the header is not believed.
   */
  readonly trustedProxyCount: number;
  /** Content types that may be uploaded, as `image/png` or `image/*`. Default: all. */
  readonly allowedContentTypes: readonly string[] | undefined;
  /** Encryption at rest: what uploads may ask for, have to have, and get by default. Default: what they ask for. */
  readonly encryption: EncryptionPolicy;
  /** What uploads may ask the store to keep with their objects. Default: headers of downloads. */
  readonly objectOptions: ObjectOptionsPolicy;
}

/** The value of a setting that limits nothing. */
export const NO_LIMIT: number = Number.MAX_SAFE_INTEGER;

/** Defaults of {@link CoordinatorSettings}. */
export const DEFAULT_SETTINGS: CoordinatorSettings = {
  recommendedChunkSizeBytes: 104_857_600,
  minChunkSizeBytes: MIN_PART_SIZE_BYTES,
  maxChunkSizeBytes: 524_288_000,
  maxChunks: MAX_PARTS,
  maxSizeBytes: MAX_OBJECT_SIZE_BYTES,
  singlePutThresholdBytes: 104_857_600,
  inlineMaxBytes: 256 * 1024,
  grantExpiresInSeconds: 900,
  firstGrantCount: 8,
  tokenLifetimeSeconds: 24 * 3600,
  idleLimitSeconds: 72 * 3600,
  completeAnswerWithinSeconds: 20,
  completionRedriveAfterSeconds: 15,
  singlePutGraceSeconds: 300,
  pendingLimitSeconds: 900,
  attemptOverAfterSeconds: 24 * 3600,
  goneAfterSeconds: 900,
  retainDays: 30,
  keyTemplate: 'connectors/{connectorId}/{nodeId}',
  maxOpenUploadsPerOwner: NO_LIMIT,
  maxOpenBytesPerOwner: NO_LIMIT,
  maxBytesPerOwner: NO_LIMIT,
  callsPerMinutePerOwner: NO_LIMIT,
  callsPerMinutePerAddress: NO_LIMIT,
  trustedProxyCount: 0,
  allowedContentTypes: undefined,
  encryption: {},
  objectOptions: {},
};

/** Least and most of every setting that is a number. */
export const SETTING_RANGES: Readonly<
  Record<
    keyof Omit<CoordinatorSettings, 'keyTemplate' | 'allowedContentTypes' | 'encryption' | 'objectOptions'>,
    readonly [number, number]
  >
> = {
  recommendedChunkSizeBytes: [MIN_PART_SIZE_BYTES, MAX_PART_SIZE_BYTES],
  minChunkSizeBytes: [MIN_PART_SIZE_BYTES, MAX_PART_SIZE_BYTES],
  maxChunkSizeBytes: [MIN_PART_SIZE_BYTES, MAX_PART_SIZE_BYTES],
  maxChunks: [1, MAX_PARTS],
  maxSizeBytes: [0, MAX_OBJECT_SIZE_BYTES],
  singlePutThresholdBytes: [0, MAX_PART_SIZE_BYTES],
  inlineMaxBytes: [0, 8 * 1024 ** 2],
  grantExpiresInSeconds: [1, MAX_PRESIGNED_EXPIRY_SECONDS],
  firstGrantCount: [0, 1_000],
  tokenLifetimeSeconds: [60, 30 * 24 * 3600],
  idleLimitSeconds: [60, 365 * 24 * 3600],
  completeAnswerWithinSeconds: [0, 600],
  completionRedriveAfterSeconds: [1, 3600],
  singlePutGraceSeconds: [0, 24 * 3600],
  pendingLimitSeconds: [60, 24 * 3600],
  attemptOverAfterSeconds: [600, 30 * 24 * 3600],
  goneAfterSeconds: [60, 24 * 3600],
  retainDays: [1, 3650],
  maxOpenUploadsPerOwner: [0, NO_LIMIT],
  maxOpenBytesPerOwner: [0, NO_LIMIT],
  maxBytesPerOwner: [0, NO_LIMIT],
  callsPerMinutePerOwner: [0, NO_LIMIT],
  callsPerMinutePerAddress: [0, NO_LIMIT],
  trustedProxyCount: [0, 100],
};

/** The settings among the options, completed by defaults. */
export function settingsOf(options: Partial<CoordinatorSettings>): CoordinatorSettings {
  const given = Object.keys(DEFAULT_SETTINGS).flatMap((name) => {
    const value = options[name as keyof CoordinatorSettings];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...DEFAULT_SETTINGS, ...Object.fromEntries(given) };
}

/**
 * Everything that is wrong with settings, one sentence each; empty when they are good.
 */
export function settingErrors(settings: CoordinatorSettings): string[] {
  const errors = Object.entries(SETTING_RANGES).flatMap(([name, [least, most]]) => {
    const value = settings[name as keyof typeof SETTING_RANGES];
    const isGood = Number.isSafeInteger(value) && value >= least && value <= most;
    return isGood ? [] : [`${name} must be a whole number from ${least} to ${most}, got ${value}`];
  });
  errors.push(
    ...keyTemplateErrors(settings.keyTemplate),
    ...encryptionPolicyErrors(settings.encryption),
    ...objectOptionsPolicyErrors(settings.objectOptions),
    ...[contentTypesError(settings.allowedContentTypes) ?? []].flat(),
  );
  if (settings.minChunkSizeBytes > settings.maxChunkSizeBytes) {
    errors.push(
      `minChunkSizeBytes (${settings.minChunkSizeBytes}) must not exceed maxChunkSizeBytes (${settings.maxChunkSizeBytes})`,
    );
  }
  return errors;
}

/** Room for a connector of 128 characters and an id of 36: keys may have 1,024 bytes. */
const MAX_KEY_TEMPLATE_LENGTH = 512;

function keyTemplateErrors(keyTemplate: string): string[] {
  if (!keyTemplate.includes('{nodeId}'))
    return [`keyTemplate must contain {nodeId}, so that no two uploads share a key, got "${keyTemplate}"`];
  const segments = keyTemplate.replaceAll(/\{(nodeId|connectorId|installationId)\}/g, 'x').split('/');
  // HTTP clients take `//`, `.` and `..` out of a URL's path, and then its signature is wrong.
  const isSafe = segments.every((segment) => /^[\w!*'().-]+$/.test(segment) && !/^\.\.?$/.test(segment));
  if (isSafe && keyTemplate.length <= MAX_KEY_TEMPLATE_LENGTH) return [];
  return [
    "keyTemplate may hold {nodeId}, {connectorId}, {installationId}, letters, digits and !*'()._- in folders that have a name, " +
      `${MAX_KEY_TEMPLATE_LENGTH} characters at most, got "${keyTemplate}"`,
  ];
}
