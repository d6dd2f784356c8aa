import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { readVariable, type Env } from './service.ts';

/** Names of the three variables by which tests find an S3 server; the first is its address. */
export function s3Variables(server: string): readonly [string, string, string] {
  const prefix = `LONGHAUL_TEST_${server}`;
  return [`${prefix}_URL`, `${prefix}_ACCESS_KEY_ID`, `${prefix}_SECRET_ACCESS_KEY`];
}

/** Where an S3 server listens and who may speak to it. */
export interface S3Access {
  readonly port: number;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A loopback port with a key pair that nobody else knows. */
export function makeS3Access(port: number): S3Access {
  return { port, accessKeyId: `LH${randomHex(9)}`, secretAccessKey: randomHex(20) };
}

function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex').toUpperCase();
}

/** The variables of a server that we started. */
export function s3Env(server: string, access: S3Access): Record<string, string> {
  const [url, keyId, secret] = s3Variables(server);
  return {
    [url]: `http://127.0.0.1:${access.port}`,
    [keyId]: access.accessKeyId,
    [secret]: access.secretAccessKey,
  };
}

/** Lists the buckets, which needs a right signature. Rejects when the server does not answer with a list. */
export async function probeS3(server: string, env: Env): Promise<void> {
  const [url, keyId, secret] = s3Variables(server);
  const client = new S3Client({
    endpoint: readVariable(env, url),
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: readVariable(env, keyId), secretAccessKey: readVariable(env, secret) },
  });
  try {
    await client.send(new ListBucketsCommand(), { abortSignal: AbortSignal.timeout(5_000) });
  } finally {
    client.destroy();
  }
}
