import { describe, expect, it } from 'vitest';
import { certificateProblem } from './certificate-problem.ts';

const withCode = (code: string): Error => Object.assign(new Error('failed'), { code });

describe('certificateProblem', () => {
  it.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'NODE_EXTRA_CA_CERTS'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'NODE_EXTRA_CA_CERTS'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'NODE_EXTRA_CA_CERTS'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'NODE_EXTRA_CA_CERTS'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'host name'],
    ['CERT_HAS_EXPIRED', 'renew'],
  ])('knows %s, and what to do', (code, advice) => {
    const problem = expect.stringMatching(new RegExp(`${code}.*${advice}`));
    expect(certificateProblem(withCode(code))).toEqual(problem);
    expect(certificateProblem(new TypeError('fetch failed', { cause: withCode(code) }))).toEqual(problem);
  });

  it.each([withCode('ECONNREFUSED'), withCode('EPROTO'), new Error('CERT'), undefined, 'CERT'])(
    'takes %s for something else',
    (error) => {
      expect(certificateProblem(error)).toBeUndefined();
    },
  );
});
