import type { Context } from 'hono';
import type { CreateUploadRequest, RotateRequest } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import { isLoopbackHost } from './origins.ts';

/**
 * Refuses a key that came in the clear, so that whoever sends it so notices at the first try. A proxy before the coordinator
 * says by `X-Forwarded-Proto` that it ended TLS; whoever forges that deceives nobody but themselves.
 *
 * @throws CoordinatorError `bad-request`
 */
export function assertKeyTransport(
  { req }: Context,
  request: Pick<CreateUploadRequest, 'encryption'> & Pick<Partial<RotateRequest>, 'oldCustomerKey'>,
): void {
  const { encryption, oldCustomerKey } = request;
  const hasKey = encryption?.mode === 'sse-c' && encryption.customerKey !== undefined;
  if (!hasKey && oldCustomerKey === undefined) return;
  const { protocol, hostname } = new URL(req.url);
  const isTls = protocol === 'https:' || req.header('x-forwarded-proto')?.split(',')[0]?.trim() === 'https';
  if (isTls || isLoopbackHost(hostname)) return;
  throw new CoordinatorError(
    'bad-request',
    'A customer key came over http, so it is not a secret any more. Make another key, and send it over https.',
  );
}
