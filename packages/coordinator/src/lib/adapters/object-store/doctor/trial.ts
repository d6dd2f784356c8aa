import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { ProbeAnswer } from '../../../ports/bucket-probe.ts';
import { type Ask, elementOf, elementsOf } from '../s3-ask.ts';

/** An upload that was begun for the trial. */
export interface TrialUpload {
  readonly key: string;
  readonly uploadId: string;
}

/** Headers by their lower-case names. */
export type Headers = Readonly<Record<string, string>>;

/** Writes under one prefix, and removes it all again. */
export interface Trial {
  readonly ask: Ask;
  readonly bucket: string;
  readonly prefix: string;
  newKey(): string;
  /** `undefined` when the store did not begin one. */
  begin(beginning?: Beginning): Promise<TrialUpload | undefined>;
  put(key: string, body: string, headers?: Headers): Promise<ProbeAnswer>;
  putPart(upload: TrialUpload, partNumber: number, part: TrialPart): Promise<PartAnswer>;
  complete(upload: TrialUpload, parts: readonly PartAnswer[], headers?: Headers): Promise<ProbeAnswer>;
  leaveNothing(): Promise<{
    readonly prefix: string;
    readonly objects: number;
    readonly openUploads: number;
  }>;
}

/** How an upload is begun; by default with a new key and no headers. */
export interface Beginning {
  readonly key?: string;
  readonly headers?: Headers;
  readonly unsignedHeaders?: Headers;
}

/** The answer to a part. */
export interface PartAnswer extends ProbeAnswer {
  readonly partNumber: number;
}

/** A part to send. */
export interface TrialPart {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Headers;
  readonly unsignedHeaders?: Headers;
}

/** A trial of its own below the prefix that all objects of the installation share. */
export function createTrial(ask: Ask, { bucket, keyPrefix }: { bucket: string; keyPrefix: string }): Trial {
  const prefix = `${keyPrefix}longhaul-doctor-${randomUUID()}/`;
  let count = 0;
  const begun: TrialUpload[] = [];
  return {
    ask,
    bucket,
    prefix,
    newKey: () => `${prefix}${(count += 1)}`,
    async begin({ key = `${prefix}${(count += 1)}`, ...headers } = {}) {
      const answer = await ask({ method: 'POST', key, query: { uploads: '' }, ...headers });
      const uploadId = elementOf(answer.body, 'UploadId');
      if (answer.status !== 200 || uploadId === undefined) return undefined;
      begun.push({ key, uploadId });
      return { key, uploadId };
    },
    put: (key, body, headers = {}) => ask({ method: 'PUT', key, headers, body }),
    async putPart({ key, uploadId }, partNumber, part) {
      const query = { partNumber: String(partNumber), uploadId };
      return { ...(await ask({ method: 'PUT', key, query, ...part })), partNumber };
    },
    complete: ({ key, uploadId }, parts, headers = {}) =>
      ask({ method: 'POST', key, query: { uploadId }, headers, body: partList(parts) }),
    leaveNothing: () => leaveNothing(ask, prefix, begun),
  };
}

/** Whether a Complete was done: 200 alone says nothing. */
export function isCompleted({ status, body }: ProbeAnswer): boolean {
  return status === 200 && body.includes('<CompleteMultipartUploadResult');
}

/** Refused, with an S3 error. */
export function isRefused({ status }: ProbeAnswer): boolean {
  return status >= 400 && status < 500;
}

/** MD5 in base64, as Content-MD5 has it. */
export function md5Base64(bytes: string | Uint8Array): string {
  return createHash('md5').update(bytes).digest('base64');
}

/** A key for SSE-C, in the three headers. */
export function customerKey(): { readonly named: Headers; readonly key: Headers } {
  const key = randomBytes(32);
  const prefix = 'x-amz-server-side-encryption-customer-';
  return {
    named: { [`${prefix}algorithm`]: 'AES256', [`${prefix}key-md5`]: md5Base64(key) },
    key: { [`${prefix}key`]: key.toString('base64') },
  };
}

/** In the given order: whether the store minds it is one of the questions. */
function partList(parts: readonly PartAnswer[]): string {
  const entries = parts.map(({ headers, partNumber }) => {
    const sums = Object.entries(headers).filter(([name]) => /^x-amz-checksum-(crc\w+)$/.test(name));
    const checksums = sums.map(([name, value]) => {
      const element = `Checksum${name.slice('x-amz-checksum-'.length).toUpperCase()}`;
      return `<${element}>${value}</${element}>`;
    });
    return `<Part><PartNumber>${partNumber}</PartNumber><ETag>${headers['etag'] ?? ''}</ETag>${checksums.join('')}</Part>`;
  });
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${entries.join('')}</CompleteMultipartUpload>`;
}

const MOST_ROUNDS = 5;

/** The first page again and again, because not every store can go on after it; aborts may meet parts in flight. */
async function leaveNothing(
  ask: Ask,
  prefix: string,
  begun: readonly TrialUpload[],
): Promise<{ readonly prefix: string; readonly objects: number; readonly openUploads: number }> {
  for (let round = 1; ; round += 1) {
    const uploads = await openUploads(ask, prefix, begun);
    const objects = await storedObjects(ask, prefix, round);
    if ((uploads.length === 0 && objects.length === 0) || round === MOST_ROUNDS) {
      return { prefix, objects: objects.length, openUploads: uploads.length };
    }
    for (const { key, uploadId } of uploads) await ask({ method: 'DELETE', key, query: { uploadId } });
    for (const { key, query } of objects) await ask({ method: 'DELETE', key, query });
  }
}

/** Those that are listed, and those that we know of: not every store lists by a prefix. */
async function openUploads(
  ask: Ask,
  prefix: string,
  begun: readonly TrialUpload[],
): Promise<readonly TrialUpload[]> {
  const { body } = await ask({ method: 'GET', query: { uploads: '', prefix } });
  const listed = elementsOf(body, 'Upload').map((xml) => ({
    key: elementOf(xml, 'Key') ?? '',
    uploadId: elementOf(xml, 'UploadId') ?? '',
  }));
  const others = begun.filter(({ uploadId }) => !listed.some((each) => each.uploadId === uploadId));
  const known = await Promise.all(
    others.map(async (upload) => {
      const { status } = await ask({ method: 'GET', key: upload.key, query: { uploadId: upload.uploadId } });
      return status === 200 ? [upload] : [];
    }),
  );
  return [...listed, ...known.flat()];
}

/** Versions and delete markers where the store lists them, else objects. */
async function storedObjects(
  ask: Ask,
  prefix: string,
  round: number,
): Promise<readonly { readonly key: string; readonly query: Readonly<Record<string, string>> }[]> {
  const versions = await ask({ method: 'GET', query: { versions: '', prefix } });
  const each = [...elementsOf(versions.body, 'Version'), ...elementsOf(versions.body, 'DeleteMarker')];
  if (versions.status === 200) {
    return each.map((xml) => ({
      key: elementOf(xml, 'Key') ?? '',
      query: versionQuery(elementOf(xml, 'VersionId'), round),
    }));
  }
  const { body } = await ask({ method: 'GET', query: { 'list-type': '2', prefix } });
  return elementsOf(body, 'Contents').map((xml) => ({ key: elementOf(xml, 'Key') ?? '', query: {} }));
}

/** `null` is the version of a bucket that keeps none, where some stores do not take it, and of one that keeps none any more. */
function versionQuery(versionId: string | undefined, round: number): Record<string, string> {
  if (versionId === undefined || (versionId === 'null' && round === 1)) return {};
  return { versionId };
}
