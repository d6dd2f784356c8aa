import { emptyAnswer, isoTime, xmlAnswer } from '../http/answers.ts';
import { readDocument, readOptionalDocument } from '../http/read-document.ts';
import type { S3Call } from '../http/s3-call.ts';
import { bucketOfCall } from '../http/s3-call.ts';
import { S3Error } from '../s3-error.ts';
import { createBucket, deleteBucket, changeBucket } from '../store/buckets.ts';
import { textOf } from '../xml.ts';

/** Everything belongs to one account. */
export const OWNER: { readonly ID: string; readonly DisplayName: string } = {
  ID: '10ca153000000000000000000000000000000000000000000000000000000000',
  DisplayName: 'local-s3',
};

/** ListBuckets. */
export async function handleListBuckets({ store }: S3Call): Promise<Response> {
  const buckets = [...store.buckets.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return xmlAnswer('ListAllMyBucketsResult', {
    Owner: OWNER,
    Buckets: {
      Bucket: buckets.map((bucket) => ({ Name: bucket.name, CreationDate: isoTime(bucket.createdEpochMs) })),
    },
  });
}

/** CreateBucket. */
export async function handleCreateBucket(call: S3Call): Promise<Response> {
  const { store, request } = call;
  const document = await readOptionalDocument(call, { root: 'CreateBucketConfiguration' });
  const location = document === undefined ? undefined : textOf(document, 'LocationConstraint');
  if (location !== undefined && location !== '' && location !== store.region) {
    throw new S3Error('IllegalLocationConstraintException', {
      message: `The ${location} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    });
  }
  await createBucket(store, request.bucket ?? '');
  return emptyAnswer(200, { location: `/${request.bucket}` });
}

/** HeadBucket. */
export async function handleHeadBucket(call: S3Call): Promise<Response> {
  bucketOfCall(call);
  return emptyAnswer(200, { 'x-amz-bucket-region': call.store.region });
}

/** DeleteBucket. */
export async function handleDeleteBucket(call: S3Call): Promise<Response> {
  await deleteBucket(call.store, bucketOfCall(call));
  return emptyAnswer(204);
}

/** GetBucketVersioning. */
export async function handleGetVersioning(call: S3Call): Promise<Response> {
  const { versioning } = bucketOfCall(call);
  return xmlAnswer('VersioningConfiguration', { Status: versioning });
}

/** PutBucketVersioning. */
export async function handlePutVersioning(call: S3Call): Promise<Response> {
  const bucket = bucketOfCall(call);
  const document = await readDocument(call, { root: 'VersioningConfiguration' });
  const status = textOf(document, 'Status');
  if (document['MfaDelete'] !== undefined)
    throw new S3Error('NotImplemented', { details: { Header: 'MfaDelete' } });
  if (status !== 'Enabled' && status !== 'Suspended') throw new S3Error('MalformedXML');
  await changeBucket(call.store, bucket, { versioning: status });
  return emptyAnswer(200);
}
