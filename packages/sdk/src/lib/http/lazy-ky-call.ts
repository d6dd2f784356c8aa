import type { CallOnce, CoordinatorFetch } from '../ports/coordinator.ts';

/** As `createKyCall`, which is loaded with the first call: where others may never be made by `fetch`. */
export function createLazyKyCall(local?: CoordinatorFetch): CallOnce {
  let loaded: Promise<CallOnce> | undefined;
  return async (request) => {
    loaded ??= import('./ky-call.ts').then(({ createKyCall }) => createKyCall(local));
    return await (
      await loaded
    )(request);
  };
}
