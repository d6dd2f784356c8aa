import { certificateProblem } from '@longhaul/protocol';
import type { Outcome } from '../repeat.ts';
import type { Trouble } from '../retry.ts';
import type { LoadedAlready } from './loaded-already.ts';

/** A request to a presigned URL, with all its headers. */
export interface StoreRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** An attempt that takes longer has failed. Default: none does. */
  readonly withinMs?: number;
}

/** Asks once, and lets the answer be read to its end; where there is none, says why. */
export async function askStore<Value>(
  loaded: LoadedAlready,
  { method, url, headers, body, withinMs }: StoreRequest,
  signal: AbortSignal,
  read: (response: Response) => Promise<Outcome<Value>>,
): Promise<Outcome<Value>> {
  const patience = withinMs === undefined ? [] : [AbortSignal.timeout(withinMs)];
  const request = { method, headers, signal: AbortSignal.any([signal, ...patience]), ...(body && { body }) };
  try {
    return await read(await fetch(url, request));
  } catch (cause) {
    signal.throwIfAborted();
    const store = `object store (${new URL(url).host})`;
    const problem = certificateProblem(cause);
    if (problem === undefined)
      return { trouble: 'transient', error: loaded.unreachable('STORE_UNREACHABLE', store, cause) };
    const message = `Nothing was sent to the ${store}: ${problem}.`;
    return { trouble: 'fatal', error: new loaded.UploadError('CERTIFICATE_UNTRUSTED', message, { cause }) };
  }
}

/** What a status that is no success says by itself. */
export function troubleOf(status: number): Trouble {
  if (status === 429 || status === 503) return 'throttled';
  return status === 408 || status >= 500 ? 'transient' : 'fatal';
}
