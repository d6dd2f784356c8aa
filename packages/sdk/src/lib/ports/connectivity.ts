/** Knows whether the machine has a network at all. Asked before every retry, so that being offline costs no attempt. */
export interface Connectivity {
  /** Resolves once there is a network, at once if there is; rejects with the signal's reason when it aborts first. */
  whenOnline(signal: AbortSignal): Promise<void>;
}
