import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgePartAnswer, refusedHeadersOf, s3CodeOf } from './part-answer.ts';

function error(code: string, message = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
}

describe('judgePartAnswer', () => {
  it.each([
    [200, '', 'stored'],
    [204, '', 'stored'],
    [412, error('PreconditionFailed'), 'stored'],
    [403, error('AccessDenied', 'Request has expired'), 'refused-url'],
    [403, error('RequestTimeTooSkewed'), 'refused-url'],
    [400, error('ExpiredToken'), 'refused-url'],
    [403, '', 'refused-url'],
    [403, error('SignatureDoesNotMatch'), 'refused-signature'],
    [403, `${error('AccessDenied')}<HeadersNotSigned>x-amz-acl</HeadersNotSigned>`, 'refused-signature'],
    [400, error('XAmzContentChecksumMismatch'), 'transient'],
    [400, error('ThrottlingException'), 'throttled'],
    [400, error('RequestLimitExceeded'), 'throttled'],
    [400, error('RequestTimeout'), 'transient'],
    [400, error('BadDigest'), 'transient'],
    [409, error('OperationAborted'), 'transient'],
    [409, error('ConditionalRequestConflict'), 'transient'],
    [500, error('InternalError'), 'transient'],
    [0, '', 'transient'],
    [503, error('SlowDown'), 'throttled'],
    [503, '<html>', 'throttled'],
    [404, error('NoSuchUpload'), 'fatal'],
    [400, error('EntityTooLarge'), 'fatal'],
    [501, error('NotImplemented'), 'fatal'],
    [301, error('PermanentRedirect'), 'fatal'],
  ])('takes %i %s for %s', (status, body, verdict) => {
    expect(judgePartAnswer({ status, body })).toBe(verdict);
  });
});

describe('judgePartAnswer, of any answer', () => {
  const status = fc.integer({ min: 0, max: 599 });
  const body = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .constantFrom('SlowDown', 'NoSuchUpload', 'BadDigest', 'ExpiredToken', 'RequestTimeout')
      .map((code) => error(code)),
  );

  it('believes a success, and nothing else', () => {
    fc.assert(
      fc.property(status, body, (given, text) => {
        const isStored = judgePartAnswer({ status: given, body: text }) === 'stored';
        expect(isStored).toBe((given >= 200 && given < 300) || given === 412);
      }),
    );
  });

  it('gives up on no server that stumbles, and on every one that cannot', () => {
    fc.assert(
      fc.property(status, (given) => {
        const verdict = judgePartAnswer({ status: given, body: '' });
        const mayPass = given === 0 || given === 408 || given === 429 || (given >= 500 && given !== 501);
        expect(['transient', 'throttled'].includes(verdict)).toBe(mayPass);
      }),
    );
  });
});

describe('refusedHeadersOf', () => {
  const url = 'https://store/key?X-Amz-SignedHeaders=content-length%3Bhost&X-Amz-Signature=abc';

  it('names the headers that the store names, else those that were signed, and no value', () => {
    const notSigned = `${error('AccessDenied')}<HeadersNotSigned>x-amz-acl, x-b</HeadersNotSigned>`;
    expect(refusedHeadersOf(notSigned, url)).toBe('x-amz-acl, x-b');
    expect(refusedHeadersOf(error('SignatureDoesNotMatch'), url)).toBe('content-length, host');
    expect(refusedHeadersOf(error('AccessDenied'), url)).toBe('');
  });
});

describe('s3CodeOf', () => {
  it('reads the code of an error document, and nothing else', () => {
    expect(s3CodeOf(error('KMS.DisabledException'))).toBe('KMS.DisabledException');
    expect(s3CodeOf('<html><code>x</code></html>')).toBeUndefined();
    expect(s3CodeOf('')).toBeUndefined();
  });
});
