/** Of Node and OpenSSL: who answered has shown a certificate that is not believed. */
const CODE = /CERT|SELF_SIGNED|VERIFY_LEAF_SIGNATURE|HOSTNAME_MISMATCH|INVALID_CA/;

const AUTHORITY = 'if its authority is your own, start this program with NODE_EXTRA_CA_CERTS=/path/to/ca.pem';

/**
 * What is wrong with the certificate of a server that could be reached, and what to do; `undefined`: the error is about
 * something else. No repetition changes it.
 */
export function certificateProblem(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: unknown };
  if (typeof code !== 'string' || !CODE.test(code)) return cause ? certificateProblem(cause) : undefined;
  return `its certificate is not trusted (${code}): ${adviceOn(code)}`;
}

function adviceOn(code: string): string {
  if (/ALTNAME|HOSTNAME/.test(code)) return 'use the host name that it was made for';
  if (/EXPIRED|NOT_YET_VALID/.test(code)) return 'renew it there, or set the clock of this machine';
  return AUTHORITY;
}
