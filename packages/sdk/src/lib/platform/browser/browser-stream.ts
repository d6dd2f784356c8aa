import type { SourceHints } from '../../ports/byte-source.ts';
import type { BlobSource } from '../../sources/blob-source.ts';
import type { ByteStream } from '../../sources/byte-stream.ts';
import { type Held, openStream, type StreamKit } from '../../sources/stream-source.ts';

/**
 * Opens a stream. Its parts become Blobs, which a browser sends without the page's help. One that is short is handed back
 * as a Blob.
 */
export async function openBrowserStream(
  stream: ByteStream,
  hints: SourceHints,
  kit: Omit<StreamKit<Held>, 'hold'>,
): Promise<BlobSource | Blob> {
  const opened = await openStream(stream, hints, { ...kit, hold: holdBlob });
  if ('pieces' in opened) {
    await opened.close();
    return new Blob([...opened.pieces]);
  }
  const blob = (offsetBytes: number, sizeBytes: number): Blob => {
    const { held, skipBytes } = opened.heldAt(offsetBytes);
    return held.blob().slice(skipBytes, skipBytes + sizeBytes);
  };
  // Not a copy of it: its size changes once the end is known.
  return Object.assign(opened, {
    blob,
    read: async (offsetBytes: number, sizeBytes: number) =>
      new Uint8Array(await blob(offsetBytes, sizeBytes).arrayBuffer()),
  });
}

interface HeldBlob extends Held {
  blob(): Blob;
}

function holdBlob(): HeldBlob {
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let whole: Blob | undefined;
  return {
    append: (bytes) => void pieces.push(new Uint8Array(bytes)),
    blob() {
      whole ??= new Blob(pieces);
      pieces = [];
      return whole;
    },
    free() {
      pieces = [];
      whole = undefined;
    },
  };
}
