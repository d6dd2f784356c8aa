import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { accelerationProblem } from '../../ports/acceleration.ts';
import type { StoreProfile } from '../../ports/store-profile.ts';
import { guessProfile } from './store-profiles.ts';

/** Keys that sign requests. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** With temporary credentials. */
  readonly sessionToken?: string;
  /** When temporary credentials end. No URL is signed for longer. */
  readonly expiration?: Date;
}

/** Options of `createS3ObjectStore`. */
export interface S3ObjectStoreOptions {
  readonly bucket: string;
  /** Region that signatures are made for, for example `eu-west-1`; stores without regions take any name. */
  readonly region: string;
  /**
   * URL of the store, scheme included. Default: Amazon S3 in `region`. The environment's `AWS_ENDPOINT_URL`,
   * `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT` are not read, because they would not reach the signed
   * URLs: name such an endpoint here.
   */
  readonly endpoint?: string;
  /** URL that goes into presigned URLs, when clients reach the store by another name. Default: `endpoint`. */
  readonly publicEndpoint?: string;
  /**
   * Lets clients send through S3 Transfer Acceleration, which has to be enabled for the bucket. It is tried before the
   * first URL is signed; where it does not let requests in, URLs lead to the normal endpoint and `onNotice` is told.
   * Amazon S3 only, and buckets without dots in their names. Default `false`.
   */
  readonly accelerate?: boolean;
  /** Uses host names of Amazon S3 that have IPv6 addresses, too. Default `false`. */
  readonly dualStack?: boolean;
  /** Told, in a sentence, when something that was asked for is done otherwise. Default: nobody is told. */
  readonly onNotice?: (notice: string) => void;
  /** Puts the bucket into the path instead of the host name. Default `false`; endpoints that are an IP address always do. */
  readonly forcePathStyle?: boolean;
  /** Default: the AWS SDK's chain (environment, shared files, container, instance). */
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>);
  /** One of `storeProfiles`, or your own. Default: guessed from the host of `endpoint`; Amazon S3 without one, `genericProfile` where it tells nothing. */
  readonly profile?: StoreProfile;
  /** Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Longest silence of the store before a try is ended. Default 60,000. */
  readonly readTimeoutMs?: number;
  /** Connections to the store. Default 50. */
  readonly maxSockets?: number;
  /** Times that a call that is safe to repeat is sent. Default 3. */
  readonly maxAttempts?: number;
  /** CreateMultipartUpload is sent once and ended after this. Default 60,000. */
  readonly createTimeoutMs?: number;
  /** CompleteMultipartUpload is sent once and ended after this; S3 may take minutes. Default 600,000. */
  readonly completeTimeoutMs?: number;
}

/** What the operations of the adapter share. */
export interface S3Connection {
  readonly bucket: string;
  readonly region: string;
  readonly profile: StoreProfile;
  /** Repeats what is safe to repeat. */
  readonly client: S3Client;
  /** Sends once; for calls that must never be repeated behind the caller's back. */
  readonly onceClient: S3Client;
  /** `https://bucket.host` or `https://host/bucket`, no slash at the end: what clients see. */
  readonly publicBucketUrl: string;
  /** The same by S3 Transfer Acceleration, where that was asked for. */
  readonly acceleratedBucketUrl: string | undefined;
  readonly onNotice: (notice: string) => void;
  readonly createTimeoutMs: number;
  readonly completeTimeoutMs: number;
  /** Bounds a repeated call as a whole, whatever the store drips. */
  readonly callTimeoutMs: number;
}

/** Most time that the pauses between tries of one call take: 20 s is the SDK's longest, plus Retry-After's 5 s. */
const LONGEST_PAUSE_MS = 25_000;

/** Makes the clients. Nothing is sent yet. @throws {TypeError} when an option makes no sense */
export function connectS3(options: S3ObjectStoreOptions): S3Connection {
  const settings = normalizeOptions(options);
  const base = clientConfig(settings);
  const client = new S3Client({
    ...base,
    maxAttempts: settings.maxAttempts,
    requestHandler: requestHandler(settings, settings.readTimeoutMs),
  });
  const onceTimeoutMs = Math.max(settings.completeTimeoutMs, settings.createTimeoutMs);
  return {
    bucket: settings.bucket,
    region: settings.region,
    profile: settings.profile,
    client,
    onceClient: new S3Client({
      ...base,
      credentials: client.config.credentials,
      maxAttempts: 1,
      requestHandler: requestHandler(settings, onceTimeoutMs),
    }),
    publicBucketUrl: bucketUrl(client, settings),
    acceleratedBucketUrl: settings.accelerate ? acceleratedUrl(client, settings) : undefined,
    onNotice: settings.onNotice,
    createTimeoutMs: settings.createTimeoutMs,
    completeTimeoutMs: settings.completeTimeoutMs,
    callTimeoutMs:
      settings.maxAttempts * (settings.connectTimeoutMs + settings.readTimeoutMs + LONGEST_PAUSE_MS),
  };
}

type Settings = Required<Omit<S3ObjectStoreOptions, 'credentials'>> &
  Pick<S3ObjectStoreOptions, 'credentials'>;

function normalizeOptions(options: S3ObjectStoreOptions): Settings {
  refuseAmazonOnly(options);
  if (typeof options.profile === 'string') {
    throw new TypeError(
      `profile must be a profile itself and no name: storeProfiles['${String(options.profile)}']`,
    );
  }
  const endpoint =
    readEndpoint('endpoint', options.endpoint) ?? awsEndpoint(options.region, options.dualStack ?? false);
  const settings: Settings = {
    forcePathStyle: false,
    accelerate: false,
    dualStack: false,
    onNotice: () => undefined,
    profile: guessProfile(readEndpoint('endpoint', options.endpoint)),
    connectTimeoutMs: 10_000,
    readTimeoutMs: 60_000,
    maxSockets: 50,
    maxAttempts: 3,
    createTimeoutMs: 60_000,
    completeTimeoutMs: 600_000,
    ...definedOnly(options),
    endpoint,
    publicEndpoint: readEndpoint('publicEndpoint', options.publicEndpoint) ?? endpoint,
  };
  for (const name of POSITIVE_INTEGERS) {
    if (!Number.isSafeInteger(settings[name]) || settings[name] < 1) {
      throw new TypeError(`${name} must be a positive integer, received ${settings[name]}`);
    }
  }
  return settings;
}

const POSITIVE_INTEGERS = [
  'connectTimeoutMs',
  'readTimeoutMs',
  'maxSockets',
  'maxAttempts',
  'createTimeoutMs',
  'completeTimeoutMs',
] as const;

function definedOnly(options: S3ObjectStoreOptions): S3ObjectStoreOptions {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...options, ...Object.fromEntries(entries) };
}

function readEndpoint(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    throw new TypeError(`${name} must be an http or https URL, for example https://s3.example.com`);
  }
  return value;
}

function awsEndpoint(region: string, dualStack: boolean): string {
  const { endpointProvider } = new S3Client({ region }).config;
  return endpointProvider({ Region: region, UseDualStack: dualStack }).url.origin;
}

/** The SDK would silently put a bucket with dots into the path, and fail at the first URL of an accelerated one. */
function refuseAmazonOnly({ bucket, accelerate, dualStack, ...options }: S3ObjectStoreOptions): void {
  const problem = accelerationProblem(bucket);
  if (accelerate && problem !== undefined) throw new TypeError(`accelerate ${problem}`);
  const named = options.endpoint ?? (accelerate ? options.publicEndpoint : undefined);
  if ((accelerate || dualStack) && named !== undefined) {
    throw new TypeError(
      `${accelerate ? 'accelerate' : 'dualStack'} chooses among the endpoints of Amazon S3, so none may be named, got "${named}"`,
    );
  }
  if (accelerate && options.forcePathStyle) {
    throw new TypeError('accelerate has the bucket in the host name, so forcePathStyle must be false');
  }
}

function clientConfig(settings: Settings): S3ClientConfig {
  return {
    region: settings.region,
    endpoint: settings.endpoint,
    forcePathStyle: settings.forcePathStyle,
    // The SDK refuses an endpoint of one's own beside these two, and the environment can set them.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    // Otherwise every presigned PUT demands the checksum of an empty body.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(settings.credentials && { credentials: settings.credentials }),
  };
}

/** The SDK's `requestTimeout` would end a slow but living request, and by default only warns: silence is what counts. */
function requestHandler(
  { connectTimeoutMs, maxSockets }: Settings,
  silenceMs: number,
): NonNullable<S3ClientConfig['requestHandler']> {
  return {
    connectionTimeout: connectTimeoutMs,
    socketTimeout: silenceMs,
    httpAgent: { keepAlive: true, maxSockets },
    httpsAgent: { keepAlive: true, maxSockets },
  };
}

function bucketUrl(client: S3Client, settings: Settings): string {
  const { url } = client.config.endpointProvider({
    Bucket: settings.bucket,
    Region: settings.region,
    Endpoint: settings.publicEndpoint,
    ForcePathStyle: settings.forcePathStyle,
    UseFIPS: false,
    UseDualStack: false,
  });
  return url.href.replace(/\/$/, '');
}

function acceleratedUrl(client: S3Client, { bucket, region, dualStack }: Settings): string {
  const { url } = client.config.endpointProvider({
    Bucket: bucket,
    Region: region,
    Accelerate: true,
    UseDualStack: dualStack,
    UseFIPS: false,
  });
  return url.href.replace(/\/$/, '');
}
