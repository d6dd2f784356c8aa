import type { CorsRule, CrossOriginReport } from '../../../ports/bucket-probe.ts';
import { ObjectStoreError } from '../../../ports/object-store.ts';
import { type Ask, elementsOf } from '../s3-ask.ts';
import { md5Base64, type Trial } from './trial.ts';

/** Headers that uploads of a page may carry; a rule must allow them all. */
const ASKED_HEADERS = [
  'content-type',
  'content-md5',
  'if-none-match',
  'x-amz-checksum-crc64nvme',
  'x-amz-meta-node-id',
];

/** Asks as a browser does before and while a page of that origin uploads. */
export async function probeCrossOrigin(trial: Trial, origin: string): Promise<CrossOriginReport> {
  const { ask } = trial;
  const key = trial.newKey();
  const preflightFor = (names: readonly string[]): ReturnType<Ask> =>
    ask({
      method: 'OPTIONS',
      key,
      anonymous: true,
      unsignedHeaders: {
        origin,
        'access-control-request-method': 'PUT',
        ...(names.length > 0 && { 'access-control-request-headers': names.join(',') }),
      },
    });
  const preflight = await preflightFor(ASKED_HEADERS);
  const bare = await preflightFor([]);
  const refusedHeaders = [];
  if (preflight.status !== bare.status) {
    for (const name of ASKED_HEADERS) {
      if (!isAllowed((await preflightFor([name])).status)) refusedHeaders.push(name);
    }
  }
  const put = await ask({ method: 'PUT', key, unsignedHeaders: { origin }, body: 'from a page' });
  return {
    preflight,
    bareStatus: bare.status,
    refusedHeaders,
    exposed: listOf(put.headers['access-control-expose-headers']),
    allowedOrigin: put.headers['access-control-allow-origin'],
  };
}

/** Adds a rule to those of the bucket, which are kept letter by letter. @throws ObjectStoreError */
export async function addCorsRule(ask: Ask, bucket: string, rule: CorsRule): Promise<void> {
  const found = await ask({ method: 'GET', query: { cors: '' } });
  if (found.status !== 200 && found.code !== 'NoSuchCORSConfiguration') throw refusal('GetBucketCors', found);
  const rules = elementsOf(found.body, 'CORSRule').map((inner) => `<CORSRule>${inner}</CORSRule>`);
  const body = `<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${rules.join('')}${toXml(rule)}</CORSConfiguration>`;
  const put = await ask({
    method: 'PUT',
    query: { cors: '' },
    headers: { 'content-md5': md5Base64(body) },
    body,
  });
  if (put.status !== 200 && put.status !== 204) throw refusal('PutBucketCors', put);

  function refusal(call: string, { status, code, message }: typeof put): ObjectStoreError {
    return new ObjectStoreError(
      status === 0 ? 'unreachable' : 'refused',
      `${call} of s3://${bucket} was refused: ${code ?? status} ${message ?? ''}`.trim(),
      { s3Code: code },
    );
  }
}

function toXml(rule: CorsRule): string {
  const elements = (name: string, values: readonly string[] = []): string =>
    values.map((value) => `<${name}>${escapeXml(value)}</${name}>`).join('');
  return (
    `<CORSRule>${elements('ID', rule.ID === undefined ? [] : [rule.ID])}` +
    elements('AllowedOrigin', rule.AllowedOrigins) +
    elements('AllowedMethod', rule.AllowedMethods) +
    elements('AllowedHeader', rule.AllowedHeaders) +
    elements('ExposeHeader', rule.ExposeHeaders) +
    `${elements('MaxAgeSeconds', rule.MaxAgeSeconds === undefined ? [] : [String(rule.MaxAgeSeconds)])}</CORSRule>`
  );
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function isAllowed(status: number): boolean {
  return status >= 200 && status < 300;
}

function listOf(header: string | undefined): readonly string[] {
  return (header ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}
