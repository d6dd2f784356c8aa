/** Why a request got no answer, in a word: the system's error code where there is one. */
export function failureReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error) return failureReason(cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
