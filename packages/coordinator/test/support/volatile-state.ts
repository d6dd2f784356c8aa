import type { UploadState } from '@longhaul/protocol';
import type { HotUpload, StateStore, StoredPart } from '../../src/index.ts';

/** Hot state apart from the catalog, as Redis keeps it, so that the two can say different things. */
export function createVolatileState(): StateStore {
  const uploads = new Map<string, { upload: HotUpload; parts: Map<number, StoredPart> }>();
  const setStatus = (uploadId: string, status: UploadState): void => {
    const hot = uploads.get(uploadId);
    if (hot) hot.upload = { ...hot.upload, status };
  };
  return {
    find: async (uploadId) => uploads.get(uploadId)?.upload,
    parts: async (uploadId) =>
      [...(uploads.get(uploadId)?.parts.values() ?? [])].toSorted((a, b) => a.partNumber - b.partNumber),
    async record(uploadId, parts) {
      const hot = uploads.get(uploadId);
      if (!hot) return { kind: 'absent' };
      if (hot.upload.status !== 'UPLOADING') return { kind: 'closed', status: hot.upload.status };
      for (const part of parts) hot.parts.set(part.partNumber, part);
      const newPartNumbers = parts.map(({ partNumber }) => partNumber);
      return { kind: 'recorded', receivedCount: hot.parts.size, newPartNumbers };
    },
    async restore(upload, parts) {
      const known = uploads.get(upload.uploadId)?.parts ?? new Map<number, StoredPart>();
      for (const part of parts) if (!known.has(part.partNumber)) known.set(part.partNumber, part);
      const tokenVersion = Math.max(
        upload.tokenVersion,
        uploads.get(upload.uploadId)?.upload.tokenVersion ?? 0,
      );
      uploads.set(upload.uploadId, { upload: { ...upload, tokenVersion }, parts: known });
    },
    setStatus: async (uploadId, status) => setStatus(uploadId, status),
    remove: async (uploadId) => void uploads.delete(uploadId),
    finish: async (uploadId, { status }) => {
      setStatus(uploadId, status);
      uploads.get(uploadId)?.parts.clear();
    },
    lastActiveAtEpochMs: async () => undefined,
    ping: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
