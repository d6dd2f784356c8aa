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

/** The same on its way to a worker: without its Blob where that is the one that came last. */
export type PostedStretch = Omit<BlobStretch, 'blob'> & { readonly blob?: Blob };

/** Posts stretches to one worker. A Blob goes along once: to hand one over takes a page as long as all the rest of a part. */
export function createStretchPost(
  worker: Pick<Worker, 'postMessage'>,
): <Stretch extends BlobStretch>(stretch: Stretch) => void {
  let last: Blob | undefined;
  return ({ blob, ...stretch }) => {
    worker.postMessage(blob === last ? stretch : { ...stretch, blob });
    if (isToCome(blob, stretch)) last = blob;
  };
}

/** Puts the Blobs back, in the worker. */
export function createStretchReader(): <Posted extends PostedStretch>(
  posted: Posted,
) => Posted & BlobStretch {
  let last = new Blob();
  return (posted) => {
    const { blob = last } = posted;
    if (isToCome(blob, posted)) last = blob;
    return { ...posted, blob };
  };
}

/** Whether more of it may be asked for. Of what is one part, such as a piece of a stream, nobody may keep the bytes. */
function isToCome({ size }: Blob, { sizeBytes }: PostedStretch): boolean {
  return size > sizeBytes;
}
