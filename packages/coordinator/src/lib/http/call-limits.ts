import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { CoordinatorError } from '../coordinator-error.ts';
import { type CallLimiter, CallLimiterError } from '../ports/call-limiter.ts';
import { addressGroup, type AddressOf } from './client-address.ts';

/** Refuses callers who make too many calls. Each throws CoordinatorError `rate-limited`. */
export interface CallLimits {
  /** One call, whoever makes it. Nothing happens where the server does not tell the address. */
  chargeAddress(call: Context): Promise<void>;
  /** One call of an owner. */
  chargeOwner(owner: string): Promise<void>;
  /**
   * The same for the entries of one batch, each of which counts as a call and is refused by itself. A refusal tells when its
   * turn comes behind those that were refused before: at one time for all, one would pass and the others start over.
   */
  entryCharge(): (owner: string) => Promise<void>;
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

  const charge = async (kind: string, name: string, perMinute: number): Promise<void> => {
    // A digest: an owner may be long and in any script, and neither need stand in a store that only counts.
    const bucket = `${kind}:${createHash('sha256').update(name).digest('base64url').slice(0, 22)}`;
    const waitMs = perMinute === 0 ? 60_000 : await take(bucket, 1, perMinute);
    if (waitMs === 0) return;
    throw new CoordinatorError(
      'rate-limited',
      `One ${kind} may make ${perMinute} calls in a minute, and has. Wait, then repeat the call.`,
      { retryAfterSeconds: Math.ceil(waitMs / 1000) },
    );
  };

  const chargeOwner = async (owner: string): Promise<void> => {
    if (perOwner !== undefined) await charge('owner', owner, perOwner);
  };

  return {
    async chargeAddress(call) {
      const address = perAddress === undefined ? undefined : addressOf(call);
      if (perAddress !== undefined && address !== undefined)
        await charge('address', addressGroup(address), perAddress);
    },
    chargeOwner,
    entryCharge() {
      const refusedCounts = new Map<string, number>();
      return async (owner) => {
        await chargeOwner(owner).catch((error: unknown) => {
          const before = refusedCounts.get(owner) ?? 0;
          refusedCounts.set(owner, before + 1);
          throw inTurn(error, before, perOwner);
        });
      };
    },
  };
}

/** A refusal that waits for those before it, too. */
function inTurn(error: unknown, before: number, perMinute = 0): unknown {
  if (!(error instanceof CoordinatorError) || error.code !== 'rate-limited' || perMinute === 0) return error;
  const retryAfterSeconds = (error.details.retryAfterSeconds ?? 0) + Math.ceil((before * 60) / perMinute);
  return new CoordinatorError('rate-limited', error.message, { ...error.details, retryAfterSeconds });
}
