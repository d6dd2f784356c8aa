import { createHash } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';

/** Where a store is, and who may speak to it. */
export interface StoreAddress {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A bucket as somebody sees it who knows nothing of coordinators. */
export interface LookedAtBucket {
  /** SHA-256 (hex) of the bytes at a key. */
  hashOf(key: string): Promise<string>;
  keys(): Promise<readonly string[]>;
  /** Keys of uploads that are open. */
  openUploads(): Promise<readonly string[]>;
  remove(key: string): Promise<void>;
  close(): Promise<void>;
}

/** Makes a bucket. Closing removes it, if it is empty. */
export async function makeBucket(store: StoreAddress, name: string): Promise<LookedAtBucket> {
  // The bytes are compared with the file's: a checksum that the store made of wrong bytes would only stop the comparison.
  const client = new S3Client({
    ...store,
    region: 'us-east-1',
    forcePathStyle: true,
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const Bucket = name;
  await client.send(new CreateBucketCommand({ Bucket }));
  return {
    async hashOf(key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }));
      const hash = createHash('sha256');
      for await (const chunk of Body?.transformToWebStream() ?? []) hash.update(chunk as Uint8Array);
      return hash.digest('hex');
    },
    async keys() {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
      return Contents.flatMap(({ Key }) => Key ?? []);
    },
    async openUploads() {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      return Uploads.flatMap(({ Key }) => Key ?? []);
    },
    remove: async (key) => void (await client.send(new DeleteObjectCommand({ Bucket, Key: key }))),
    async close() {
      await client.send(new DeleteBucketCommand({ Bucket })).catch(() => {});
      client.destroy();
    },
  };
}
