import { CoordinatorError } from '../coordinator-error.ts';
import type { Authorize } from '../ports/authorizer.ts';

/** Owner of every upload of a coordinator without an `authorize` hook. */
const LOCAL_OWNER = 'local';

/**
 * Whose upload a create call makes.
 *
 * Without a hook only requests to a loopback host pass: a page elsewhere that points its own name at 127.0.0.1 (DNS
 * rebinding) sends that name as host.
 *
 * @throws CoordinatorError `unauthorized`
 */
export async function ownerOf(request: Request, authorize: Authorize | undefined): Promise<string> {
  if (!authorize) {
    if (isLoopbackHost(new URL(request.url).hostname)) return LOCAL_OWNER;
    throw new CoordinatorError(
      'unauthorized',
      'This coordinator has no authorize hook, so it serves loopback hosts only. Give createCoordinator an authorize hook to open it.',
    );
  }
  const owner = await authorize(request);
  if (!owner)
    throw new CoordinatorError('unauthorized', 'You may not create uploads here. Sign in, then try again.');
  return owner;
}

/** `localhost`, 127.0.0.0/8 or ::1. */
export function isLoopbackHost(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    hostname === '::1' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  );
}
