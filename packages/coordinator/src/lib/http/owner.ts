import type { Context } from 'hono';
import { CoordinatorError } from '../coordinator-error.ts';
import { type Authorize, refusalOf } from '../ports/authorizer.ts';
import { currentCall } from './call-scope.ts';
import { peerAddress } from './client-address.ts';
import { type IsAllowedOrigin, isLoopbackAddress, isLoopbackHost } from './origins.ts';

/** Owner of every upload of a coordinator without an `authorize` hook. */
const LOCAL_OWNER = 'local';

/** An owner is indexed and travels in every token: a name or an id, not a document. */
const MAX_OWNER_LENGTH = 256;

/** Says whose upload a create call makes. @throws CoordinatorError `unauthorized` */
export type OwnerOf = (call: Context) => Promise<string>;

/** Asks the hook; without one only this machine may create. */
export function createOwnerOf(authorize: Authorize | undefined, isAllowedOrigin: IsAllowedOrigin): OwnerOf {
  return async (call) => {
    if (!authorize) return localOwner(call, isAllowedOrigin);
    assertPage(call, isAllowedOrigin);
    const answer = await authorize(call.req.raw);
    if (!answer) noteReason(call.req.raw);
    return ownerIn(answer);
  };
}

/** For the log alone: to the caller it would tell what to try next. */
function noteReason(request: Request): void {
  const reason = refusalOf(request);
  const call = currentCall();
  if (call && reason !== undefined) call.reason = reason;
}

function localOwner(call: Context, isAllowedOrigin: IsAllowedOrigin): string {
  assertLocal(call, isAllowedOrigin);
  return LOCAL_OWNER;
}

function ownerIn(answer: string | undefined): string {
  if (answer === undefined || answer === '') {
    throw new CoordinatorError('unauthorized', 'You may not create uploads here. Sign in, then try again.');
  }
  // A hook without types may answer anything; a mistake there must not become everybody's owner.
  if (typeof answer !== 'string' || answer.length > MAX_OWNER_LENGTH || !isStorable(answer)) {
    throw new TypeError(
      `authorize must answer an owner of 1 to ${MAX_OWNER_LENGTH} Unicode characters without NUL, or undefined`,
    );
  }
  return answer;
}

/** Half a surrogate pair and NUL change, or fail, on their way through a database. */
function isStorable(owner: string): boolean {
  return owner.isWellFormed() && !owner.includes('\0');
}

/**
 * Being on this machine is all the right there is, so it is looked at three times. The host: a page elsewhere that
 * points its own name at 127.0.0.1 (DNS rebinding) sends that name. The origin: any page may send a POST here whose
 * answer it cannot read. The peer, where the server tells it: another machine may claim any host.
 */
function assertLocal({ req, env }: Context, isAllowedOrigin: IsAllowedOrigin): void {
  const { hostname, host } = new URL(req.url);
  const peer = peerAddress(env);
  if (!isLoopbackHost(hostname) || (peer !== undefined && !isLoopbackAddress(peer))) {
    throw new CoordinatorError(
      'unauthorized',
      'This coordinator has no authorize hook, so it serves loopback hosts only. Give createCoordinator an authorize hook to open it.',
    );
  }
  const origin = req.header('origin');
  if (origin !== undefined && !isAllowedOrigin(origin) && !isSameHost(origin, host)) throw foreignPage();
}

/**
 * A hook may go by what a browser sends by itself: a cookie, a certificate. Any page can make it send a create, of whose
 * answer it sees nothing: a form of `text/plain` will do. So a page has to be one that may call, and with cookies one that
 * is listed by its name. Whoever is no browser sends no `Origin`.
 */
function assertPage({ req }: Context, isAllowedOrigin: IsAllowedOrigin): void {
  const origin = req.header('origin');
  // A proxy may have changed Host; what the browser says of itself, no page can change.
  if (origin === undefined || req.header('sec-fetch-site') === 'same-origin') return;
  if (isAllowedOrigin(origin, req.header('cookie') !== undefined)) return;
  if (!isSameHost(origin, new URL(req.url).host)) throw foreignPage();
}

function foreignPage(): CoordinatorError {
  const call = currentCall();
  if (call) call.reason = 'a page of an origin that is not listed';
  return new CoordinatorError(
    'unauthorized',
    'Pages of this origin may not create uploads here. Add the origin to corsOrigins (LONGHAUL_CORS_ORIGINS).',
  );
}

function isSameHost(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}
