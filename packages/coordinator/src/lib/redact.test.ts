import { describe, expect, it } from 'vitest';
import { createRedactor, redactText } from './redact.ts';
import { Secret } from './secret.ts';

const CANARY = 'cANaRy0123456789cANaRy0123456789cANaRy012345';

describe('redactText', () => {
  it.each([
    `GET https://b.s3/k?partNumber=1&X-Amz-Signature=${CANARY}&x-id=UploadPart`,
    `https://proxy/?to=https%3A%2F%2Fs3%2Fk%3FX-Amz-Signature%3D${CANARY}%26a`,
    `https://b.s3/k?X-Amz-Security-Token=${CANARY}%2F%2B&X-Amz-Date=1`,
    `Authorization: AWS4-HMAC-SHA256 Credential=${CANARY}/20260101/r/s3/aws4_request, SignedHeaders=host, Signature=${CANARY}`,
    `{ authorization: 'Bearer ${CANARY}', accept: '*/*' }`,
    `{"longhaul-token":"${CANARY}"}`,
    `'x-amz-server-side-encryption-customer-key': '${CANARY}='`,
    `x-amz-copy-source-server-side-encryption-customer-key: ${CANARY}`,
    `connect postgres://ann:${CANARY}@db:5432/longhaul failed`,
    `redis://:${CANARY}@127.0.0.1:6379`,
    `password=${CANARY} host=db`,
    `secretAccessKey: '${CANARY}'`,
    `"sessionToken":"${CANARY}"`,
    `the secret whsec_${CANARY}= is wrong`,
    `a token eyJhbGciOiJI.${CANARY}.${CANARY}`,
    `a token ${CANARY}.${'s'.repeat(43)} is wrong`,
    `a token eyJhbGciOiJI-${CANARY}.${CANARY}.`,
    `token-eyJhbGciOiJI.${CANARY}.${CANARY}`,
    `<Error><StringToSign>AWS4 ${CANARY}</StringToSign><SignatureProvided>${CANARY}</SignatureProvided>`,
    `Cookie: session=${CANARY}`,
  ])('hides the secret in %s', (text) => {
    const redacted = redactText(text);
    expect(redacted).not.toContain('cANaRy');
    expect(redacted).toContain('[secret]');
  });

  it.each([
    'HeadObject of s3://bucket/connectors/default/0b5e8a3a-3f6f-4f4e-8a39-1c2d3e4f5a6b was refused: AccessDenied (HTTP 403)',
    'password authentication failed for user "longhaul"',
    'connect ECONNREFUSED 127.0.0.1:5432',
    "MOVED 3999 127.0.0.1:6381; READONLY You can't write against a read only replica.",
    'getaddrinfo ENOTFOUND uploads.s3.eu-west-1.amazonaws.com',
  ])('leaves %s alone', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('takes no time for a text that is made to take long', () => {
    const started = performance.now();
    const pieces = [
      'a',
      'a:',
      'http://',
      'eyJ',
      'password=',
      '-',
      '"\'',
      'Signature=/',
      'a-',
      'eyJ-',
      '-eyJaaaaaaaa',
    ];
    for (const piece of pieces) redactText(piece.repeat(100_000));
    expect(performance.now() - started).toBeLessThan(200);
  });
});

describe('createRedactor', () => {
  it('hides what it knows in every form', () => {
    const secret = 'pass"wörd/+ &1';
    const bytes = Buffer.from(secret);
    const redact = createRedactor([new Secret(secret), new Secret('abc')]);
    const forms = [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret),
      bytes.toString('base64'),
      bytes.toString('base64url'),
      bytes.toString('hex'),
    ];
    for (const form of forms)
      expect(redact(`before ${form} after`)).toMatch(/^before "?\[secret\]"?=* after$/);
    expect(redact('abc')).toBe('abc');
  });
});
