// A platform of our own: it uploads what stands at a web address, read piece by piece with Range requests.
import {
  type ByteSource,
  createBlobSource,
  createFetchPartSender,
  type Platform,
  systemClock,
  UploadError,
} from '@longhaul/sdk/core';

/** Uploads by web address; nothing is kept on this machine, and no more than the parts in flight in memory. */
export const remotePlatform: Platform<URL, ByteSource> = {
  defaultConcurrency: 4,
  clock: systemClock,
  openSource,
  // No digester: each part would be fetched twice.
  createSender() {
    const sender = createFetchPartSender();
    return {
      seesProgress: false,
      async send(part) {
        const bytes = await part.source.read(part.offsetBytes, part.sizeBytes);
        return await sender.send({ ...part, source: createBlobSource(new Blob([bytes])), offsetBytes: 0 });
      },
    };
  },
};

async function openSource(address: URL): Promise<ByteSource> {
  const opened = await describe(address);
  return {
    ...opened,
    name: decodeURIComponent(address.pathname.split('/').at(-1) ?? '') || 'unnamed',
    async read(offsetBytes, sizeBytes) {
      if (sizeBytes === 0) return new Uint8Array(0);
      const range = `bytes=${offsetBytes}-${offsetBytes + sizeBytes - 1}`;
      // If the content has changed, the whole of the new one is answered: its length gives it away.
      const headers = { range, ...(opened.etag && { 'if-range': opened.etag }) };
      const bytes = new Uint8Array(await (await fetch(address, { headers })).arrayBuffer());
      return bytes.byteLength === sizeBytes ? bytes : changed(address);
    },
    async verify() {
      const { etag, sizeBytes } = await describe(address);
      if (etag !== opened.etag || sizeBytes !== opened.sizeBytes) changed(address);
    },
    close: async () => {},
  };
}

interface Description {
  readonly sizeBytes: number;
  readonly contentType: string | undefined;
  readonly etag: string | undefined;
}

async function describe(address: URL): Promise<Description> {
  const { ok, status, headers } = await fetch(address, { method: 'HEAD' });
  const length = headers.get('content-length');
  if (!ok || length === null || headers.get('accept-ranges') !== 'bytes') {
    throw new UploadError('FILE_UNREADABLE', `${address.href} cannot be read in pieces (${status}).`);
  }
  return {
    sizeBytes: Number(length),
    contentType: headers.get('content-type') ?? undefined,
    etag: headers.get('etag') ?? undefined,
  };
}

function changed({ href }: URL): never {
  throw new UploadError('FILE_CHANGED', `${href} is not what it was. Upload it again.`);
}
