/** States, and the codes of refusals, that say that an upload is over for good, or will be. */
export const ENDED: RegExp = /^(upload-)?(aborting|cancelled|expired|failed)$/i;
