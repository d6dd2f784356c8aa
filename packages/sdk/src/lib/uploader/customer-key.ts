/**
 * Uploads under a key that the coordinator never sees, or keeps only for as long as its caller allows. Loaded on demand.
 *
 * @module
 */
import { type CreateUploadResponse, CUSTOMER_KEY_HEADERS, type StoreCall } from '@longhaul/protocol';
import { createMd5 } from '../integrity/md5.ts';
import type { ByteSource } from '../ports/byte-source.ts';
import type { Coordinator, CoordinatorCall } from '../ports/coordinator.ts';
import type { PartSender } from '../ports/part-sender.ts';
import type { RepeatInput } from '../repeat.ts';
import type { CustomerKeyEncryption } from '../upload-encryption.ts';
import type { UploadError } from '../upload-error.ts';
import { askStore, troubleOf } from './ask-store.ts';
import type { LoadedAlready } from './loaded-already.ts';
import type { UploadJob } from './upload-job.ts';
import type { NewUpload } from './workshop.ts';

const KEY_BYTES = 32;

/** A key as it is sent. Both in base64. */
export interface KeyAndMd5 {
  readonly value: string;
  readonly md5: string;
}

/** The same with what takes it to the store. */
export type CustomerKey = KeyAndMd5 & LoadedAlready;

/**
 * The same upload under a key: whatever goes to the store carries it, and whatever else leaves the upload carries its MD5 in
 * its place.
 *
 * @throws TypeError if the key is not 32 bytes in base64
 * @throws UploadError `KEY_UNUSABLE` if it is another one than was asked for, or is needed and was not given
 */
export function withCustomerKey<Source extends ByteSource>(
  job: NewUpload<Source>,
  { mode, customerKeyMd5, entrustKey = false }: CustomerKeyEncryption,
  loaded: LoadedAlready,
): NewUpload<Source> {
  if (job.customerKey === undefined) {
    throw unusable(
      loaded,
      'This upload was begun with a key of your own, and needs it to go on. Give it as encryption.key.',
    );
  }
  const key = { ...readKey(job.customerKey), ...loaded };
  if (customerKeyMd5 !== undefined && customerKeyMd5 !== key.md5)
    throw unusable(loaded, 'The key is another one than the upload was begun with. Give that one.');
  return {
    ...job,
    options: { ...job.options, encryption: { mode, customerKeyMd5: key.md5 } },
    // Content inside the create call would be encrypted by the coordinator, which has no key.
    inlineMaxBytes: -1,
    sender: senderWith(key, job.sender),
    coordinator: openerWith(key, { ...job, coordinator: entrusted(key, job.coordinator, entrustKey) }),
  };
}

/** Reads a key in base64. @throws TypeError naming the option that it stands in */
export function readKey(value: string, option: string = 'encryption.key'): KeyAndMd5 {
  const isBase64 = /^[A-Za-z0-9+/]{43}=$/.test(value);
  const bytes = isBase64 ? Uint8Array.from(atob(value), (character) => character.charCodeAt(0)) : undefined;
  if (bytes?.length !== KEY_BYTES) throw new TypeError(`${option} must be 32 bytes, or those in base64`);
  const hash = createMd5();
  hash.update(bytes);
  return { value: base64Of(bytes), md5: base64Of(hash.digest()) };
}

/** Of few bytes. */
export function base64Of(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Sends each part with the key. */
function senderWith<Source>(key: CustomerKey, sender: PartSender<Source>): PartSender<Source> {
  return { ...sender, send: async (part) => await sender.send({ ...part, headers: keyed(key, part) }) };
}

/** Opens at the store what the coordinator leaves to whoever has the key. */
function openerWith<Source extends ByteSource>(key: CustomerKey, job: UploadJob<Source>): Coordinator {
  const { coordinator } = job;
  return {
    ...coordinator,
    call: async <Answer>(...[call, signal]: Parameters<Coordinator['call']>) => {
      for (let isLast = false; ; isLast = true) {
        const answer = await coordinator.call<Answer>(call, signal);
        const { openingCall, uploadId, token } = answer as Partial<CreateUploadResponse>;
        if (!openingCall) return answer;
        const s3UploadId = await open(key, openingCall, job, signal);
        const report = { method: 'post', path: `/${uploadId}/open`, json: { s3UploadId } } as const;
        if (s3UploadId) return await coordinator.call<Answer>({ ...report, ...(token && { token }) }, signal);
        // The URL was too old, most likely: the same create gives another one.
        if (isLast) throw refusedOpening(key, openingCall, 403, 'AccessDenied');
      }
    },
  };
}

/**
 * Lets the coordinator know the key where its store cannot do without, and the caller agrees. It forgets the key of an
 * upload that rests: then the same create brings it back.
 */
function entrusted(key: CustomerKey, coordinator: Coordinator, isAllowed: boolean): Coordinator {
  let isNeeded = false;
  let lastCreate: CoordinatorCall | undefined;
  const isCreate = ({ method, path }: CoordinatorCall): boolean => method === 'post' && path === '';
  const withKey = (call: CoordinatorCall): CoordinatorCall => {
    if (!isNeeded || !isCreate(call)) return call;
    const json = call.json as { readonly encryption?: object };
    return { ...call, json: { ...json, encryption: { ...json.encryption, customerKey: key.value } } };
  };
  return {
    ...coordinator,
    call: async <Answer>(call: CoordinatorCall, signal: AbortSignal) => {
      if (isCreate(call)) lastCreate = call;
      try {
        return await coordinator.call<Answer>(withKey(call), signal);
      } catch (error) {
        if ((error as Partial<UploadError>).problem?.code !== 'customer-key-needed' || !lastCreate)
          throw error;
        if (!isAllowed)
          throw unusable(
            key,
            'The store behind the coordinator needs the key of it, too. Allow that with encryption.entrustKey.',
          );
        assertSecret(key, coordinator.address);
        isNeeded = true;
        if (!isCreate(call)) await coordinator.call(withKey(lastCreate), signal);
        return await coordinator.call<Answer>(withKey(call), signal);
      }
    },
  };
}

/** CreateMultipartUpload. A repeated one leaves a second upload open, which the coordinator ends. `undefined`: 403. */
export async function open(
  key: CustomerKey,
  call: StoreCall,
  job: RepeatInput,
  signal: AbortSignal,
): Promise<string | undefined> {
  const request = { ...call, headers: keyed(key, call) };
  return await key.repeat(job, signal, () =>
    askStore<string | undefined>(key, request, signal, async (response) => {
      const { status } = response;
      const body = await response.text();
      const s3UploadId = response.ok ? /<UploadId>([^<]+)</.exec(body)?.[1] : undefined;
      if (s3UploadId || status === 403) return { value: s3UploadId };
      // A success without an id is the answer of somebody else, or was cut short.
      const trouble = response.ok ? 'transient' : troubleOf(status);
      return { trouble, error: refusedOpening(key, call, status, /<Code>([\w.]+)</.exec(body)?.[1]) };
    }),
  );
}

/**
 * The headers of a request, and the key. Whatever was signed for another key, or for none, would store the content as
 * nobody wants it; and what is sent in the clear is everybody's.
 */
export function keyed(
  key: CustomerKey,
  { url, headers }: Pick<StoreCall, 'url' | 'headers'>,
): Record<string, string> {
  if (headers[CUSTOMER_KEY_HEADERS.md5] !== key.md5)
    throw unusable(
      key,
      'The coordinator has not bound the upload to its key, so nothing was sent. Is it of an older version?',
    );
  assertSecret(key, url);
  return { ...headers, [CUSTOMER_KEY_HEADERS.key]: key.value };
}

/** What is sent in the clear is everybody's. @throws UploadError `KEY_UNUSABLE` */
export function assertSecret(loaded: LoadedAlready, url: string): void {
  if (/^https:|^http:\/\/(localhost|127(\.\d+){3}|\[::1\])[:/]/.test(url)) return;
  throw unusable(
    loaded,
    `The key would be sent in the clear to ${new URL(url).host}, which needs an https address.`,
  );
}

function unusable(loaded: LoadedAlready, message: string): UploadError {
  return new loaded.UploadError('KEY_UNUSABLE', message);
}

/** The store does not let the upload begin. */
export function refusedOpening(
  loaded: LoadedAlready,
  { url }: StoreCall,
  status: number,
  s3Code: string | undefined,
): UploadError {
  const message = `The object store refused to begin the upload (${new URL(url).host}): ${status} ${s3Code ?? ''}`;
  const hint = status === 403 ? '. Many buckets block SSE-C: see docs/encryption.md' : '';
  return new loaded.UploadError('STORE_REFUSED', message + hint, { status, s3Code });
}
