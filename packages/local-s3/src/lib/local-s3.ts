import { createApp } from './http/app.ts';
import { defaultCorsRule } from './http/cors.ts';
import type { Listening } from './listen.ts';
import { listen } from './listen.ts';
import { MIN_PART_SIZE_BYTES } from './s3-limits.ts';
import { createFolderStorage } from './storage/folder-storage.ts';
import { createMemoryStorage } from './storage/memory-storage.ts';
import { createBucket } from './store/buckets.ts';
import { loadStore } from './store/load-store.ts';
import type { Store } from './store/store.ts';
import { createStore } from './store/store.ts';
import { visibleObject } from './store/versions.ts';

/** Options of {@link createLocalS3}. */
export interface LocalS3Options {
  /**
   * `memory` forgets everything at the end of the process. `folder` survives it, killed or not; the folder is made if
   * it is missing and must belong to one process at a time.
   */
  readonly storage: { readonly kind: 'memory' } | { readonly kind: 'folder'; readonly path: string };
  /** The only key that may sign requests. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Region that signatures must name. Default `us-east-1`. */
  readonly region?: string;
  /** Buckets to create where they are missing. Default none. */
  readonly buckets?: readonly string[];
  /** Least size of all parts but the last. Default 5 MiB, as S3 has it; less is for tests only. */
  readonly minPartSizeBytes?: number;
  /** The time, in epoch milliseconds. Default `Date.now`; another clock is for tests of expiry. */
  readonly now?: () => number;
  /** CORS for buckets that were given no rules of their own: origins, each with at most one `*`. Default `['*']`. */
  readonly cors?: { readonly origins: readonly string[] };
}

/** An S3 in this process. */
export interface LocalS3 {
  /**
   * Answers one request. Addresses are path-style, `/bucket/key`. A `Request` has its URL resolved: keys with `..`
   * can only be reached over HTTP.
   */
  fetch(request: Request): Promise<Response>;
  /**
   * Serves over HTTP. Host `127.0.0.1` and a free port by default. Rejects when the port is taken or the folder
   * cannot be read.
   */
  listen(options?: { readonly port?: number; readonly host?: string }): Promise<Listening>;
  /**
   * Path of a plain file with the bytes of the object: `<path>/<bucket>/<key>` wherever the key makes a path.
   * `undefined` in memory and where there is no object. For reading only.
   */
  objectFile(bucket: string, key: string): string | undefined;
}

/**
 * An honest subset of S3 for development and tests: what it does it does as S3, and it answers NotImplemented to all
 * else. Never for production.
 *
 * @throws TypeError when the credentials are empty or the storage is neither `memory` nor `folder`.
 * @example
 * ```ts
 * const s3 = createLocalS3({
 *   storage: { kind: 'folder', path: './data' },
 *   credentials: { accessKeyId: 'local', secretAccessKey: 'local-secret' },
 *   buckets: ['uploads'],
 * });
 * const { url, close } = await s3.listen();
 * ```
 */
export function createLocalS3(options: LocalS3Options): LocalS3 {
  const { credentials, buckets = [], cors = { origins: ['*'] } } = options;
  if (credentials.accessKeyId === '' || credentials.secretAccessKey === '') {
    throw new TypeError('credentials: expected a non-empty accessKeyId and secretAccessKey');
  }
  const store = createStore({
    storage: createStorage(options.storage),
    region: options.region ?? 'us-east-1',
    minPartSizeBytes: options.minPartSizeBytes ?? MIN_PART_SIZE_BYTES,
    now: options.now ?? Date.now,
    defaultCors: [defaultCorsRule(cors.origins)],
  });
  const ready = prepare(store, buckets);
  // Whoever uses the server meets the failure: fetch and listen both wait for `ready`.
  ready.catch(() => {});
  const app = createApp({ store, ready, credentials });

  return {
    fetch: async (request) => await app.fetch(request),
    async listen({ port = 0, host = '127.0.0.1' } = {}) {
      await ready;
      return await listen((request, env) => app.fetch(request, env), { port, host });
    },
    objectFile(bucket, key) {
      const object = visibleObject(store.buckets.get(bucket)?.objects.get(key));
      return object === undefined ? undefined : store.storage.objectFile(bucket, key, object.bytes);
    },
  };
}

function createStorage(storage: LocalS3Options['storage']): Store['storage'] {
  switch (storage.kind) {
    case 'memory':
      return createMemoryStorage();
    case 'folder':
      return createFolderStorage(storage.path);
    default:
      throw new TypeError(`storage: expected kind 'memory' or 'folder', received ${JSON.stringify(storage)}`);
  }
}

async function prepare(store: Store, buckets: readonly string[]): Promise<void> {
  await loadStore(store);
  for (const name of buckets) if (!store.buckets.has(name)) await createBucket(store, name);
}
