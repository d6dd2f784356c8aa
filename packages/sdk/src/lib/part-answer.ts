import type { PartAnswer } from './ports/part-sender.ts';
import { judgeStatus, type Trouble } from './retry.ts';

/** What an answer of the store means for the part: it is there, or what stands in the way. */
export type Verdict = 'stored' | Trouble;

/**
 * Refusals whose status alone would say something else. S3 sends 400 for a connection that was too slow, and 409 for
 * two writes that met.
 */
const TRANSIENT_CODES = /^(RequestTimeout|OperationAborted|ConditionalRequestConflict)$/;

/** The bytes that arrived are not those that were digested: the wire, or the file. */
const DAMAGED_CODES = /^(BadDigest|XAmzContentChecksumMismatch)$/;

/** "Slow down" under a status of its own choosing. */
const THROTTLING_CODES = /^(SlowDown|RequestLimitExceeded|TooManyRequests)|Throttl/;

/**
 * Reads the store's answer. A 2xx is believed: without a readable ETag the coordinator looks the part up by listing. 412
 * says that an earlier attempt has stored the object already, and its answer got lost.
 */
export function judgePartAnswer({ status, body }: PartAnswer): Verdict {
  const code = s3CodeOf(body) ?? '';
  if ((status >= 200 && status < 300) || status === 412) return 'stored';
  if (isAboutSignature(body)) return 'refused-signature';
  // Temporary credentials that are over answer 400; every other URL that is refused answers 403.
  if (status === 403 || code === 'ExpiredToken') return 'refused-url';
  if (TRANSIENT_CODES.test(code) || isDamaged(body)) return 'transient';
  if (THROTTLING_CODES.test(code)) return 'throttled';
  return judgeStatus(status);
}

/** Whether the store got other bytes than it was promised. */
export function isDamaged(body: string): boolean {
  return DAMAGED_CODES.test(s3CodeOf(body) ?? '');
}

function isAboutSignature(body: string): boolean {
  return /<Code>SignatureDoesNotMatch<|<HeadersNotSigned>/.test(body);
}

/**
 * Headers that a refused signature is about: those that the store saw and that were not signed, if it says so; else those
 * that were. A proxy that adds or changes one is the usual reason. Names only: their values may be secret. Empty for any
 * other refusal.
 */
export function refusedHeadersOf(body: string, url: string): string {
  if (!isAboutSignature(body)) return '';
  return (
    /<HeadersNotSigned>([\w, -]+)</.exec(body)?.[1] ??
    new URL(url).searchParams.get('X-Amz-SignedHeaders')?.replaceAll(';', ', ') ??
    ''
  );
}

/** The error code of an S3 error document; `undefined` if it is none. */
export function s3CodeOf(body: string): string | undefined {
  return /<Code>([\w.]+)<\/Code>/.exec(body)?.[1];
}
