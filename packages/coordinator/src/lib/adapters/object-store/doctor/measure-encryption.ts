import type { MeasuredStore, ProbeAnswer } from '../../../ports/bucket-probe.ts';
import type { EncryptionMode } from '../../../ports/store-profile.ts';
import { customerKey, type Headers, isCompleted, type Trial } from './trial.ts';

const TEXT = 'encrypted';
const SSE = 'x-amz-server-side-encryption';

/**
 * Which encryption the store really does: what it was asked for must show afterwards.
 *
 * @param kmsKeyId the key for sse-kms; without one the store has to have a key of its own
 */
export async function measureEncryption(trial: Trial, kmsKeyId: string | undefined): Promise<MeasuredStore> {
  const modes: EncryptionMode[] = [];
  const managed = await isDone(trial, { [SSE]: 'AES256' });
  const kms = await isDone(trial, {
    [SSE]: 'aws:kms',
    ...(kmsKeyId !== undefined && { [`${SSE}-aws-kms-key-id`]: kmsKeyId }),
  });
  if (managed) modes.push('sse-s3');
  if (kms) modes.push('sse-kms');
  const customer = await measureCustomerKey(trial);
  if (customer.isDone) modes.push('sse-c');
  const { status, code } = customer.put;
  return {
    encryption: modes,
    // Without a key id Amazon S3 takes a key of its own; other stores want one named.
    ...(kms === undefined && kmsKeyId === undefined && { untoldEncryption: ['sse-kms' as const] }),
    ...(customer.isDone
      ? { ssecBlind: await measureBlind(trial), ssecCopy: await measureCopy(trial, customer) }
      : { ssecBlind: false, ssecCopy: false, ssecRefusal: { status, code } }),
  };
}

async function isDone(trial: Trial, headers: Headers): Promise<boolean | undefined> {
  const key = trial.newKey();
  const put = await trial.put(key, TEXT, headers);
  if (put.status === 400) return undefined;
  if (put.status !== 200) return false;
  const head = await trial.ask({ method: 'HEAD', key });
  return head.headers[SSE] === headers[SSE];
}

interface CustomerKeyTrial {
  readonly isDone: boolean;
  readonly put: ProbeAnswer;
  readonly key: string;
  readonly headers: Headers;
}

async function measureCustomerKey(trial: Trial): Promise<CustomerKeyTrial> {
  const key = trial.newKey();
  const secret = customerKey();
  const headers = { ...secret.named, ...secret.key };
  const put = await trial.put(key, TEXT, headers);
  const other = customerKey();
  const [right, wrong, without] = [
    await trial.ask({ method: 'GET', key, headers }),
    await trial.ask({ method: 'GET', key, headers: { ...other.named, ...other.key } }),
    await trial.ask({ method: 'GET', key }),
  ];
  const isDone = put.status === 200 && right.body === TEXT && wrong.status !== 200 && without.status !== 200;
  return { isDone, put, key, headers };
}

/** The whole way of an upload whose key the signature does not know: Create, a part, Complete, HEAD. */
async function measureBlind(trial: Trial): Promise<boolean> {
  const { named, key } = customerKey();
  const upload = await trial.begin({ headers: named, unsignedHeaders: key });
  if (upload === undefined) return false;
  const part = await trial.putPart(upload, 1, { body: TEXT, headers: named, unsignedHeaders: key });
  if (part.status !== 200 || !isCompleted(await trial.complete(upload, [part]))) return false;
  const question = { method: 'HEAD', key: upload.key, headers: named, unsignedHeaders: key } as const;
  return (await trial.ask(question)).status === 200;
}

async function measureCopy(trial: Trial, { key, headers }: CustomerKeyTrial): Promise<boolean> {
  const source = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.replace('x-amz-', 'x-amz-copy-source-'), value]),
  );
  const { named, key: newKey } = customerKey();
  const target = { ...named, ...newKey };
  const copy = trial.newKey();
  const { bucket } = trial;
  const answer = await trial.ask({
    method: 'PUT',
    key: copy,
    headers: { 'x-amz-copy-source': encodeURI(`/${bucket}/${key}`), ...source, ...target },
  });
  if (answer.status !== 200) return false;
  return (await trial.ask({ method: 'GET', key: copy, headers: target })).body === TEXT;
}
