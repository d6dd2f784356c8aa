import { emptyAnswer } from '../http/answers.ts';
import type { S3Call } from '../http/s3-call.ts';
import { uploadOfCall } from '../http/s3-call.ts';
import { abortUpload } from '../store/uploads.ts';

/** AbortMultipartUpload. */
export async function handleAbortUpload(call: S3Call): Promise<Response> {
  await abortUpload(call.store, uploadOfCall(call));
  return emptyAnswer(204);
}
