import {
  type Grant,
  MAX_PARTS_PER_CALL,
  type PartRange,
  type PartsRequest,
  type PartsResponse,
  type PartToSign,
  type Receipt,
} from '@longhaul/protocol';
import pLimit from 'p-limit';
import { createGrantWindow } from '../grant-window.ts';
import type { Clock } from '../ports/clock.ts';
import { UploadError } from '../upload-error.ts';

/** Trades receipts for URLs with the coordinator: one call at a time, each carrying everything that is due. */
export interface Exchange {
  /** A URL for the part that is still good; asks for it, and for those of the next parts, when there is none. */
  grantFor(part: PartRange): Promise<Grant>;
  /** The store no longer takes this part's URL: the next {@link grantFor} asks for another. */
  dropGrant(partNumber: number): void;
  /** The store has the part. The coordinator hears of it within a second. */
  report(receipt: Receipt): void;
  /** Resolves when the coordinator has heard of every part reported so far. Call it last. */
  flush(): Promise<void>;
}

/** What the exchange works with. */
export interface ExchangeInput {
  /** Parts that will be sent, in the order in which they will be. */
  readonly parts: readonly PartRange[];
  /** URLs known from the start, and when they were asked for. */
  readonly firstGrants: readonly Grant[];
  readonly firstAskedMs: number;
  /** URLs to hold ahead of those in use. */
  readonly aheadCount: number;
  readonly call: (request: PartsRequest) => Promise<PartsResponse>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const REPORT_WITHIN_MS = 1_000;

/** Starts the exchange of one round of sending. */
export function createExchange({ clock, call, signal, ...input }: ExchangeInput): Exchange {
  const line = pLimit(1);
  const over = new AbortController();
  const grants = createGrantWindow(input.parts, input.aheadCount);
  grants.hold(input.firstGrants, input.firstAskedMs);
  let receipts: Receipt[] = [];
  let isReportDue = false;

  const exchange = async (sign: readonly PartToSign[]): Promise<void> => {
    const report = receipts.slice(0, MAX_PARTS_PER_CALL);
    const askedMs = clock.nowMs();
    const answer = await call({ report, sign });
    receipts = receipts.slice(report.length);
    grants.hold(answer.grants, askedMs);
  };

  const askFor = async (part: PartRange): Promise<Grant> => {
    const { partNumber, sizeBytes } = part;
    const brought = grants.find(partNumber, clock.nowMs());
    if (brought) return brought;
    const others = grants.nextToSign(clock.nowMs()).filter((other) => other.partNumber !== partNumber);
    await exchange([{ partNumber, sizeBytes }, ...others]);
    const grant = grants.find(partNumber, clock.nowMs());
    if (!grant) throw noGrant(partNumber);
    return grant;
  };

  /** Runs behind the sends. What fails here is tried again by whoever waits for it: `grantFor` or `flush`. */
  const catchUp = (isDue: () => boolean): void => {
    line(() => (isDue() ? exchange(grants.nextToSign(clock.nowMs())) : undefined)).catch(() => {});
  };

  const isRunningLow = (): boolean => grants.nextToSign(clock.nowMs()).length > input.aheadCount / 2;

  const reportSoon = async (): Promise<void> => {
    await clock.sleep(REPORT_WITHIN_MS, AbortSignal.any([signal, over.signal]));
    isReportDue = false;
    catchUp(() => receipts.length > 0);
  };

  return {
    async grantFor(part) {
      const grant = grants.find(part.partNumber, clock.nowMs()) ?? (await line(() => askFor(part)));
      grants.begin(part.partNumber);
      if (isRunningLow()) catchUp(isRunningLow);
      return grant;
    },
    dropGrant: grants.drop,
    report(receipt) {
      grants.drop(receipt.partNumber);
      receipts.push(receipt);
      if (isReportDue) return;
      isReportDue = true;
      // Rejects only when the upload is over or aborted: `flush` reports what is left then.
      reportSoon().catch(() => {});
    },
    async flush() {
      over.abort();
      await line(async () => {
        while (receipts.length > 0) await exchange([]);
      });
    },
  };
}

function noGrant(partNumber: number): UploadError {
  return new UploadError('COORDINATOR_REFUSED', `The coordinator gave no URL for part ${partNumber}.`);
}
