import type { Grant, PartRange, StoreCall } from '@longhaul/protocol';
import type { Outcome, RepeatInput } from '../repeat.ts';
import type { Trouble } from '../retry.ts';
import type { UploadError } from '../upload-error.ts';
import { askStore, troubleOf } from './ask-store.ts';
import { type CustomerKey, type KeyAndMd5, keyed } from './customer-key.ts';
import type { LoadedAlready } from './loaded-already.ts';

interface Transfer extends LoadedAlready, RepeatInput {
  readonly part: PartRange;
}

/** One part of an object that has a key. */
export interface PartToRead extends Transfer {
  readonly oldKey: KeyAndMd5;
  readonly isWhole: boolean;
  readonly sourceOf: () => StoreCall;
  /** Gets another URL. */
  readonly renew: () => Promise<void>;
}

/** One part, and where it goes. */
export interface PartToWrite extends Transfer {
  readonly newKey: KeyAndMd5 | undefined;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Gets a URL. */
  readonly sign: () => Promise<Grant | undefined>;
}

/** What one attempt may take beside its bytes, and how slowly those may come. */
const PATIENCE_MS = 60_000;
const SLOWEST_BYTES_PER_MS = 65;

/** Refusals that pass, whatever their status. */
const PASSING_CODES = /^(RequestTimeout|OperationAborted|BadDigest|SlowDown)$/;

/** Reads a part. @throws UploadError `STORE_REFUSED`, `STORE_UNREACHABLE`, `KEY_UNUSABLE`; the signal's reason */
export async function readPart(input: PartToRead, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const { part, oldKey, isWhole } = input;
  const { offsetBytes, sizeBytes } = part;
  // Of nothing there is no range.
  if (sizeBytes === 0) return new Uint8Array();
  const key: CustomerKey = { ...oldKey, ...input };
  const range = isWhole ? {} : { range: `bytes=${offsetBytes}-${offsetBytes + sizeBytes - 1}` };
  let isOld = false;
  return await input.repeat(input, signal, async (): Promise<Outcome<Uint8Array<ArrayBuffer>>> => {
    if (isOld) await input.renew();
    const source = input.sourceOf();
    const headers = { ...keyed(key, source), ...range };
    const request = { method: source.method, url: source.url, headers, withinMs: patienceFor(part) };
    const outcome = await askStore<Uint8Array<ArrayBuffer>>(input, request, signal, async (response) => {
      // Whoever does not know of ranges answers 200, and all of it.
      if (response.status !== (isWhole ? 200 : 206)) return await refusal(input, request.url, response);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (bytes.length === sizeBytes) return { value: bytes };
      const error = refused(input, request.url, `${bytes.length} bytes of ${sizeBytes}`);
      return { trouble: 'transient', error };
    });
    isOld = 'trouble' in outcome && outcome.trouble === 'refused-url';
    return outcome;
  });
}

/** Stores a part. @throws UploadError `STORE_REFUSED`, `STORE_UNREACHABLE`, `KEY_UNUSABLE`; the signal's reason */
export async function writePart(input: PartToWrite, signal: AbortSignal): Promise<void> {
  const { part, newKey, bytes, sign } = input;
  await input.repeat(input, signal, async (): Promise<Outcome<true>> => {
    const grant = await sign();
    if (!grant)
      throw new input.UploadError('STORE_REFUSED', 'The copy is not open any more.', { status: 404 });
    const headers = newKey ? keyed({ ...newKey, ...input }, grant) : grant.headers;
    const request = { method: 'PUT', url: grant.url, headers, body: bytes, withinMs: patienceFor(part) };
    return await askStore<true>(input, request, signal, async (response) => {
      if (!response.ok) return await refusal(input, grant.url, response);
      await response.text();
      return { value: true };
    });
  });
}

function patienceFor({ sizeBytes }: PartRange): number {
  return PATIENCE_MS + Math.ceil(sizeBytes / SLOWEST_BYTES_PER_MS);
}

async function refusal<Value>(input: Transfer, url: string, response: Response): Promise<Outcome<Value>> {
  const { status } = response;
  const isText = status >= 400;
  if (!isText) await response.body?.cancel();
  const s3Code = isText ? /<Code>([\w.]+)</.exec(await response.text())?.[1] : undefined;
  const trouble = judge(status, s3Code);
  return { trouble, error: refused(input, url, `${status} ${s3Code ?? ''}`, { status, s3Code }) };
}

function judge(status: number, s3Code = ''): Trouble {
  if (PASSING_CODES.test(s3Code)) return 'transient';
  return status === 403 || s3Code === 'ExpiredToken' ? 'refused-url' : troubleOf(status);
}

function refused(
  { UploadError, part }: Transfer,
  url: string,
  what: string,
  details: { readonly status?: number; readonly s3Code?: string | undefined } = {},
): UploadError {
  const message = `The object store refused (part ${part.partNumber}, ${new URL(url).host}): ${what}`;
  return new UploadError('STORE_REFUSED', message, details);
}
