import type { PartAnswer, PartToSend } from '../../ports/part-sender.ts';
import type { BlobSource } from '../../sources/blob-source.ts';
import { readXhrAnswer } from './xhr-answer.ts';

/** A script is not told why a request failed; the console of the browser is. */
const NO_REASON_GIVEN = 'no network, or no CORS';

/** What is sent: any slice of it. */
export type SliceSource = Pick<BlobSource, 'blob'>;

/**
 * Sends a slice of a `Blob` by `XMLHttpRequest`: unlike `fetch` it tells how many bytes have left, and the browser reads the
 * slice by itself, so that no byte of the file passes through the page.
 */
export function sendByXhr(part: PartToSend<SliceSource>): Promise<PartAnswer> {
  const { source, offsetBytes, sizeBytes, url, headers, signal, onProgress } = part;
  // What throws in here, a slice that cannot be had for example, rejects.
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    signal.addEventListener('abort', abort);
    request.onloadend = () => signal.removeEventListener('abort', abort);
    request.upload.onprogress = ({ loaded }) => onProgress(loaded);
    request.onload = () => resolve(readXhrAnswer(request));
    request.onerror = () => reject(new Error(NO_REASON_GIVEN));
    request.onabort = () => reject(signal.reason);
    request.open('PUT', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.send(source.blob(offsetBytes, sizeBytes));
  });
}
