import { UploadError } from '@longhaul/sdk/core';
import type { ByteSource, Digester } from '@longhaul/sdk/core';
import { createHash } from 'node:crypto';
import { type Content, md5Of } from '../store/content.ts';

/** A file on some device. Its content may be replaced while it is being read. */
export interface SimulatedFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** What it holds now. */
  contentId: string;
  readonly isUniform: boolean;
  lastModifiedEpochMs: number;
  /** Its first and its last part were edited in place, and its time turned back: no fingerprint tells. */
  isEdited?: boolean;
}

/** A file while it is open. */
export interface SimulatedSource extends ByteSource {
  /** Bytes of the file as it is now. */
  content(offsetBytes: number, sizeBytes: number): Content;
}

/** Contents up to this size are real bytes: they may travel inside a call. */
const REAL_BYTES_MAX = 64 * 1024;

/** What a file holds, from end to end. */
export function contentOf(file: SimulatedFile): Content {
  return stretchOf(file, 0, file.sizeBytes);
}

/** Opens a file. */
export function openFile(file: SimulatedFile): SimulatedSource {
  const { contentId, lastModifiedEpochMs } = file;
  return {
    sizeBytes: file.sizeBytes,
    name: file.name,
    lastModifiedEpochMs,
    content: (offsetBytes, sizeBytes) => stretchOf(file, offsetBytes, sizeBytes),
    read: async (offsetBytes, sizeBytes) => sampleOf(file, offsetBytes, sizeBytes),
    async verify() {
      if (file.contentId !== contentId) throw new UploadError('FILE_CHANGED', 'The file was changed.');
    },
    close: () => Promise.resolve(),
  };
}

/** MD5 of a stretch of a file as it is now, as the store will see it. */
export const digester: Digester<SimulatedSource> = {
  algorithms: ['MD5'],
  async digest({ source, offsetBytes, sizeBytes }) {
    const md5 = md5Of(source.content(offsetBytes, sizeBytes));
    return { algorithm: 'MD5', value: Buffer.from(md5, 'hex').toString('base64') };
  },
};

/** In one part there is nothing to be mixed. */
export function isEditable({ sizeBytes }: SimulatedFile): boolean {
  return sizeBytes > 2 * PART_BYTES;
}

function stretchOf(file: SimulatedFile, offsetBytes: number, sizeBytes: number): Content {
  const { contentId, isUniform } = file;
  if (file.sizeBytes <= REAL_BYTES_MAX) {
    return [{ kind: 'bytes', bytes: sampleOf(file, offsetBytes, sizeBytes) }];
  }
  if (file.isEdited && isEditable(file)) return editedStretchOf(file, offsetBytes, offsetBytes + sizeBytes);
  return [{ kind: 'stretch', contentId, offsetBytes, sizeBytes, ...(isUniform && { isUniform }) }];
}

const PART_BYTES = 5 * 1024 ** 2;
const EDIT_AT_BYTES = 1024 ** 2;
const EDIT_BYTES = 1_000;

function editedStretchOf(file: SimulatedFile, fromBytes: number, toBytes: number): Content {
  const { contentId, sizeBytes } = file;
  const edits = [EDIT_AT_BYTES, sizeBytes - EDIT_AT_BYTES];
  const cuts = [0, ...edits.flatMap((at) => [at, at + EDIT_BYTES]), sizeBytes];
  return cuts.slice(0, -1).flatMap((start, index) => {
    const offsetBytes = Math.max(start, fromBytes);
    const pieceBytes = Math.min(cuts[index + 1] ?? sizeBytes, toBytes) - offsetBytes;
    const id = edits.includes(start) ? `${contentId}, edited` : contentId;
    return pieceBytes > 0
      ? [{ kind: 'stretch', contentId: id, offsetBytes, sizeBytes: pieceBytes } as const]
      : [];
  });
}

/** Bytes that differ by content and, unless it is uniform, by place. All but the first are zeros: nobody looks. */
function sampleOf(
  { contentId, isUniform }: SimulatedFile,
  offsetBytes: number,
  sizeBytes: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeBytes);
  const mark = createHash('md5')
    .update(isUniform ? contentId : `${contentId} ${offsetBytes}`)
    .digest();
  bytes.set(mark.subarray(0, sizeBytes));
  return bytes;
}
