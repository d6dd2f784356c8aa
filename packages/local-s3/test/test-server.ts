import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { S3Client } from '@aws-sdk/client-s3';

import type { LocalS3, LocalS3Options } from '../src/index.ts';
import { createLocalS3 } from '../src/index.ts';

export const STORAGE_KINDS = ['memory', 'folder'] as const;
export type StorageKind = (typeof STORAGE_KINDS)[number];

export const CREDENTIALS = { accessKeyId: 'test-key', secretAccessKey: 'test-secret' };
export const BUCKET = 'uploads';

export interface TestServer {
  readonly s3: LocalS3;
  readonly url: string;
  readonly folder: string;
  /** The AWS SDK as it comes, but for checksums: only where the test asks for one. */
  readonly client: S3Client;
  presign(request: PresignInput): Promise<string>;
  close(): Promise<void>;
}

export interface PresignInput {
  readonly method: string;
  /** Encoded, with the bucket: `/uploads/a%20key`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly expiresInSeconds?: number;
  readonly signedAt?: Date;
  readonly credentials?: typeof CREDENTIALS;
  readonly region?: string;
  /** Headers that stay headers instead of moving into the query. */
  readonly unhoistable?: readonly string[];
}

/** A running server of its own, on a free port. */
export async function startServer(
  kind: StorageKind,
  options: Partial<LocalS3Options> = {},
): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'local-s3-'));
  const s3 = createLocalS3({
    storage: kind === 'memory' ? { kind } : { kind, path: folder },
    credentials: CREDENTIALS,
    buckets: [BUCKET],
    ...options,
  });
  const { url, close } = await s3.listen();
  const client = createClient(url);
  return {
    s3,
    url,
    folder,
    client,
    presign: (input) => presign(url, input),
    async close() {
      client.destroy();
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function createClient(url: string, config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: CREDENTIALS,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    ...config,
  });
}

interface SignableRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port: number;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly headers: Record<string, string>;
}

interface Presigner {
  presign(request: SignableRequest, options: object): Promise<{ query: Record<string, string> }>;
}

/** The signer inside the AWS SDK makes the URL, the one that its presigner uses. */
async function presign(url: string, input: PresignInput): Promise<string> {
  const { hostname, port, host } = new URL(url);
  const { credentials = CREDENTIALS, region = 'us-east-1' } = input;
  const client = createClient(url, { credentials, region });
  const signer = (await client.config.signer()) as unknown as Presigner;
  const signed = await signer.presign(
    {
      method: input.method,
      protocol: 'http:',
      hostname,
      port: Number(port),
      path: input.path,
      query: { ...input.query },
      headers: { host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...input.headers },
    },
    {
      expiresIn: input.expiresInSeconds ?? 900,
      unhoistableHeaders: new Set(input.unhoistable),
      ...(input.signedAt !== undefined && { signingDate: input.signedAt }),
    },
  );
  client.destroy();
  const query = Object.entries(signed.query).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  return `${url}${input.path}?${query.join('&')}`;
}

/** Code of an S3 error document. */
export async function errorCode(response: Response): Promise<string | undefined> {
  return elementText(await response.text(), 'Code');
}

/** Text of the first element of that name. */
export function elementText(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}

/** Bytes that are the same in every run, and repeat at a distance at which no size or border falls. */
export function patternBytes(sizeBytes: number, seed = 1): Buffer {
  const tile = Buffer.alloc(10_007);
  let state = seed;
  for (let index = 0; index < tile.length; index += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    tile[index] = state >>> 16;
  }
  return Buffer.alloc(sizeBytes, tile);
}

/** Sends the path as it is; fetch would resolve `..` before. Answers the status. */
export async function putUnresolved(url: string, body: string): Promise<number> {
  const { origin, hostname, port } = new URL(url);
  const sent = request({ hostname, port, method: 'PUT', path: url.slice(origin.length) });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode ?? 0;
}
