import type { MeasuredStore } from '../../../ports/bucket-probe.ts';
import { elementOf } from '../s3-ask.ts';
import { isCompleted, isRefused, type Trial } from './trial.ts';

const TEXT = '123456789';
const MIB = 1024 ** 2;

/** A signature binds length and headers. */
export async function measureSignature(trial: Trial): Promise<MeasuredStore> {
  const tooLong = await trial.ask({
    method: 'PUT',
    key: trial.newKey(),
    headers: { 'content-length': '8' },
    body: TEXT,
  });
  const smuggled = await trial.ask({
    method: 'PUT',
    key: trial.newKey(),
    unsignedHeaders: { 'x-amz-meta-smuggled': 'yes' },
    body: TEXT,
  });
  return {
    signedLength: refusedOrDone(tooLong),
    refusesUnsignedHeaders: refusedOrDone(smuggled),
  };
}

/** Conditions that keep an object from being overwritten. */
export async function measureConditions(trial: Trial): Promise<MeasuredStore> {
  const condition = { 'if-none-match': '*' };
  const key = trial.newKey();
  const first = await trial.put(key, TEXT, condition);
  const second = await trial.put(key, TEXT, condition);
  const upload = await trial.begin();
  if (upload === undefined) return { putIfNoneMatch: first.status === 200 && second.status === 412 };
  const part = await trial.putPart(upload, 1, { body: TEXT });
  await trial.put(upload.key, 'theirs');
  const overwriting = await trial.complete(upload, [part], condition);
  return {
    putIfNoneMatch: first.status === 200 && second.status === 412,
    completeIfNoneMatch: overwriting.status === 412,
  };
}

/** What a completion answers: the first time, again, with a wrong size, of an upload that never was. */
export async function measureCompletion(trial: Trial): Promise<MeasuredStore> {
  const upload = await trial.begin({ headers: { 'x-amz-meta-trial': 'kept' } });
  if (upload === undefined) return {};
  const part = await trial.putPart(upload, 1, { body: TEXT });
  const again = await trial.putPart(upload, 1, { body: TEXT });
  const first = await trial.complete(upload, [again]);
  const second = await trial.complete(upload, [again]);
  const head = await trial.ask({ method: 'HEAD', key: upload.key });
  return {
    stableEtags: part.headers['etag'] !== undefined && part.headers['etag'] === again.headers['etag'],
    completeReturnsEtag: isCompleted(first) ? (elementOf(first.body, 'ETag') ?? '') !== '' : undefined,
    completeIdempotent: isCompleted(first) ? isCompleted(second) : undefined,
    presignedCreateMetadata: head.status === 200 ? head.headers['x-amz-meta-trial'] === 'kept' : undefined,
    unknownUploadIs404: await measureUnknownUpload(trial),
    verifiesObjectSize: await measureObjectSize(trial),
  };
}

/** Beside one that is open: some stores answer otherwise where an object stands. */
async function measureUnknownUpload(trial: Trial): Promise<boolean | undefined> {
  const upload = await trial.begin();
  if (upload === undefined) return undefined;
  const part = await trial.putPart(upload, 1, { body: TEXT });
  const unknown = await trial.complete({ ...upload, uploadId: madeUpLike(upload.uploadId) }, [part]);
  return unknown.status === 0 ? undefined : unknown.code === 'NoSuchUpload';
}

async function measureObjectSize(trial: Trial): Promise<boolean | undefined> {
  const upload = await trial.begin();
  if (upload === undefined) return undefined;
  const part = await trial.putPart(upload, 1, { body: TEXT });
  const wrong = await trial.complete(upload, [part], { 'x-amz-mp-object-size': '8' });
  if (isCompleted(wrong)) return false;
  return isRefused(wrong) ? true : undefined;
}

/** What only parts of 5 MiB show: their order, and whether all must have one size. */
export async function measureLargeParts(trial: Trial): Promise<MeasuredStore> {
  const bodies = [new Uint8Array(6 * MIB), new Uint8Array(5 * MIB), TEXT];
  const upload = await trial.begin();
  if (upload === undefined) return {};
  const parts = [];
  for (const [index, body] of bodies.entries()) parts.push(await trial.putPart(upload, index + 1, { body }));
  const [first, second, last] = parts;
  if (!first || !second || !last) return {};
  const unordered = await trial.complete(upload, [second, first, last]);
  if (isCompleted(unordered)) return { refusesPartOrder: false, equalParts: false };
  const unequal = await trial.complete(upload, [first, second, last]);
  return {
    refusesPartOrder: unordered.code === 'InvalidPartOrder' ? true : undefined,
    equalParts: isCompleted(unequal) ? false : isRefused(unequal) || undefined,
  };
}

function refusedOrDone({ status }: { readonly status: number }): boolean | undefined {
  if (status === 200) return false;
  return status === 403 || status === 400 ? true : undefined;
}

/** An id of the same form that the store never gave. */
function madeUpLike(uploadId: string): string {
  return uploadId.slice(0, -4) + (uploadId.endsWith('0000') ? '1111' : '0000');
}
