import { createAsk } from './s3-ask.ts';
import type { S3Connection } from './s3-client.ts';
import { createRequestSigner, type SignRequest } from './s3-presign.ts';

/** Signs what clients send. */
export interface ClientSigner {
  readonly sign: SignRequest;
  /** Tries the accelerated endpoint now, if there is one, and not only when the first URL is signed. */
  chooseEndpoint(): Promise<void>;
}

/**
 * Signs for the accelerated endpoint where that was asked for and lets requests in, else for the normal one. It is tried
 * once: enabling it takes S3 up to 30 min, and URLs of one upload should not lead here and there meanwhile.
 */
export function createClientSigner(connection: S3Connection): ClientSigner {
  const normal = createRequestSigner(connection, connection.publicBucketUrl);
  const { acceleratedBucketUrl } = connection;
  if (acceleratedBucketUrl === undefined) return { sign: normal, chooseEndpoint: async () => undefined };
  const accelerated = createRequestSigner(connection, acceleratedBucketUrl);
  let choice: Promise<SignRequest> | undefined;
  const chosen = (): Promise<SignRequest> =>
    (choice ??= whyNot(connection, acceleratedBucketUrl).then((reason) => {
      if (reason === undefined) return accelerated;
      connection.onNotice(noticeOf(connection, reason));
      return normal;
    }));
  return {
    sign: async (request) => (await chosen())(request),
    async chooseEndpoint() {
      await chosen();
    },
  };
}

/** By a signed request, which is refused with 400 where acceleration is off. To be denied it, one has to be let in. */
async function whyNot(connection: S3Connection, acceleratedBucketUrl: string): Promise<string | undefined> {
  const ask = createAsk(connection, acceleratedBucketUrl);
  const answer = await ask({ method: 'GET', query: { 'list-type': '2', 'max-keys': '1' } });
  if (answer.status === 200 || answer.code === 'AccessDenied') return undefined;
  return `${answer.code ?? `status ${answer.status}`} ${answer.message ?? ''}`.trim();
}

function noticeOf({ bucket, publicBucketUrl }: S3Connection, reason: string): string {
  return (
    `S3 Transfer Acceleration is asked for and does not work for ${bucket} (${reason}), so clients send to ${publicBucketUrl}. ` +
    `Enable it, wait up to 30 min, start again: aws s3api put-bucket-accelerate-configuration --bucket ${bucket} ` +
    '--accelerate-configuration Status=Enabled'
  );
}
