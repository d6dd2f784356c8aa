import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { CoordinatorError } from '../coordinator-error.ts';
import { type CallLimiter, CallLimiterError } from '../ports/call-limiter.ts';
import { addressGroup, type AddressOf } from './client-address.ts';

/** Refuses callers who make too many calls. Each throws CoordinatorError `rate-limited`. */
export interface CallLimits {
  /** One call, whoever makes it. Nothing happens where the server does not tell the address. */
  chargeAddress(call: Context): Promise<void>;
  /** Calls of an owner: an entry of a batch counts as one. */
  chargeOwner(owner: string, calls: number): Promise<void>;
}

/** Left out: no limit. */
export interface CallLimitOptions {
  readonly perOwner: number | undefined;
  readonly perAddress: number | undefined;
  readonly addressOf: AddressOf;
  readonly limiter: CallLimiter;
  /** Counts while the other one cannot be reached. */
  readonly spare: CallLimiter;
  readonly onError: (error: unknown) => void;
}

export function createCallLimits(options: CallLimitOptions): CallLimits {
  const { perOwner, perAddress, addressOf, limiter, spare, onError } = options;

  const take: CallLimiter['take'] = async (...wanted) => {
    try {
      return await limiter.take(...wanted);
    } catch (error) {
      if (!(error instanceof CallLimiterError)) throw error;
      onError(error);
      return await spare.take(...wanted);
    }
  };

  const charge = async (kind: string, name: string, calls: number, perMinute: number): Promise<void> => {
    // A digest: an owner may be long and in any script, and neither need stand in a store that only counts.
    const bucket = `${kind}:${createHash('sha256').update(name).digest('base64url').slice(0, 22)}`;
    const waitMs = perMinute === 0 ? 60_000 : await take(bucket, calls, perMinute);
    if (waitMs === 0) return;
    throw new CoordinatorError(
      'rate-limited',
      `One ${kind} may make ${perMinute} calls in a minute, and has. Wait, then repeat the call.`,
      { retryAfterSeconds: Math.ceil(waitMs / 1000) },
    );
  };

  return {
    async chargeAddress(call) {
      const address = perAddress === undefined ? undefined : addressOf(call);
      if (perAddress !== undefined && address !== undefined)
        await charge('address', addressGroup(address), 1, perAddress);
    },
    async chargeOwner(owner, calls) {
      if (perOwner !== undefined && calls > 0) await charge('owner', owner, calls, perOwner);
    },
  };
}
