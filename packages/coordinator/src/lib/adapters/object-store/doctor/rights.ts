import type { ProbeAnswer, ProbedRight } from '../../../ports/bucket-probe.ts';
import type { Trial } from './trial.ts';

/**
 * What the credentials may do, by doing it. Nothing is stored before it is known that it may be deleted again: only then
 * can `s3:GetObject` be told, because a missing key answers 404 or 403 by another right.
 */
export async function probeRights(trial: Trial): Promise<readonly ProbedRight[]> {
  const { ask, prefix } = trial;
  const list = await ask({ method: 'GET', query: { 'list-type': '2', 'max-keys': '1', prefix } });
  const uploads = await ask({ method: 'GET', query: { uploads: '', 'max-uploads': '1', prefix } });
  const remove = await ask({ method: 'DELETE', key: trial.newKey() });
  const rights = [
    rightOf('s3:ListBucket', list),
    rightOf('s3:ListBucketMultipartUploads', uploads),
    rightOf('s3:DeleteObject', remove),
    ...(await probeMultipart(trial)),
  ];
  const mayDelete = rights.some(({ action, state }) => action === 's3:DeleteObject' && state === 'allowed');
  if (!mayDelete) return rights;
  const read = await probeRead(trial);
  // A list that is allowed for some prefix only does not reach HEAD, which names none.
  const missing = await ask({ method: 'HEAD', key: trial.newKey() });
  const isHidden = read.state === 'allowed' && missing.status === 403;
  return [
    ...rights.map((right) => (isHidden && right.action === 's3:ListBucket' ? denied(right) : right)),
    read,
  ];
}

function denied({ action }: ProbedRight): ProbedRight {
  return { action, state: 'denied', code: 'HEAD of a missing key answers 403' };
}

async function probeMultipart(trial: Trial): Promise<readonly ProbedRight[]> {
  const { ask } = trial;
  const key = trial.newKey();
  const begun = await ask({ method: 'POST', key, query: { uploads: '' } });
  const uploadId = /<UploadId>([^<]+)</.exec(begun.body)?.[1];
  const put = rightOf('s3:PutObject', begun);
  if (uploadId === undefined) return [put];
  const parts = await ask({ method: 'GET', key, query: { uploadId } });
  const abort = await ask({ method: 'DELETE', key, query: { uploadId } });
  return [put, rightOf('s3:ListMultipartUploadParts', parts), rightOf('s3:AbortMultipartUpload', abort)];
}

async function probeRead(trial: Trial): Promise<ProbedRight> {
  const key = trial.newKey();
  const put = await trial.put(key, 'read me');
  if (put.status !== 200) return { action: 's3:GetObject', state: 'unknown' };
  return rightOf('s3:GetObject', await trial.ask({ method: 'HEAD', key }));
}

function rightOf(action: string, { status, code }: ProbeAnswer): ProbedRight {
  const found = { action, ...(code && { code }) };
  if (status >= 200 && status < 300) return { ...found, state: 'allowed' };
  return { ...found, state: status === 403 ? 'denied' : 'unknown' };
}
