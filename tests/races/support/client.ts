import { randomBytes, randomUUID } from 'node:crypto';
import {
  type CancelResponse,
  type CompleteResponse,
  type CreateUploadRequest,
  type CreateUploadResponse,
  type Grant,
  partRange,
  type PartsRequest,
  type PartsResponse,
  type Problem,
  type Receipt,
  TOKEN_HEADER,
} from '@longhaul/protocol';
import type { Replica } from './cluster.ts';

export const MIB: number = 1024 ** 2;

/** What a replica answered. */
export interface Answer<Body> {
  readonly status: number;
  readonly body: Body & Partial<Problem>;
}

/** An upload as its client knows it. */
export interface ClientUpload extends CreateUploadResponse {
  readonly content: Uint8Array;
  readonly key: string;
}

async function call<Body>(
  { app }: Replica,
  method: string,
  path: string,
  { token = '', json }: { token?: string; json?: unknown } = {},
): Promise<Answer<Body>> {
  const response = await app.request(`http://localhost/v1/uploads${path}`, {
    method,
    headers: { [TOKEN_HEADER]: token },
    body: json === undefined ? null : JSON.stringify(json),
  });
  return { status: response.status, body: (await response.json()) as Body & Partial<Problem> };
}

/** Begins a multipart upload of random content, and sends nothing yet. */
export async function create(
  replica: Replica,
  content: Uint8Array,
  request: Partial<CreateUploadRequest> = {},
): Promise<ClientUpload> {
  const json = {
    createId: randomUUID(),
    name: 'race.bin',
    sizeBytes: content.byteLength,
    mode: 'multipart',
    partSizeBytes: 5 * MIB,
    ...request,
  };
  const { status, body } = await call<CreateUploadResponse>(replica, 'POST', '', { json });
  if (status !== 201 && status !== 200) throw new Error(`create answered ${status}: ${JSON.stringify(body)}`);
  return { ...body, content, key: `connectors/default/${body.uploadId}` };
}

/** Sends one part, by a grant, and answers what to report of it. */
export async function putPart(
  upload: ClientUpload,
  grant: Grant,
  content: Uint8Array = upload.content,
): Promise<Receipt> {
  const { partNumber, offsetBytes, sizeBytes } = partRange(upload.plan, grant.partNumber);
  const response = await fetch(grant.url, {
    method: 'PUT',
    headers: grant.headers,
    body: Buffer.from(content.subarray(offsetBytes, offsetBytes + sizeBytes)),
  });
  const etag = response.headers.get('etag');
  if (!response.ok || etag === null)
    throw new Error(`PUT of part ${partNumber} answered ${response.status}: ${await response.text()}`);
  return { partNumber, sizeBytes, etag };
}

export async function exchange(
  replica: Replica,
  { uploadId, token }: ClientUpload,
  request: Partial<PartsRequest>,
): Promise<Answer<PartsResponse>> {
  return await call(replica, 'POST', `/${uploadId}/parts`, {
    token,
    json: { report: [], sign: [], ...request },
  });
}

export async function complete(
  replica: Replica,
  { uploadId, token }: ClientUpload,
): Promise<Answer<CompleteResponse>> {
  return await call(replica, 'POST', `/${uploadId}/complete`, { token });
}

/** Asks until the completion is over, as the SDK does. */
export async function completeAtLast(
  replica: Replica,
  upload: ClientUpload,
): Promise<Answer<CompleteResponse>> {
  for (;;) {
    const answer = await complete(replica, upload);
    if (answer.status !== 202) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function cancel(
  replica: Replica,
  { uploadId, token }: ClientUpload,
): Promise<Answer<CancelResponse>> {
  return await call(replica, 'DELETE', `/${uploadId}`, { token });
}

/** An upload whose parts are stored and reported: all that is left is to complete it. */
export async function uploadParts(replica: Replica, content: Uint8Array): Promise<ClientUpload> {
  const upload = await create(replica, content);
  const report = await Promise.all(upload.grants.map((grant) => putPart(upload, grant)));
  const { status, body } = await exchange(replica, upload, { report });
  if (status !== 200) throw new Error(`report answered ${status}: ${JSON.stringify(body)}`);
  return upload;
}

/** Random bytes of as many parts as asked; the last one is short. */
export function randomContent(partCount: number): Uint8Array {
  return randomBytes((partCount - 1) * 5 * MIB + 100_000);
}
