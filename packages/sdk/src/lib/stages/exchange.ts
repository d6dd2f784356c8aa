import {
  type Grant,
  MAX_PARTS_PER_CALL,
  type PartRange,
  type PartsRequest,
  type PartsResponse,
  type Receipt,
} from '@longhaul/protocol';
import pLimit from 'p-limit';
import { createDueReceipts } from '../due-receipts.ts';
import { createHeldGrants } from '../held-grants.ts';
import { runInPool } from '../pool.ts';
import type { Clock } from '../ports/clock.ts';
import { UploadError } from '../upload-error.ts';
import { createWanted, type KnownDigests } from '../wanted-parts.ts';

/** Trades receipts for URLs with the coordinator: one call at a time, each carrying everything that is due. */
export interface Exchange {
  /**
   * A URL for the part that is still good; asks for it, and for those of the next parts, when there is none. An abort
   * ends the waiting for a call that others wait for too.
   */
  grantFor(part: PartRange, signal: AbortSignal): Promise<Grant>;
  /** The store no longer takes this part's URL: the next {@link grantFor} asks for another. */
  dropGrant(partNumber: number): void;
  /** The store has the part. The coordinator hears of it within a second. */
  report(receipt: Receipt): void;
  /** What the coordinator has not heard of yet, once no call is under way any more. Call it last. */
  rest(): Promise<readonly Receipt[]>;
}

/** What the exchange works with. */
export interface ExchangeInput {
  readonly clock: Clock;
  readonly stopSignal: AbortSignal;
  /** URLs are asked for twice as many parts as are in flight. */
  readonly concurrency: number;
  /** Parts that will be sent, in the order in which they will be. */
  readonly parts: readonly PartRange[];
  /** URLs known from the start, and when they were asked for. */
  readonly created: { readonly grants: readonly Grant[] };
  readonly askedMs: number;
  /** Parts need their digest before a URL is asked for: those that have none yet have to wait. Left out: none need one. */
  readonly digests?: KnownDigests | undefined;
  readonly session: { exchangeParts(request: PartsRequest): Promise<PartsResponse> };
  /** Looked at before parts are reported: what was sent while the file was being changed must not be. */
  readonly source: { verify(): Promise<void> };
}

/** Starts the exchange of one round of sending. */
export function createExchange(input: ExchangeInput): Exchange {
  const { clock, session, source, stopSignal } = input;
  const line = pLimit(1);
  const over = new AbortController();
  const held = createHeldGrants(clock);
  const wanted = createWanted(input, held);
  const watched = watchSource(source);

  /** Reports what is due, and asks for URLs of this part, if one is named, and of the next ones that have none. */
  const exchange = async (...first: PartRange[]): Promise<void> => {
    const report = due.oldest(MAX_PARTS_PER_CALL);
    if (report.length > 0) await watched.verify();
    const sign = wanted.toSign(first);
    const askedMs = clock.nowMs();
    const { grants } = await session.exchangeParts({ report, sign });
    due.drop(report.length);
    held.hold(grants, askedMs);
  };
  /** In the end what fits travels with the next call: a round trip of its own would be waited for. */
  let mayBeLeft = 0;
  const reportAll = async (): Promise<void> => {
    while (due.count > mayBeLeft) await exchange();
  };
  // Fails when the upload is over, aborted, or cannot be reported to: what is left is told in the end.
  const due = createDueReceipts(clock, AbortSignal.any([stopSignal, over.signal]), () => line(reportAll));
  const askAhead = async (): Promise<void> => {
    if ((await wanted.isWorthAsking()) && line.activeCount === 0) await line(exchange);
  };

  held.hold(input.created.grants, input.askedMs);
  return {
    async grantFor(part, signal) {
      watched.assertSame();
      // Those of a stream are not known beforehand: whoever waits in line is asked for by the one in front.
      wanted.add(part);
      const find = (): Grant | undefined => held.find(part.partNumber);
      if (!find()) await runInPool(line, signal, async () => find() ?? (await exchange(part)));
      wanted.delete(part);
      askAhead().catch(() => {});
      // Asked for just now: if the answer took so long that it is of no use, the store will say so.
      const grant = held.get(part.partNumber);
      if (!grant) throw new UploadError('COORDINATOR_REFUSED', 'The coordinator gave no URL.');
      return grant;
    },
    dropGrant: held.drop,
    report(receipt) {
      held.drop(receipt.partNumber);
      due.add(receipt);
    },
    async rest() {
      over.abort();
      mayBeLeft = MAX_PARTS_PER_CALL;
      await line(reportAll);
      return due.oldest(mayBeLeft);
    },
  };
}

interface WatchedSource {
  verify(): Promise<void>;
  /** Throws what the source was found to be: nothing that is sent from then on could be reported. */
  assertSame(): void;
}

function watchSource(source: ExchangeInput['source']): WatchedSource {
  let change: { readonly error: unknown } | undefined;
  const assertSame = (): void => {
    if (change) throw change.error;
  };
  return {
    assertSame,
    async verify() {
      await source.verify().catch((error: unknown) => (change = { error }));
      assertSame();
    },
  };
}
