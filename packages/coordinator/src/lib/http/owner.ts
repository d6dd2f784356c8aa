import { CoordinatorError } from '../coordinator-error.ts';
import type { Authorize } from '../ports/authorizer.ts';

/** Owner of every upload of a coordinator without an `authorize` hook. */
const LOCAL_OWNER = 'local';

/** An owner is indexed and travels in every token: a name or an id, not a document. */
const MAX_OWNER_LENGTH = 256;

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
  if (owner.length > MAX_OWNER_LENGTH) {
    throw new TypeError(
      `authorize must answer an owner of ${MAX_OWNER_LENGTH} characters at most, got ${owner.length}`,
    );
  }
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
