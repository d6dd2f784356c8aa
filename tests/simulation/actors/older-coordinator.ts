import { type ProblemCode, PROBLEM_STATUS, PROBLEM_TITLES } from '@longhaul/protocol';

/**
 * The refusal of a coordinator from before `sign` in create, `report` in complete, checksums of wholes that are made of MD5s
 * and the calls at the path of all uploads; `undefined` for what it knows.
 */
export function refusalOfOlder(method: string, url: string, body: string): Response | undefined {
  if (method !== 'POST') return undefined;
  const path = new URL(url).pathname.replace('/v1/uploads', '');
  if (path === '/parts' || path === '/complete') return refusal('route-not-found');
  const message = JSON.parse(body || '{}') as {
    readonly sign?: unknown;
    readonly report?: unknown;
    readonly checksum?: { readonly value: string };
  };
  const isComposite = message.checksum?.value.includes('-');
  const isUnknown =
    path === '' ? message.sign : path.endsWith('/complete') && (message.report ?? isComposite);
  return isUnknown ? refusal('bad-request') : undefined;
}

function refusal(code: ProblemCode): Response {
  const status = PROBLEM_STATUS[code];
  return Response.json({ status, code, title: PROBLEM_TITLES[code], detail: 'not known here' }, { status });
}
