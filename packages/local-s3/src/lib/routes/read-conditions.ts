import { quoted } from '../http/answers.ts';
import { S3Error } from '../s3-error.ts';
import type { ObjectVersion } from '../store/versions.ts';

/**
 * Conditions of a read. Answers whether the client's copy is still good (304); throws PreconditionFailed.
 * An ETag condition makes the matching time condition void. Source: RFC 9110 section 13.2.2.
 */
export function isNotModified(headers: Headers, object: ObjectVersion): boolean {
  const ifMatch = headers.get('if-match');
  const ifNoneMatch = headers.get('if-none-match');
  if (ifMatch !== null) refuseUnless(names(ifMatch, object), 'If-Match');
  else
    refuseUnless(!isModifiedSince(headers.get('if-unmodified-since'), object, false), 'If-Unmodified-Since');
  if (ifNoneMatch !== null) return names(ifNoneMatch, object);
  return !isModifiedSince(headers.get('if-modified-since'), object, true);
}

function refuseUnless(holds: boolean, condition: string): void {
  if (!holds) throw new S3Error('PreconditionFailed', { details: { Condition: condition } });
}

function names(list: string, { etag }: ObjectVersion): boolean {
  const candidates = list.split(',').map((candidate) => candidate.trim().replace(/^W\//, ''));
  return candidates.some(
    (candidate) => candidate === '*' || candidate === etag || candidate === quoted(etag),
  );
}

function isModifiedSince(time: string | null, object: ObjectVersion, ifAbsent: boolean): boolean {
  const epochMs = time === null ? Number.NaN : Date.parse(time);
  return Number.isNaN(epochMs) ? ifAbsent : object.lastModifiedEpochMs > epochMs;
}
