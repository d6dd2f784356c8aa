import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

/** Where the store of a bench is, as its backend prints it. */
export interface StoreAddress {
  readonly endpoint: string;
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The AWS SDK as the peers of a bench use it. */
export function createPeerClient(
  { endpoint, credentials }: Omit<StoreAddress, 'bucket'>,
  more: S3ClientConfig = {},
): S3Client {
  return new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true, ...more });
}
