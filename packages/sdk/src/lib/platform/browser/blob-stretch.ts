import type { BlobSource } from '../../sources/blob-source.ts';

/** Some bytes of a Blob, for a worker to cut out. */
export interface BlobStretch {
  readonly blob: Blob;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** A slice is a call to the browser that the page would wait for: the worker makes it, if the source is one Blob. */
export function stretchOf(source: BlobSource, offsetBytes: number, sizeBytes: number): BlobStretch {
  return source.whole
    ? { blob: source.whole, offsetBytes, sizeBytes }
    : { blob: source.blob(offsetBytes, sizeBytes), offsetBytes: 0, sizeBytes };
}
