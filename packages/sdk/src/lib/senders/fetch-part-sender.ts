import type { PartAnswer, PartSender, PartToSend } from '../ports/part-sender.ts';
import type { BlobSource } from '../sources/blob-source.ts';

/** As much of `fetch` as sending a part takes. */
export type PartFetch = (
  url: string,
  init: {
    readonly method: 'PUT';
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Blob;
    readonly signal: AbortSignal;
  },
) => Promise<Response>;

const MAX_BODY_LENGTH = 16 * 1024;

/**
 * Sends slices of a `Blob` by `fetch`, for runtimes that have nothing better: Deno, Bun, Workers, React Native. Each slice
 * goes out with its length, as S3 wants it, and is read by the runtime itself.
 *
 * `fetch` does not tell how many bytes have left, so progress moves by whole parts, and a stall is told from a slow line by
 * time alone. In a browser `XMLHttpRequest` tells more: the browser's own uploader sends by that.
 *
 * @param fetchPart default the runtime's own
 * @example
 * const platform: Platform<Blob, BlobSource> = {
 *   defaultConcurrency: 6,
 *   clock: systemClock,
 *   openSource: async (blob) => createBlobSource(blob),
 *   createSender: () => createFetchPartSender(),
 *   digester: sourceDigester,
 * };
 * const uploader = createUploaderOn(platform, { coordinator: 'https://uploads.example.com' });
 */
export function createFetchPartSender(fetchPart: PartFetch = fetch): PartSender<BlobSource> {
  return { seesProgress: false, send: async (part) => await send(part, fetchPart) };
}

async function send(
  { source, offsetBytes, sizeBytes, url, headers, signal, onProgress }: PartToSend<BlobSource>,
  fetchPart: PartFetch,
): Promise<PartAnswer> {
  const body = source.blob(offsetBytes, sizeBytes);
  const response = await fetchPart(url, { method: 'PUT', headers, body, signal });
  const { ok, status } = response;
  // Read to its end whatever it is: only then is the connection free for the next part.
  const text = await response.text();
  if (ok) onProgress(sizeBytes);
  return {
    status,
    etag: response.headers.get('etag') || undefined,
    body: ok ? '' : text.slice(0, MAX_BODY_LENGTH),
    // In its other form it is a date, and the clocks of clients are not to be trusted.
    retryAfterSeconds: Math.max(0, Number(response.headers.get('retry-after'))) || undefined,
  };
}
