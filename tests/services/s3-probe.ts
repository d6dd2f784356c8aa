import { readFile } from 'node:fs/promises';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { CA_VARIABLE } from './certificate.ts';
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
export function s3Env(
  server: string,
  access: S3Access,
  protocol: 'http' | 'https' = 'http',
): Record<string, string> {
  const [url, keyId, secret] = s3Variables(server);
  return {
    [url]: `${protocol}://127.0.0.1:${access.port}`,
    [keyId]: access.accessKeyId,
    [secret]: access.secretAccessKey,
  };
}

/**
 * Lists the buckets, which needs a right signature. Rejects when the server does not answer with a list.
 *
 * @param address variable that holds the address to ask; default: that of the server
 */
export async function probeS3(server: string, env: Env, address = s3Variables(server)[0]): Promise<void> {
  const [, keyId, secret] = s3Variables(server);
  const endpoint = readVariable(env, address);
  const isTls = endpoint.startsWith('https:');
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: readVariable(env, keyId), secretAccessKey: readVariable(env, secret) },
    // The process that starts the servers was started before there was a certificate to trust.
    ...(isTls && { requestHandler: { httpsAgent: { ca: await readFile(readVariable(env, CA_VARIABLE)) } } }),
  });
  try {
    await client.send(new ListBucketsCommand(), { abortSignal: AbortSignal.timeout(5_000) });
  } finally {
    client.destroy();
  }
}
