import {
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import type { BucketLifecycle } from '../../../ports/bucket-lifecycle.ts';
import type { BucketSettings, CorsRule, Readable } from '../../../ports/bucket-probe.ts';
import { ObjectStoreError } from '../../../ports/object-store.ts';
import type { S3Connection } from '../s3-client.ts';
import { readS3Failure } from '../s3-error.ts';

/** Everything that the credentials may read of how the bucket is set up. */
export async function readSettings(
  { bucket, client }: S3Connection,
  lifecycle: BucketLifecycle,
): Promise<BucketSettings> {
  const where = { Bucket: bucket };
  const [versioning, encryption, defaultLock, rules, cors] = await Promise.all([
    readable(async () => versioningOf((await client.send(new GetBucketVersioningCommand(where))).Status)),
    readable(async () => {
      const output = await client.send(new GetBucketEncryptionCommand(where));
      const [rule] = output.ServerSideEncryptionConfiguration?.Rules ?? [];
      return {
        mode: rule?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm ?? 'none',
        blocksSsec: rule?.BlockedEncryptionTypes?.EncryptionType?.includes('SSE-C') ?? false,
      };
    }, ABSENT_ENCRYPTION),
    readable(async () => {
      const output = await client.send(new GetObjectLockConfigurationCommand(where));
      return output.ObjectLockConfiguration?.Rule?.DefaultRetention !== undefined;
    }, ABSENT_LOCK),
    readable(() => lifecycle.rules()),
    readable(
      async () => ((await client.send(new GetBucketCorsCommand(where))).CORSRules ?? []).map(toCorsRule),
      { NoSuchCORSConfiguration: [] as readonly CorsRule[] },
    ),
  ]);
  return { versioning, encryption, defaultLock, lifecycle: rules, cors };
}

const ABSENT_ENCRYPTION = {
  ServerSideEncryptionConfigurationNotFoundError: { mode: 'none', blocksSsec: false },
};
const ABSENT_LOCK = { ObjectLockConfigurationNotFoundError: false, NoSuchObjectLockConfiguration: false };

/** @param absent what it means when the store says, by an error, that nothing was set */
async function readable<Value>(
  read: () => Promise<Value>,
  absent: Readonly<Record<string, Value>> = {},
): Promise<Readable<Value>> {
  try {
    return { value: await read() };
  } catch (error) {
    const { s3Code, httpStatus } =
      error instanceof ObjectStoreError
        ? { s3Code: error.s3Code, httpStatus: undefined }
        : readS3Failure(error);
    const known = s3Code === undefined ? undefined : absent[s3Code];
    if (known !== undefined) return { value: known };
    return { unreadable: reasonOf(s3Code, httpStatus) };
  }
}

function reasonOf(s3Code: string | undefined, httpStatus: number | undefined): string {
  if (s3Code === 'AccessDenied' || httpStatus === 403) return 'denied';
  if (s3Code === 'NotImplemented' || s3Code === 'MethodNotAllowed' || httpStatus === 501)
    return 'unsupported';
  return s3Code ?? (httpStatus === undefined ? 'no answer' : String(httpStatus));
}

function versioningOf(status: string | undefined): 'off' | 'enabled' | 'suspended' {
  if (status === 'Enabled') return 'enabled';
  return status === 'Suspended' ? 'suspended' : 'off';
}

function toCorsRule(rule: Partial<Record<keyof CorsRule, unknown>>): CorsRule {
  // The SDK has each member optional; S3 demands origins and methods.
  return { AllowedOrigins: [], AllowedMethods: [], ...rule } as CorsRule;
}
