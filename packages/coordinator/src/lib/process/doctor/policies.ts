import type { CoordinatorSettings } from '../../coordinator-settings.ts';

/** Where the policies are for. */
export interface PolicyScope {
  readonly bucket: { readonly bucket: string };
  /** What every key begins with. */
  readonly keyPrefix: string;
  readonly settings: Pick<CoordinatorSettings, 'grantExpiresInSeconds' | 'encryption'>;
}

/** A policy of IAM or of a bucket. */
export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Readonly<Record<string, unknown>>[];
}

/** The least that the coordinator's own credentials need, as a policy of IAM. */
export function coordinatorPolicy({ bucket: { bucket }, keyPrefix, settings }: PolicyScope): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'LonghaulObjects',
        Effect: 'Allow',
        Action: [
          's3:PutObject',
          's3:GetObject',
          's3:GetObjectVersion',
          's3:DeleteObject',
          's3:DeleteObjectVersion',
          // A copy takes along the tags that others have put on an object, and uploads may ask for some.
          's3:GetObjectTagging',
          's3:GetObjectVersionTagging',
          's3:PutObjectTagging',
          's3:AbortMultipartUpload',
          's3:ListMultipartUploadParts',
        ],
        Resource: `arn:aws:s3:::${bucket}/${keyPrefix}*`,
      },
      {
        Sid: 'LonghaulLists',
        Effect: 'Allow',
        Action: ['s3:ListBucket', 's3:ListBucketVersions', 's3:ListBucketMultipartUploads'],
        // Without a condition on the prefix: HEAD names none, so a missing key would answer 403 instead of 404.
        Resource: `arn:aws:s3:::${bucket}`,
      },
      ...kmsStatements(settings.encryption),
    ],
  };
}

/** S3 makes and opens data keys in the name of whoever begins, sends and completes an upload. */
function kmsStatements({
  kmsKeyIds = [],
  defaultKmsKeyId,
}: CoordinatorSettings['encryption']): PolicyDocument['Statement'] {
  const keyIds = [...new Set([...kmsKeyIds, defaultKmsKeyId ?? []].flat())];
  if (keyIds.length === 0) return [];
  const Resource = keyIds.map((keyId) =>
    keyId === '*' || keyId.startsWith('arn:') ? keyId : `arn:aws:kms:REGION:ACCOUNT:key/${keyId}`,
  );
  return [{ Sid: 'LonghaulKms', Effect: 'Allow', Action: ['kms:GenerateDataKey', 'kms:Decrypt'], Resource }];
}

/** What only whoever sets the bucket up needs: `doctor --fix` and `bucket lifecycle --apply`. */
export function operatorPolicy({ bucket: { bucket } }: PolicyScope): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'LonghaulBucketSetup',
        Effect: 'Allow',
        Action: [
          's3:GetBucketCORS',
          's3:PutBucketCORS',
          's3:GetLifecycleConfiguration',
          's3:PutLifecycleConfiguration',
          's3:GetBucketVersioning',
          's3:GetEncryptionConfiguration',
          's3:GetBucketObjectLockConfiguration',
        ],
        Resource: `arn:aws:s3:::${bucket}`,
      },
    ],
  };
}

/** What the bucket refuses, whoever asks: no TLS, and URLs that were signed longer ago than ours live. */
export function bucketPolicy(scope: PolicyScope): PolicyDocument {
  const arn = `arn:aws:s3:::${scope.bucket.bucket}`;
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'LonghaulTlsOnly',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [arn, `${arn}/*`],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
      {
        Sid: 'LonghaulShortUrls',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:PutObject',
        Resource: `${arn}/${scope.keyPrefix}*`,
        Condition: {
          StringEquals: { 's3:authType': 'REST-QUERY-STRING' },
          NumericGreaterThan: { 's3:signatureAge': String(scope.settings.grantExpiresInSeconds * 1000) },
        },
      },
    ],
  };
}
