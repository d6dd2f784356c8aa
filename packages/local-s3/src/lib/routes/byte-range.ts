import { S3Error } from '../s3-error.ts';

/** A stretch of an object: from `start` up to but not including `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a Range header; `undefined` means the whole object. Throws InvalidRange when nothing lies in the range.
 * What is no single byte range is ignored, as S3 and RFC 9110 have it.
 */
export function parseRange(header: string | null, sizeBytes: number): ByteRange | undefined {
  const range = readRange(header?.trim() ?? '', sizeBytes);
  if (range === undefined || range.start < range.end) return range;
  throw new S3Error('InvalidRange', {
    details: { RangeRequested: header ?? '', ActualObjectSize: String(sizeBytes) },
    headers: { 'content-range': `bytes */${sizeBytes}` },
  });
}

/** `bytes=2-5`, `bytes=2-`, `bytes=-5` (the last five). */
function readRange(header: string, sizeBytes: number): ByteRange | undefined {
  const fromTo = /^bytes=(\d+)-(\d*)$/.exec(header);
  if (fromTo !== null) {
    const start = Number(fromTo[1]);
    const last = fromTo[2] === '' ? Number.POSITIVE_INFINITY : Number(fromTo[2]);
    return last < start ? undefined : { start, end: Math.min(last + 1, sizeBytes) };
  }
  const suffix = /^bytes=-(\d+)$/.exec(header);
  return suffix === null ? undefined : { start: Math.max(sizeBytes - Number(suffix[1]), 0), end: sizeBytes };
}
