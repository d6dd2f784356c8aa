import type { EncryptionWish, ObjectOptions } from '@longhaul/protocol';
import type { CoordinatorHeaders } from '../http/coordinator-client.ts';
import { type NoticeListener, warn } from '../notice.ts';
import type { CoordinatorFetch } from '../ports/coordinator.ts';
import type { ResumeStore } from '../ports/resume-store.ts';
import type { UploadEncryption } from '../upload-encryption.ts';
import { type RetryOptions, type RetryPolicy, retryPolicy } from '../retry.ts';

/** What all uploads of an uploader share. */
export interface UploaderOptions {
  /**
   * Where the coordinator is: its absolute URL (a path in it is kept), or the `fetch` of a coordinator in this
   * process, for example `createCoordinator({...}).fetch`.
   */
  readonly coordinator: string | URL | CoordinatorFetch;
  /**
   * Parts in flight at once, over all files together. Default 6 in a browser; in Node 8, and up to 16 on a line on which
   * more of them carry more. A file of few parts begins with two or three, and gets the others where losses hold connections
   * back one by one. A store that asks for patience gets fewer for a while.
   */
  readonly concurrency?: number;
  /**
   * Largest part to ask for, 5 MiB to 5 GiB. Default 16 MiB for the first upload, then some seconds of work at the rate
   * that was measured, up to 64 MiB. A small file gets smaller parts, so that every connection has work. The coordinator
   * decides, and may go above it for a file that would need too many parts.
   */
  readonly partSizeBytes?: number;
  /** Headers for every call to the coordinator (its `authorize` hook reads them); never sent to the store. */
  readonly headers?: CoordinatorHeaders;
  /**
   * Remembers open uploads between runs. Default in browsers the origin's IndexedDB, elsewhere none; `false`: none.
   * Without it the coordinator still finds them by content.
   */
  readonly resumeStore?: ResumeStore | false;
  /** How failures are met. */
  readonly retry?: RetryOptions;
  /**
   * Longest silence on a connection after which a part is sent again on another one; twice as long with each attempt of
   * the part. Default 30,000 ms. Sooner, from 5 s on, where the line is known by then: while other connections carry on,
   * or much longer than this line was ever silent before. A line that is merely slow is left alone.
   */
  readonly stallTimeoutMs?: number;
  /** Largest content that travels inside the create call, without a URL. Default 256 KiB; 0 turns it off. */
  readonly inlineMaxBytes?: number;
  /**
   * Whether content is digested, so that the store refuses a damaged part and the result proves the whole (`proof:
   * 'checksum'`). The file is read twice for it. Default `true`; an upload that was begun with digests goes on with them.
   * Without, and where the store verifies nothing, the size is what is proved.
   */
  readonly integrity?: boolean;
  /**
   * Told of what stops no upload and is worth mending, each thing once for the uploader: today of a bucket whose CORS rule
   * hides the ETag. Default `console.warn` of the message.
   */
  readonly onNotice?: NoticeListener;
}

/** What one upload is given besides its source. */
export interface UploadOptions {
  /** Name kept with the object, 1 to 1,024 characters. Default the file's own, or `unnamed`. */
  readonly name?: string;
  /** Media type. Default the source's own, or `application/octet-stream`. */
  readonly contentType?: string;
  /** Groups uploads and stands in the object key. Letters, digits, `.`, `_`, `-`. Default `default`. */
  readonly connectorId?: string;
  /** Kept with the object. Names `[a-z0-9-]`, at most 2 KiB in all. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Encryption at rest. Default that of the coordinator's policy, or what the bucket does by itself. */
  readonly encryption?: UploadEncryption;
  /** Storage class, tags, headers of downloads, object lock: as far as the coordinator's policy lets them through. */
  readonly objectOptions?: ObjectOptions;
  /**
   * Aborting stops sending at once and leaves the upload open: the same source goes on later where it stopped. The
   * result rejects with the signal's reason. To end the upload for good, use `cancel()`.
   */
  readonly signal?: AbortSignal;
  /**
   * Size of the source. For a stream: it is stored only if it has exactly so many bytes, while one that breaks off
   * would otherwise look like one that is over; and its progress has a total. Not needed for what has a size by itself.
   */
  readonly expectedSizeBytes?: number;
  /** `false`: begin anew even if an upload of the same content is open. Default `true`. */
  readonly resume?: boolean;
  /**
   * `true`: whoever else sends the same upload, on a lost device or in another program, is left outside from now on. URLs
   * that they have live until they expire. Default `false`: all of one owner may go on together.
   */
  readonly takeover?: boolean;
}

/** {@link UploadOptions} as the engine has them: what leaves it holds no key. */
export type JobOptions = Omit<UploadOptions, 'encryption'> & { readonly encryption?: EncryptionWish };

/** {@link UploaderOptions} with nothing left out. */
export interface UploaderSettings {
  readonly coordinator: string | URL | CoordinatorFetch;
  readonly concurrency: number;
  readonly maxConcurrency: number;
  readonly maxPartSizeBytes: number | undefined;
  readonly headers: CoordinatorHeaders;
  readonly resumeStore: ResumeStore | undefined;
  readonly retry: RetryPolicy;
  readonly stallTimeoutMs: number;
  readonly inlineMaxBytes: number;
  readonly integrity: boolean;
  readonly onNotice: NoticeListener;
}

/** How many parts in flight do well on a platform. */
interface Concurrency {
  readonly defaultConcurrency: number;
  readonly maxConcurrency?: number;
}

/** Fills in what was left out. */
export function normalizeOptions(
  options: UploaderOptions,
  { defaultConcurrency, maxConcurrency = defaultConcurrency }: Concurrency,
): UploaderSettings {
  return {
    concurrency: defaultConcurrency,
    // Who names a number means it.
    maxConcurrency: options.concurrency ?? maxConcurrency,
    maxPartSizeBytes: options.partSizeBytes,
    headers: {},
    stallTimeoutMs: 30_000,
    inlineMaxBytes: 256 * 1024,
    integrity: true,
    onNotice: warn,
    ...options,
    resumeStore: options.resumeStore || undefined,
    retry: retryPolicy(options.retry),
  };
}
