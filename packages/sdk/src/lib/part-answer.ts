import type { PartAnswer } from './ports/part-sender.ts';
import type { Trouble } from './retry.ts';

/** What an answer of the store means for the part: it is there, it cannot be there any more, or what stands in the way. */
export type Verdict = 'stored' | 'exists' | 'gone' | Trouble;

/**
 * Refusals whose status alone would say something else: S3 sends 400 for a connection that was too slow, and 409 for
 * two writes that met.
 */
const BY_CODE: Readonly<Record<string, Verdict>> = {
  RequestTimeout: 'transient',
  OperationAborted: 'transient',
  ConditionalRequestConflict: 'transient',
  // The bytes were damaged on the way, or the file changed since its digest was taken: that is looked at before a retry.
  BadDigest: 'transient',
  SlowDown: 'throttled',
  RequestTimeTooSkewed: 'expired',
  ExpiredToken: 'expired',
  NoSuchUpload: 'gone',
};

const BY_STATUS: Readonly<Record<number, Verdict>> = {
  0: 'transient',
  403: 'forbidden',
  408: 'transient',
  412: 'exists',
  429: 'throttled',
  501: 'fatal',
  503: 'throttled',
};

/** Reads the store's answer. A 2xx is believed: without a readable ETag the coordinator looks the part up by listing. */
export function judgePartAnswer({ status, body }: PartAnswer): Verdict {
  if (status >= 200 && status < 300) return 'stored';
  const byCode = BY_CODE[s3CodeOf(body) ?? ''];
  if (byCode) return byCode;
  if (status === 403 && /has expired|not yet valid/i.test(body)) return 'expired';
  return BY_STATUS[status] ?? (status >= 500 ? 'transient' : 'fatal');
}

/** The error code of an S3 error document; `undefined` if it is none. */
export function s3CodeOf(body: string): string | undefined {
  return /<Code>([\w.]+)<\/Code>/.exec(body)?.[1];
}
