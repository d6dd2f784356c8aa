import { fullPartSizeOf } from '@longhaul/protocol';
import { createBytesSource } from '../../sources/bytes-source.ts';
import type { ByteStream } from '../../sources/byte-stream.ts';
import { type Held, openStream } from '../../sources/stream-source.ts';
import type { SourceHints } from '../../ports/byte-source.ts';
import { UploadError } from '../../upload-error.ts';
import { type NodeSource, withReadInto } from './node-source.ts';

const PIECE_BYTES = 1024 ** 2;

/** Opens a stream. Its parts are held in buffers that are used again, so that memory does not grow with what passes. */
export async function openNodeStream(stream: ByteStream, hints: SourceHints): Promise<NodeSource> {
  const spare: Uint8Array[] = [];
  const opened = await openStream(stream, hints, {
    UploadError,
    fullPartSizeOf,
    hold: () => holdPieces(spare),
  });
  if ('pieces' in opened)
    return { ...withReadInto(createBytesSource(Buffer.concat(opened.pieces))), close: opened.close };
  const view = (positionBytes: number, maxBytes: number): Uint8Array => {
    const { held, skipBytes } = opened.heldAt(positionBytes);
    return held.view(skipBytes, maxBytes);
  };
  const readInto = async (buffer: Uint8Array, positionBytes: number): Promise<void> => {
    for (let filled = 0; filled < buffer.byteLength;) {
      const bytes = view(positionBytes + filled, buffer.byteLength - filled);
      buffer.set(bytes, filled);
      filled += bytes.byteLength;
    }
  };
  // Not a copy of it: its size changes once the end is known.
  return Object.assign(opened, {
    readInto,
    view,
    async read(offsetBytes: number, sizeBytes: number) {
      const bytes = new Uint8Array(sizeBytes);
      await readInto(bytes, offsetBytes);
      return bytes;
    },
  });
}

interface HeldPieces extends Held {
  /** The bytes themselves from there on, as many as lie together. */
  view(skipBytes: number, maxBytes: number): Uint8Array;
}

function holdPieces(spare: Uint8Array[]): HeldPieces {
  const pieces: Uint8Array[] = [];
  let heldBytes = 0;
  const pieceAt = (positionBytes: number): Uint8Array => {
    const index = Math.floor(positionBytes / PIECE_BYTES);
    return (pieces[index] ??= spare.pop() ?? new Uint8Array(PIECE_BYTES)).subarray(
      positionBytes % PIECE_BYTES,
    );
  };
  return {
    append(bytes) {
      for (let copied = 0; copied < bytes.byteLength;) {
        const room = pieceAt(heldBytes);
        const chunk = bytes.subarray(copied, copied + room.byteLength);
        room.set(chunk);
        copied += chunk.byteLength;
        heldBytes += chunk.byteLength;
      }
    },
    view: (skipBytes, maxBytes) => pieceAt(skipBytes).subarray(0, Math.min(maxBytes, heldBytes - skipBytes)),
    free: () => void spare.push(...pieces.splice(0)),
  };
}
