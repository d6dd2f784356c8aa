import {
  type Checksum,
  type Grant,
  MAX_PARTS_PER_CALL,
  type PartRange,
  type PartsRequest,
  type PartsResponse,
  type PartToSign,
  type Receipt,
} from '@longhaul/protocol';
import pLimit from 'p-limit';
import { createHeldGrants, type HeldGrants } from '../held-grants.ts';
import { runInPool } from '../pool.ts';
import type { Clock } from '../ports/clock.ts';
import { UploadError } from '../upload-error.ts';

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
  readonly digests?: { known(partNumber: number): Checksum | undefined } | undefined;
  readonly session: { exchangeParts(request: PartsRequest): Promise<PartsResponse> };
  /** Looked at before parts are reported: what was sent while the file was being changed must not be. */
  readonly source: { verify(): Promise<void> };
}

const REPORT_WITHIN_MS = 1_000;

/** Starts the exchange of one round of sending. */
export function createExchange(input: ExchangeInput): Exchange {
  const { clock, session, source, stopSignal, concurrency, digests } = input;
  const line = pLimit(1);
  const over = new AbortController();
  const toCome = new Set(input.parts);
  const held = createHeldGrants(clock);
  let receipts: Receipt[] = [];
  const watched = watchSource(source);

  const toSign = (first: readonly PartRange[], most: number): readonly PartToSign[] =>
    signable([...new Set([...first, ...toCome])].slice(0, most), held, digests);
  /** Asks ahead, so that the next part finds a URL: else a connection would lie idle for a round trip. */
  const askAhead = (): void => {
    if (line.activeCount > 0 || toSign([], 1).length === 0) return;
    line(exchange).catch(() => {});
  };
  /** Reports what is due, and asks for URLs of this part, if one is named, and of the next ones that have none. */
  const exchange = async (...first: PartRange[]): Promise<void> => {
    const report = receipts.slice(0, MAX_PARTS_PER_CALL);
    if (report.length > 0) await watched.verify();
    const sign = toSign(first, 2 * concurrency);
    const askedMs = clock.nowMs();
    const { grants } = await session.exchangeParts({ report, sign });
    receipts = receipts.slice(report.length);
    held.hold(grants, askedMs);
  };
  /** In the end what fits travels with the next call: a round trip of its own would be waited for. */
  let mayBeLeft = 0;
  const reportAll = async (): Promise<readonly Receipt[]> => {
    while (receipts.length > mayBeLeft) await exchange();
    return receipts;
  };

  held.hold(input.created.grants, input.askedMs);
  return {
    async grantFor(part, signal) {
      watched.assertSame();
      // Those of a stream are not known beforehand: whoever waits in line is asked for by the one in front.
      toCome.add(part);
      const find = (): Grant | undefined => held.find(part.partNumber);
      if (!find()) await runInPool(line, signal, async () => find() ?? (await exchange(part)));
      toCome.delete(part);
      askAhead();
      // Asked for just now: if the answer took so long that it is of no use, the store will say so.
      const grant = held.get(part.partNumber);
      if (!grant) throw new UploadError('COORDINATOR_REFUSED', 'The coordinator gave no URL.');
      return grant;
    },
    dropGrant: held.drop,
    report(receipt) {
      held.drop(receipt.partNumber);
      if (receipts.push(receipt) > 1) return;
      const soon = clock.sleep(REPORT_WITHIN_MS, AbortSignal.any([stopSignal, over.signal]));
      // Fails when the upload is over, aborted, or cannot be reported to: what is left is told in the end.
      soon.then(() => line(reportAll)).catch(() => {});
    },
    async rest() {
      over.abort();
      mayBeLeft = MAX_PARTS_PER_CALL;
      return await line(reportAll);
    },
  };
}

/** Of the parts, those that have no URL, and their digest if they need one. */
function signable(
  parts: readonly PartRange[],
  held: HeldGrants,
  digests: ExchangeInput['digests'],
): readonly PartToSign[] {
  return parts.flatMap(({ partNumber, sizeBytes }) => {
    const checksum = digests?.known(partNumber);
    const isReady = !held.find(partNumber) && (checksum ?? !digests);
    return isReady ? [{ partNumber, sizeBytes, ...(checksum && { checksum }) }] : [];
  });
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
