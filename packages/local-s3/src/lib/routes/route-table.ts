import { isCopy } from '../http/copy-source.ts';
import type { S3Operation } from '../http/s3-call.ts';
import type { S3Request } from '../http/s3-request.ts';
import { S3Error } from '../s3-error.ts';
import { handleAbortUpload } from './abort-upload.ts';
import { handleGetCors, handlePutCors } from './bucket-cors.ts';
import {
  handleCreateBucket,
  handleDeleteBucket,
  handleGetVersioning,
  handleHeadBucket,
  handleListBuckets,
  handlePutVersioning,
} from './buckets.ts';
import { handleCompleteUpload } from './complete-upload.ts';
import { handleCopyObject } from './copy-object.ts';
import { handleCreateUpload } from './create-upload.ts';
import { handleDeleteObject } from './delete-object.ts';
import { handleGetObject } from './get-object.ts';
import { handleListObjects } from './list-objects.ts';
import { handleListParts } from './list-parts.ts';
import { handleListUploads } from './list-uploads.ts';
import { handleListVersions } from './list-versions.ts';
import { handlePutObject } from './put-object.ts';
import { handleUploadPart } from './upload-part.ts';
import { handleUploadPartCopy } from './upload-part-copy.ts';

interface Route {
  readonly method: string;
  readonly on: 'service' | 'bucket' | 'object';
  /** Subresources that the query must name; it may name no other. */
  readonly with: readonly string[];
  readonly operation: S3Operation;
}

const putOrCopyObject: S3Operation = (call) =>
  isCopy(call.request) ? handleCopyObject(call) : handlePutObject(call);

const uploadOrCopyPart: S3Operation = (call) =>
  isCopy(call.request) ? handleUploadPartCopy(call) : handleUploadPart(call);

/** All that this server does. */
const ROUTES: readonly Route[] = [
  { method: 'GET', on: 'service', with: [], operation: handleListBuckets },

  { method: 'PUT', on: 'bucket', with: [], operation: handleCreateBucket },
  { method: 'HEAD', on: 'bucket', with: [], operation: handleHeadBucket },
  { method: 'DELETE', on: 'bucket', with: [], operation: handleDeleteBucket },
  { method: 'GET', on: 'bucket', with: ['versioning'], operation: handleGetVersioning },
  { method: 'PUT', on: 'bucket', with: ['versioning'], operation: handlePutVersioning },
  { method: 'GET', on: 'bucket', with: ['cors'], operation: handleGetCors },
  { method: 'PUT', on: 'bucket', with: ['cors'], operation: handlePutCors },
  { method: 'GET', on: 'bucket', with: ['list-type'], operation: handleListObjects },
  { method: 'GET', on: 'bucket', with: ['versions'], operation: handleListVersions },
  { method: 'GET', on: 'bucket', with: ['uploads'], operation: handleListUploads },

  { method: 'PUT', on: 'object', with: [], operation: putOrCopyObject },
  { method: 'GET', on: 'object', with: [], operation: handleGetObject },
  { method: 'GET', on: 'object', with: ['versionId'], operation: handleGetObject },
  { method: 'HEAD', on: 'object', with: [], operation: handleGetObject },
  { method: 'HEAD', on: 'object', with: ['versionId'], operation: handleGetObject },
  { method: 'DELETE', on: 'object', with: [], operation: handleDeleteObject },
  { method: 'DELETE', on: 'object', with: ['versionId'], operation: handleDeleteObject },

  { method: 'POST', on: 'object', with: ['uploads'], operation: handleCreateUpload },
  { method: 'PUT', on: 'object', with: ['partNumber', 'uploadId'], operation: uploadOrCopyPart },
  { method: 'GET', on: 'object', with: ['uploadId'], operation: handleListParts },
  { method: 'POST', on: 'object', with: ['uploadId'], operation: handleCompleteUpload },
  { method: 'DELETE', on: 'object', with: ['uploadId'], operation: handleAbortUpload },
];

const NOT_HERE =
  'abac accelerate acl analytics attributes delete encryption intelligent-tiering inventory ' +
  'legal-hold lifecycle location logging metadataConfiguration metadataTable metrics ' +
  'notification object-lock ownershipControls policy policyStatus publicAccessBlock ' +
  'renameObject replication requestPayment restore retention select select-type session ' +
  'tagging torrent website';

/** Query parameters that turn a request into another operation, here or at Amazon. */
const SUBRESOURCES: ReadonlySet<string> = new Set([
  ...ROUTES.flatMap((route) => route.with),
  ...NOT_HERE.split(' '),
]);

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE']);

/** The operation that the request asks for; throws NotImplemented or MethodNotAllowed. */
export function findOperation(request: S3Request): S3Operation {
  const named = new Set(request.queryPairs.map(([name]) => name).filter((name) => SUBRESOURCES.has(name)));
  const route = ROUTES.find(
    (candidate) =>
      candidate.method === request.method &&
      candidate.on === targetOf(request) &&
      candidate.with.length === named.size &&
      candidate.with.every((name) => named.has(name)),
  );
  if (route !== undefined) return route.operation;
  if (!METHODS.has(request.method))
    throw new S3Error('MethodNotAllowed', { details: { Method: request.method } });
  throw new S3Error('NotImplemented', {
    message: 'This operation is not part of local-s3',
    details: { Method: request.method, ResourceType: [targetOf(request), ...named].join('?') },
  });
}

function targetOf({ bucket, key }: S3Request): Route['on'] {
  if (bucket === undefined) return 'service';
  return key === undefined ? 'bucket' : 'object';
}
