import { certificateProblem } from '@longhaul/protocol';
import { addressOf } from '../../address.ts';
import { UploadError } from '../../upload-error.ts';

/** What is thrown when it was a certificate that failed; any other error as it is. */
export function orUntrusted(error: unknown, who: string, url: string): unknown {
  const problem = certificateProblem(error);
  if (problem === undefined) return error;
  const message = `Nothing was sent to the ${who} (${addressOf(url)}): ${problem}.`;
  return new UploadError('CERTIFICATE_UNTRUSTED', message, { cause: error });
}
