import { emptyAnswer } from '../http/answers.ts';
import type { S3Call } from '../http/s3-call.ts';
import { objectOfCall } from '../http/s3-call.ts';
import { queryValue } from '../http/s3-request.ts';
import { changingObject, deleteObject, deleteVersion } from '../store/objects.ts';

/** DeleteObject, of the object or of one version. */
export async function handleDeleteObject(call: S3Call): Promise<Response> {
  const { store, request } = call;
  const target = objectOfCall(call);
  const versionId = queryValue(request, 'versionId');
  const deleted = await changingObject(store, target, async () =>
    versionId === undefined
      ? await deleteObject(store, target)
      : await deleteVersion(store, target, versionId),
  );
  return emptyAnswer(204, {
    ...(deleted.versionId !== undefined && { 'x-amz-version-id': deleted.versionId }),
    ...(deleted.deleteMarker === true && { 'x-amz-delete-marker': 'true' }),
  });
}
