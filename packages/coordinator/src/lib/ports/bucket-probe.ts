import type { AbortRule, LifecycleRule } from './bucket-lifecycle.ts';
import type { EncryptionMode, FullObjectAlgorithm } from './store-profile.ts';

/**
 * Looks at a bucket as `longhaul-coordinator doctor` does: by what the store really answers, not by what a profile says
 * of it. What it writes it writes under one prefix of its own, and removes again.
 *
 * No method rejects because of the store: an answer that could not be had is a part of the report.
 */
export interface BucketProbe {
  readonly bucket: string;
  /** Address that the coordinator calls. */
  readonly endpoint: string;
  /** Address of the bucket in presigned URLs. */
  readonly publicBucketUrl: string;

  /** One signed call that needs nothing but to be let in. */
  greet(): Promise<ProbeAnswer>;

  /** The same by the address that clients get; `undefined` where it is no other. */
  greetPublicly(): Promise<ProbeAnswer | undefined>;

  /** How the bucket is set up, as far as the credentials may read it. */
  settings(): Promise<BucketSettings>;

  /** Which actions the credentials may do under the prefix. */
  rights(): Promise<readonly ProbedRight[]>;

  /** What a page of that origin meets: a preflight, and what it may read of the answer to a PUT. */
  crossOrigin(origin: string): Promise<CrossOriginReport>;

  /** What somebody without credentials may do. */
  anonymous(): Promise<{ readonly mayList: boolean; readonly mayRead: boolean }>;

  /**
   * What the store really does with the requests that uploads are made of. `thorough` sends some 12 MiB more, to see
   * what only parts of 5 MiB show.
   */
  measure(options: { readonly thorough: boolean }): Promise<MeasuredStore>;

  /** Every object under the prefix of the installation, page by page. @throws ObjectStoreError */
  objects(): AsyncIterable<readonly ListedKey[]>;

  /** Adds a CORS rule to those of the bucket. */
  addCorsRule(rule: CorsRule): Promise<void>;

  /** Puts an abort rule beside the rules of others. */
  putAbortRule(rule: AbortRule): Promise<void>;

  /** Removes whatever was written, and tells what could not be removed. */
  leaveNothing(): Promise<{
    readonly prefix: string;
    readonly objects: number;
    readonly openUploads: number;
  }>;

  /** Lets go of connections. */
  close(): void;
}

/** An object as a list shows it. */
export interface ListedKey {
  readonly key: string;
  readonly sizeBytes: number;
  /** As the store writes it, ISO 8601. */
  readonly lastModified: string;
}

/** What a store answered to one request. */
export interface ProbeAnswer {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Code of an S3 error body, or why there was no answer: `ENOTFOUND`, `ECONNREFUSED`, `CredentialsProviderError`. */
  readonly code?: string;
  /** In words; never holds a signature. */
  readonly message?: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** When the answer came, by this machine's clock, and how long it took. */
  readonly receivedAtEpochMs: number;
  readonly tookMs: number;
}

/** A value, or why it could not be read: `denied`, `unsupported`, or the store's own code. */
export type Readable<Value> = { readonly value: Value } | { readonly unreadable: string };

/** How a bucket is set up. */
export interface BucketSettings {
  readonly versioning: Readable<'off' | 'enabled' | 'suspended'>;
  readonly encryption: Readable<{ readonly mode: string; readonly blocksSsec: boolean }>;
  /** Whether objects are locked by default as soon as they are written. */
  readonly defaultLock: Readable<boolean>;
  readonly lifecycle: Readable<readonly ProbedLifecycleRule[]>;
  readonly cors: Readable<readonly CorsRule[]>;
}

/** A lifecycle rule, with what would remove objects themselves. */
export interface ProbedLifecycleRule extends LifecycleRule {
  readonly Expiration?: { readonly Days?: number | undefined } | undefined;
}

/** A rule as `aws s3api put-bucket-cors` takes it. */
export interface CorsRule {
  readonly ID?: string | undefined;
  readonly AllowedOrigins: readonly string[];
  readonly AllowedMethods: readonly string[];
  readonly AllowedHeaders?: readonly string[] | undefined;
  readonly ExposeHeaders?: readonly string[] | undefined;
  readonly MaxAgeSeconds?: number | undefined;
}

/** An IAM action and whether the credentials may do it; `unknown`: the store's answer did not tell. */
export interface ProbedRight {
  readonly action: string;
  readonly state: 'allowed' | 'denied' | 'unknown';
  readonly code?: string;
}

/** What a page of another origin meets. */
export interface CrossOriginReport {
  readonly preflight: ProbeAnswer;
  /** The origin is allowed when nothing but PUT with no header is asked for. */
  readonly bareStatus: number;
  /** Headers that a preflight for each alone was refused. */
  readonly refusedHeaders: readonly string[];
  /** `Access-Control-Expose-Headers` of an answer to a PUT, lower case. */
  readonly exposed: readonly string[];
  readonly allowedOrigin: string | undefined;
}

/** What was seen; `undefined`: it could not be told, or was not looked at. */
export interface MeasuredStore {
  readonly signedLength?: boolean | undefined;
  readonly refusesUnsignedHeaders?: boolean | undefined;
  readonly putIfNoneMatch?: boolean | undefined;
  readonly completeIfNoneMatch?: boolean | undefined;
  readonly completeIdempotent?: boolean | undefined;
  readonly completeReturnsEtag?: boolean | undefined;
  readonly verifiesObjectSize?: boolean | undefined;
  readonly unknownUploadIs404?: boolean | undefined;
  readonly contentMd5?: boolean | undefined;
  /** Algorithms that are verified for parts and for the whole. */
  readonly fullObjectChecksums?: readonly FullObjectAlgorithm[] | undefined;
  /** Algorithms whose value the answer to a part carries. */
  readonly echoedChecksums?: readonly FullObjectAlgorithm[] | undefined;
  readonly pagesParts?: boolean | undefined;
  readonly pagesOpenUploads?: boolean | undefined;
  readonly listsOpenUploadsByPrefix?: boolean | undefined;
  readonly pagesObjects?: boolean | undefined;
  readonly stableEtags?: boolean | undefined;
  readonly presignedCreateMetadata?: boolean | undefined;
  readonly encryption?: readonly EncryptionMode[] | undefined;
  /** Modes that could not be tried. */
  readonly untoldEncryption?: readonly EncryptionMode[] | undefined;
  readonly ssecBlind?: boolean | undefined;
  readonly ssecCopy?: boolean | undefined;
  readonly equalParts?: boolean | undefined;
  readonly refusesPartOrder?: boolean | undefined;
  readonly refusesCutBodies?: boolean | undefined;
  /** What the store said when SSE-C was asked of it and was not done. */
  readonly ssecRefusal?: { readonly status: number; readonly code?: string | undefined } | undefined;
}
