import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UploadError } from '../../upload-error.ts';
import type { NodeSource } from './node-source.ts';

/**
 * Opens a regular file by its path. Closed when the upload has ended.
 *
 * @throws UploadError `FILE_UNREADABLE`
 */
export async function openPath(path: string | URL): Promise<NodeSource> {
  const text = typeof path === 'string' ? path : fileURLToPath(path);
  // Opening a pipe waits for somebody who writes to it, for ever and in a thread that others need, unless told not to.
  const handle = await open(text, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(
    (error: unknown) => {
      throw unreadable(text, error);
    },
  );
  try {
    const source = await sourceOf(handle, text);
    // Nothing was written, so a close that fails loses nothing; it must not make a failure of a complete upload.
    return { ...source, name: basename(text), close: () => handle.close().catch(() => {}) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A source over a file that the caller has opened, and closes. */
export async function sourceOfHandle(handle: FileHandle): Promise<NodeSource> {
  return await sourceOf(handle, undefined);
}

async function sourceOf(handle: FileHandle, path: string | undefined): Promise<NodeSource> {
  const label = path ?? `file descriptor ${handle.fd}`;
  const opened = await handle.stat({ bigint: true });
  if (!opened.isFile()) throw unreadable(label, new Error('it is not a regular file'));

  const readInto = async (buffer: Uint8Array, positionBytes: number): Promise<void> => {
    for (let filled = 0; filled < buffer.byteLength;) {
      const length = buffer.byteLength - filled;
      const { bytesRead } = await handle
        .read(buffer, filled, length, positionBytes + filled)
        .catch((error: unknown) => {
          throw unreadable(label, error);
        });
      if (bytesRead === 0) throw changed(label, 'it became shorter');
      filled += bytesRead;
    }
  };

  return {
    sizeBytes: Number(opened.size),
    lastModifiedEpochMs: Number(opened.mtimeMs),
    ...(path !== undefined && { file: { path, dev: opened.dev, ino: opened.ino } }),
    readInto,
    async read(offsetBytes, sizeBytes) {
      const bytes = new Uint8Array(sizeBytes);
      await readInto(bytes, offsetBytes);
      return bytes;
    },
    async verify() {
      const now = await handle.stat({ bigint: true }).catch((error: unknown) => {
        throw unreadable(label, error);
      });
      if (now.size !== opened.size)
        throw changed(label, `its size went from ${opened.size} to ${now.size} bytes`);
      if (now.mtimeNs !== opened.mtimeNs) throw changed(label, 'it was written to');
      if (path !== undefined && (await wasReplaced(path, opened)))
        throw changed(label, 'another file took its place');
    },
    close: async () => {},
  };
}

/** A file that was removed is still whole through our handle; one that was replaced is not the one that was meant. */
async function wasReplaced(path: string, opened: BigIntStats): Promise<boolean> {
  const now = await stat(path, { bigint: true }).catch(() => undefined);
  return now !== undefined && (now.ino !== opened.ino || now.dev !== opened.dev);
}

function unreadable(label: string, cause: unknown): UploadError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new UploadError('FILE_UNREADABLE', `Cannot read ${label}: ${reason}`, { cause });
}

function changed(label: string, what: string): UploadError {
  const message = `${label} was changed while it was being uploaded: ${what}. Upload it again once nobody writes to it.`;
  return new UploadError('FILE_CHANGED', message);
}
