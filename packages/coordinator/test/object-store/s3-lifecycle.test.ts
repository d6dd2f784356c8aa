import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { awsProfile } from '../../src/s3-object-store.ts';
import { errorXml, openRawS3, type RawS3, say } from './raw-s3-server.ts';

const RULE = { id: 'longhaul-abort-incomplete-uploads', prefix: 'connectors/', daysAfterInitiation: 7 };
const OURS =
  '<Rule><ID>longhaul-abort-incomplete-uploads</ID><Filter><Prefix>connectors/</Prefix></Filter><Status>Enabled</Status>' +
  '<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>';
// What no version of the SDK knows, spaces, an entity, an empty filter and a prefix of the old kind.
const THEIRS = [
  '<Rule>\n  <ID>a &amp; b</ID><Filter><ArchiveZone/><Prefix>x/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>',
  '<Rule><ID>c</ID><Filter/><Status>Disabled</Status><Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration></Rule>',
  '<Rule><Prefix>old</Prefix><Status>Enabled</Status><Expiration><Days>9</Days></Expiration></Rule>',
] as const;
const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

let raw: RawS3;
afterEach(async () => {
  await raw?.close();
});

/** A bucket whose configuration is what the store says, and what is put into it. */
async function openBucket(status: number, body: string, headers: Record<string, string> = {}) {
  const answer = say(status, body, headers);
  raw = await openRawS3(
    (response, request) => {
      if (request.method === 'GET') answer(response, request);
      else response.writeHead(200).end();
    },
    { profile: awsProfile },
  );
  const put = () => raw.seen.find(({ method }) => method === 'PUT');
  return { lifecycle: raw.objectStore.lifecycle, put };
}

describe('the abort rule of a bucket', () => {
  it('takes the place of our earlier one, and the others are copied letter by letter', async () => {
    const earlier = OURS.replace('>7<', '>3<').replace('connectors/', 'old/');
    const [first, ...rest] = THEIRS;
    const { lifecycle, put } = await openBucket(
      200,
      `<?xml version="1.0" encoding="UTF-8"?>\n<LifecycleConfiguration ${NAMESPACE}>${first}\n${earlier}${rest.join('\n')}\n</LifecycleConfiguration>\n`,
      { 'x-amz-transition-default-minimum-object-size': 'varies_by_storage_class' },
    );
    await lifecycle.putAbortRule(RULE);
    const { body = '', headers = {}, url } = put() ?? {};
    expect(url?.search).toContain('lifecycle');
    expect(body).toBe(
      `<?xml version="1.0" encoding="UTF-8"?><LifecycleConfiguration ${NAMESPACE}>${THEIRS.join('')}${OURS}</LifecycleConfiguration>`,
    );
    expect(headers).toMatchObject({
      'content-md5': createHash('md5').update(body).digest('base64'),
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-transition-default-minimum-object-size': 'varies_by_storage_class',
    });
  });

  it.each([
    ['has no configuration', 404, errorXml('NoSuchLifecycleConfiguration')],
    ['has an empty one', 200, `<?xml version="1.0" encoding="UTF-8"?><LifecycleConfiguration ${NAMESPACE}/>`],
  ])('is the only one of a bucket that %s', async (_what, status, answer) => {
    const { lifecycle, put } = await openBucket(status, answer);
    expect(await lifecycle.rules()).toEqual([]);
    await lifecycle.putAbortRule(RULE);
    expect(put()?.body).toContain(`/">${OURS}</LifecycleConfiguration>`);
  });

  it.each([
    ['a page', 200, '<html><body>busy</body></html>'],
    ['nothing', 200, ''],
    ['a cut document', 200, `<LifecycleConfiguration ${NAMESPACE}>${THEIRS[0]}`],
    ['a rule cut in half', 200, `<LifecycleConfiguration>${THEIRS[0].slice(0, 50)}</LifecycleConfiguration>`],
    ['no such bucket', 404, errorXml('NoSuchBucket')],
    ['access denied', 403, errorXml('AccessDenied')],
  ])('is not written after %s: that would remove the rules of others', async (_what, status, answer) => {
    const { lifecycle, put } = await openBucket(status, answer);
    await expect(lifecycle.putAbortRule(RULE)).rejects.toMatchObject({ name: 'ObjectStoreError' });
    expect(put()).toBeUndefined();
  });
});
