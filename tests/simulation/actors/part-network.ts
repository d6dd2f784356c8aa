import type { PartAnswer, PartSender, PartToSend } from '@longhaul/sdk/core';
import type { FaultName, Faults } from '../engine/faults.ts';
import type { Life } from '../engine/life.ts';
import type { Random } from '../engine/random.ts';
import type { Scheduler } from '../engine/scheduler.ts';
import { S3Refusal } from '../store/s3-refusal.ts';
import type { SimulatedS3, Written } from '../store/simulated-s3.ts';
import type { SimulatedSource } from './source.ts';

/** What lies between a client and the store. */
export interface PartNetwork {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly s3: SimulatedS3;
}

/** Who sends, and over what a line. */
interface Sender {
  readonly name: string;
  readonly life: Life;
  readonly transferMs: number;
  /** Times that its machine has slept. */
  readonly naps: () => number;
}

/** What happens to one PUT. */
type Fate =
  | 'good'
  | 'cut'
  | 'answer lost'
  | 'stalled'
  | 'lands late'
  | { readonly status: number; readonly s3Code: string; readonly retryAfterSeconds?: number };

const FATES: readonly (readonly [FaultName, Fate])[] = [
  ['part cut', 'cut'],
  ['part stored and its answer lost', 'answer lost'],
  ['part stalled', 'stalled'],
  ['part lands after it was given up', 'lands late'],
  ['part throttled', { status: 503, s3Code: 'SlowDown', retryAfterSeconds: 3 }],
  ['part answered 500', { status: 500, s3Code: 'InternalError' }],
  ['part answered RequestTimeout', { status: 400, s3Code: 'RequestTimeout' }],
];

const LATENCY_MS = 30;
/** A body never takes longer: less than a URL's grace, always. */
const MAX_TRANSFER_MS = 140_000;

/** Sends parts of one client. What was sent goes on although the client does not. */
export function createSimulatedSender(network: PartNetwork, client: Sender): PartSender<SimulatedSource> {
  return { send: (part) => sendPart(network, client, part) };
}

function sendPart(
  network: PartNetwork,
  { name, life, naps, transferMs: typicalMs }: Sender,
  part: PartToSend<SimulatedSource>,
): Promise<PartAnswer> {
  const { scheduler, random, faults } = network;
  const content = part.source.content(part.offsetBytes, part.sizeBytes);
  const fate = FATES.find(([fault]) => faults.strikes(fault))?.[1] ?? 'good';
  const transferMs = Math.min(random.delayMs(typicalMs), MAX_TRANSFER_MS);

  return new Promise((resolve, reject) => {
    part.signal.throwIfAborted();
    // A body whose sender is gone halfway never becomes a part; one that was sent to its end does, whoever still listens.
    let isGone = false;
    const napsBefore = naps();
    const hasHungUp = (): boolean => isGone || naps() !== napsBefore;
    const leave = (): void => {
      isGone = fate !== 'lands late';
      if (!life.isOver) reject(part.signal.reason);
    };
    part.signal.addEventListener('abort', leave);
    life.onEnd(() => (isGone = fate !== 'lands late'));

    const answer = (words: string, deliver: () => void): void => {
      scheduler.note(
        `${name} PUT ${part.url.replace(/^.*?([0-9a-f]{4})\?.*?(partNumber=\d+)?&.*$/, '$1 $2')} ${words}`,
      );
      scheduler.after(random.delayMs(LATENCY_MS), () => {
        // What was on its way in a sleep of the machine never comes; the sender can still be called off.
        if (life.isOver || naps() !== napsBefore) return;
        part.signal.removeEventListener('abort', leave);
        deliver();
      });
    };
    const cut = (): void => answer('cut', () => reject(new Error('ECONNRESET')));
    const tell = ({ status, s3Code, retryAfterSeconds }: Exclude<Fate, string>): void =>
      answer(`${status} ${s3Code}`, () =>
        resolve({ status, body: `<Error><Code>${s3Code}</Code></Error>`, retryAfterSeconds }),
      );

    scheduler.after(random.delayMs(LATENCY_MS), () => {
      if (fate === 'stalled' || hasHungUp()) return;
      if (typeof fate === 'object') return tell(fate);
      try {
        const { url, headers, sizeBytes } = part;
        const work = network.s3.beginPut({ url, headers, sizeBytes }, content);
        scheduler.after(transferMs / 2, () => {
          if (fate === 'cut') cut();
          else if (fate === 'lands late') land(network, work, transferMs);
          else if (!life.isOver && !hasHungUp()) part.onProgress(Math.floor(part.sizeBytes / 2));
        });
        if (fate === 'cut' || fate === 'lands late') return;
        scheduler.after(transferMs, () => {
          if (hasHungUp()) return;
          const written = finish(work);
          if (fate === 'answer lost') return cut();
          if (written instanceof S3Refusal) return tell(written);
          answer('stored', () => resolve({ status: 200, etag: written.etag, body: '' }));
        });
      } catch (error) {
        if (!(error instanceof S3Refusal)) throw error;
        tell(error);
      }
    });
  });
}

/** Sent to its end over a connection that the client has given up, or will: it arrives whenever it arrives. */
function land({ scheduler, random }: PartNetwork, work: { finish(): Written }, transferMs: number): void {
  const lateMs = Math.min(transferMs + random.fraction() * MAX_TRANSFER_MS, MAX_TRANSFER_MS);
  scheduler.after(lateMs, () => {
    const written = finish(work);
    scheduler.note(`a late PUT lands: ${written instanceof S3Refusal ? written.message : 'stored'}`);
  });
}

function finish(work: { finish(): Written }): Written | S3Refusal {
  try {
    return work.finish();
  } catch (error) {
    if (error instanceof S3Refusal) return error;
    throw error;
  }
}
