import { createHash } from 'node:crypto';

/**
 * Bytes, or what stands for them. A stretch of a source costs nothing however long it is; two stretches are equal when
 * their bytes would be.
 */
export type Piece =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'stretch';
      readonly contentId: string;
      readonly offsetBytes: number;
      readonly sizeBytes: number;
      /** The same byte everywhere, as in a disk image of zeros: stretches of one length are equal wherever they lie. */
      readonly isUniform?: boolean;
    };

/** What stands in an object or a part. */
export type Content = readonly Piece[];

export function sizeOf(content: Content): number {
  return content.reduce(
    (sum, piece) => sum + (piece.kind === 'bytes' ? piece.bytes.byteLength : piece.sizeBytes),
    0,
  );
}

/** A stretch of a content: from `start` up to but not including `end`. */
export function sliceOf(content: Content, start: number, end: number): Content {
  const slice: Piece[] = [];
  let before = 0;
  for (const piece of content) {
    const sizeBytes = sizeOf([piece]);
    const from = Math.max(start - before, 0);
    const to = Math.min(end - before, sizeBytes);
    before += sizeBytes;
    if (from >= to) continue;
    if (piece.kind === 'bytes') slice.push({ kind: 'bytes', bytes: piece.bytes.subarray(from, to) });
    else slice.push({ ...piece, offsetBytes: piece.offsetBytes + from, sizeBytes: to - from });
  }
  return slice;
}

/** MD5 in hex, of the bytes or of what stands for them: equal bytes have equal ones. */
export function md5Of(content: Content): string {
  const hash = createHash('md5');
  if (content.every((piece) => piece.kind === 'bytes')) {
    for (const piece of content) hash.update(piece.bytes);
    return hash.digest('hex');
  }
  return hash.update(identityOf(content)).digest('hex');
}

/** A name that two contents share exactly when they are equal. */
export function identityOf(content: Content): string {
  const names: string[] = [];
  let last: Extract<Piece, { kind: 'stretch' }> | undefined;
  for (const piece of content) {
    if (piece.kind === 'bytes') {
      if (piece.bytes.byteLength === 0) continue;
      names.push(`bytes ${createHash('md5').update(piece.bytes).digest('hex')}`);
      last = undefined;
    } else if (last && continues(last, piece)) {
      last = { ...last, sizeBytes: last.sizeBytes + piece.sizeBytes };
      names[names.length - 1] = stretchName(last);
    } else {
      last = piece;
      names.push(stretchName(piece));
    }
  }
  return names.join(' + ');
}

/** Real bytes of a content that is made of nothing else. */
export function bytesOf(content: Content): Uint8Array {
  return Buffer.concat(
    content.map((piece) => {
      if (piece.kind === 'bytes') return piece.bytes;
      throw new TypeError(`a stretch of ${piece.contentId} has no bytes`);
    }),
  );
}

type Stretch = Extract<Piece, { kind: 'stretch' }>;

function continues(one: Stretch, next: Stretch): boolean {
  if (one.contentId !== next.contentId) return false;
  return one.isUniform === true || one.offsetBytes + one.sizeBytes === next.offsetBytes;
}

function stretchName({ contentId, offsetBytes, sizeBytes, isUniform }: Stretch): string {
  return isUniform ? `${contentId} x ${sizeBytes}` : `${contentId} ${offsetBytes}+${sizeBytes}`;
}
