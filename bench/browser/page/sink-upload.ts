import type { PageTarget } from '../page-target.ts';

/** A multipart upload to the sink, which asks for no signature. */
export interface SinkUpload {
  readonly uploadId: string;
  readonly key: string;
  partUrl(partNumber: number): string;
  complete(): Promise<void>;
}

/** Creates one as a server would that sits beside the store. */
export async function sinkUpload(target: PageTarget, key: string): Promise<SinkUpload> {
  const url = objectUrl(target, key);
  const answer = await call(`${url}?uploads`);
  const uploadId = /<UploadId>(.+?)</.exec(answer)?.[1] ?? '';
  return {
    uploadId,
    key,
    partUrl: (partNumber) => `${url}?partNumber=${partNumber}&uploadId=${uploadId}`,
    complete: async () => void (await call(`${url}?uploadId=${uploadId}`)),
  };
}

/** Where an object is, without a question. */
export function objectUrl({ endpoint, bucket }: PageTarget, key: string): string {
  return `${endpoint}/${bucket}/${key}`;
}

async function call(url: string): Promise<string> {
  const answer = await fetch(url, { method: 'POST' });
  if (!answer.ok) throw new Error(`the sink answered ${answer.status}`);
  return await answer.text();
}
