import type { ByteSource } from '../ports/byte-source.ts';

/** A source over bytes in memory. They are not copied: leave them alone until the upload has ended. */
export function createBytesSource(bytes: Uint8Array | ArrayBuffer): ByteSource {
  const view = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
  return {
    sizeBytes: view.byteLength,
    read: async (offsetBytes, sizeBytes) => view.slice(offsetBytes, offsetBytes + sizeBytes),
    verify: async () => {},
    close: async () => {},
  };
}
