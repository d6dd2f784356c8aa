import { DEFAULT_PART_SIZE_BYTES, MAX_BATCH_ITEMS, type UploadResult } from '@longhaul/protocol';
import pLimit, { type LimitFunction } from 'p-limit';
import { toBase64 } from '../base64.ts';
import { createCoordinatorClient } from '../http/coordinator-client.ts';
import { onceEach } from '../notice.ts';
import { runInPool } from '../pool.ts';
import { loaded } from '../loaded.ts';
import type { ByteSource, SourceHints } from '../ports/byte-source.ts';
import type { CreateCall } from '../ports/coordinator.ts';
import type { Platform } from '../ports/platform.ts';
import type { Line } from '../schedule/line.ts';
import { repeat } from '../repeat.ts';
import { isRemembered } from '../stages/identify-upload.ts';
import type { CustomerKeyEncryption } from '../upload-encryption.ts';
import { codeOf, unreachable, UploadError } from '../upload-error.ts';
import {
  type JobOptions,
  normalizeOptions,
  type UploaderOptions,
  type UploaderSettings,
  type UploadOptions,
} from './options.ts';
import type { RotateOptions, RotationHandle } from './rotation-handle.ts';
import { runUpload } from './upload.ts';
import { startUpload, type UploadControl, type UploadHandle } from './upload-handle.ts';
import type { NewUpload, Sending, ShareUpload, WarmUp, Workshop } from './workshop.ts';

/** Uploads whatever `Input` the platform can open. */
export interface Uploader<Input> {
  /**
   * Starts an upload. All uploads of one uploader share its connections and take turns part by part, so any number
   * may be started at once.
   *
   * @example
   * const upload = uploader.upload(file, { contentType: 'video/mp4' });
   * upload.on('progress', ({ sentBytes }) => console.log(sentBytes / file.size));
   * const { key, etag } = await upload.result;
   */
  upload(input: Input, options?: UploadOptions): UploadHandle;

  /**
   * Gives the object of a complete upload another encryption, or another key: whoever may create uploads for its owner may do
   * that. The store copies it to another object key, which the result tells. May be repeated until there is a result: with the
   * same key the same rotation goes on, wherever it was begun.
   *
   * Keys go to the coordinator, over TLS, where its store takes them for the copy. Where the store copies no object with a key it
   * is streamed from here, three parts at once, and the keys go to the store alone.
   *
   * @example
   * const rotation = uploader.rotate(uploadId, { encryption: { mode: 'sse-c' }, oldKey });
   * await vault.keep(rotation.customerKey);
   * const { result } = await rotation.result;
   */
  rotate(nodeId: string, options: RotateOptions): RotationHandle;
}

/** What an entry adds to its platform. */
export interface UploaderParts {
  readonly createCall: CreateCall;
  /** For those on which the same file may be uploaded in several places at once, such as tabs. */
  readonly shareUpload?: ShareUpload;
  readonly warmUp?: WarmUp;
}

/** What every platform's entry exports under the name `createUploader`. */
export type CreateUploader<Input> = (options: UploaderOptions) => Uploader<Input>;

/** Sources open at once: as many as can travel in one call to the coordinator. */
const OPEN_AT_ONCE = MAX_BATCH_ITEMS;

/**
 * Parts in flight of which a stream holds none, so that all that an upload takes, and not its parts alone, is what its parts
 * in flight would: of large parts it still holds two.
 */
const SPARED_PARTS = 2;

/** Of those, uploads that send by themselves, per connection: some always wait for the coordinator meanwhile. */
const SENDING_PER_CONNECTION = 4;

/** What is loaded later makes use of, and must not bring along. */
const BY_ENTRY = { repeat, unreachable, UploadError };

/** An uploader put together of a platform and what else an entry has. */
export function createUploaderOf<Input, Source extends ByteSource>(
  platform: Platform<Input, Source>,
  options: UploaderOptions,
  parts: UploaderParts,
): Uploader<Input> {
  const shop = createWorkshop(platform, options, parts);
  const { concurrency, clock } = shop;
  const opening = pLimit(OPEN_AT_ONCE);
  const sending = pLimit(concurrency * SENDING_PER_CONNECTION);

  const { open, runWith } = createOpener(platform, shop);
  const run = async (input: Input, asked: UploadOptions, control: UploadControl): Promise<UploadResult> => {
    const { gate, stopSignal } = control;
    // Opened behind the gate, and not again by it: what can be read once is gone after a first try.
    await gate.run(stopSignal, async () => {});
    return await runWith(await open(input, asked, control), asked, control, (job) =>
      job.source.sizeBytes <= job.inlineMaxBytes
        ? runUpload(job)
        : runInPool(sending, stopSignal, () => runUpload(job)),
    );
  };
  /** Ends what an earlier run has left open of what was cancelled before it was opened. */
  const endEarlier = async (
    input: Input,
    asked: UploadOptions,
    control: UploadControl,
    error: unknown,
  ): Promise<UploadResult> => {
    const { abortSignal, state } = control;
    if (codeOf(error) !== 'CANCELLED' || abortSignal.aborted || state().upload || !shop.resumeStore)
      throw error;
    // A stream ends by the signal that was aborted, and is nothing that could have been left open.
    const source = await open(input, asked, control).catch(() => {
      throw error;
    });
    return await runWith(source, asked, control, async (job) => {
      if (source.once || source.sizeBytes <= job.inlineMaxBytes || !(await isRemembered(job))) throw error;
      return await runUpload(job);
    });
  };

  return {
    upload(input, asked = {}) {
      const handle = startUpload(
        (control) =>
          runInPool(opening, control.stopSignal, () => run(input, asked, control)).catch((error: unknown) =>
            endEarlier(input, asked, control, error),
          ),
        clock,
        asked.signal,
        customerKeyOf(asked),
      );
      makeRoomInPauses(handle, [opening, sending]);
      return handle;
    },
    rotate(nodeId, asked) {
      const customerKey = customerKeyOf(asked);
      const job = { ...shop, ...BY_ENTRY, nodeId, customerKey };
      const result = loaded(import('./rotate-object.ts')).then((code) => code.rotateObject(job, asked));
      return { result, customerKey };
    },
  };
}

/** Opens the sources of an uploader, and works on them while they are open. */
function createOpener<Input, Source extends ByteSource>(
  platform: Platform<Input, Source>,
  shop: Workshop<Source>,
) {
  const running = new Set<string>();
  const open = async (
    input: Input,
    asked: UploadOptions,
    { on, stopSignal }: UploadControl,
  ): Promise<Source> => {
    const { expectedSizeBytes } = asked;
    const onPause: SourceHints['onPause'] = (listener) =>
      on('state', ({ kind }) => listener(kind === 'paused'));
    const hints = { ...hintsFor(shop), owner: shop, expectedSizeBytes, onPause, signal: stopSignal };
    return await platform.openSource(input, hints);
  };
  const runWith = async (
    source: Source,
    asked: UploadOptions,
    control: UploadControl,
    work: (job: NewUpload<Source>) => Promise<UploadResult>,
  ): Promise<UploadResult> => {
    let own = '';
    const claim = (hintKey: string): boolean => {
      if (running.has(hintKey)) return own === hintKey;
      running.add((own = hintKey));
      return true;
    };
    try {
      const job = await jobOf({ ...shop, ...control, source, claim }, asked);
      assertSize(source, asked.expectedSizeBytes);
      return await work(job);
    } finally {
      running.delete(own);
      await source.close();
    }
  };
  return { open, runWith };
}

/** What all uploads share, and nothing of what is only needed to send. */
function createWorkshop<Input, Source extends ByteSource>(
  platform: Platform<Input, Source>,
  options: UploaderOptions,
  { createCall, ...extras }: UploaderParts,
): Workshop<Source> {
  const { clock, connectivity, digester } = platform;
  const settings = { ...normalizeOptions(options, platform), clock, connectivity, digester };
  const { maxConcurrency, onNotice, coordinator } = settings;
  const callOnce = createCall(typeof coordinator === 'function' ? coordinator : undefined);
  const sender = platform.createSender({ concurrency: maxConcurrency });
  let line: Line | undefined;
  const loadSending = async (): Promise<Sending> => {
    const sending = await loaded(import('./sending.ts'));
    const { seesProgress, opensInRoundTrips } = sender;
    line ??= sending.createLine({ ...settings, seesProgress, opensInRoundTrips });
    return { ...sending, line };
  };
  return {
    ...settings,
    coordinator: createCoordinatorClient({ ...settings, callOnce }),
    sender,
    loadSending,
    bytesPerSecond: () => line?.bytesPerSecond,
    onNotice: onceEach(onNotice),
    ...extras,
  };
}

/** The upload with what was asked of it; one under a key of the caller's keeps that key from everybody but the store. */
async function jobOf<Source extends ByteSource>(
  job: Omit<NewUpload<Source>, 'options'>,
  asked: UploadOptions,
): Promise<NewUpload<Source>> {
  const { encryption } = asked;
  const plain = { ...job, options: asked as JobOptions };
  if (encryption?.mode !== 'sse-c') return plain;
  const { withCustomerKey } = await loaded(import('./customer-key.ts'));
  return withCustomerKey(plain, encryption, BY_ENTRY);
}

/** The key of an upload that has one of its own, in base64; a new one, unless it is to be that of an upload that was begun. */
function customerKeyOf({ encryption }: Pick<UploadOptions, 'encryption'>): string | undefined {
  const { mode, key, customerKeyMd5 } = { ...encryption } as Partial<CustomerKeyEncryption>;
  if (mode !== 'sse-c' || typeof key === 'string' || (!key && customerKeyMd5))
    return key as string | undefined;
  return toBase64(key ?? crypto.getRandomValues(new Uint8Array(32)));
}

/** What may be held in memory of streams. */
function hintsFor({
  concurrency,
  maxPartSizeBytes = DEFAULT_PART_SIZE_BYTES,
  inlineMaxBytes,
}: Omit<UploaderSettings, 'coordinator'>): Pick<SourceHints, 'headBytes' | 'limitBytes'> {
  return {
    headBytes: Math.max(maxPartSizeBytes, inlineMaxBytes),
    limitBytes: (concurrency - SPARED_PARTS) * maxPartSizeBytes,
  };
}

/** One that is paused keeps its places, and must keep no other from going in. */
function makeRoomInPauses(handle: UploadHandle, pools: readonly LimitFunction[]): void {
  let paused = 0;
  handle.on('state', ({ kind }) => {
    const change = Number(kind === 'paused') - paused;
    paused += change;
    for (const pool of pools) pool.concurrency += change;
  });
}

/** A stream that goes on is looked at as it comes; of everything else the size is known now. */
function assertSize({ sizeBytes }: ByteSource, expectedSizeBytes: number = sizeBytes): void {
  if (sizeBytes === expectedSizeBytes) return;
  throw new UploadError('SIZE_MISMATCH', `The source has ${sizeBytes} bytes, not ${expectedSizeBytes}.`);
}
