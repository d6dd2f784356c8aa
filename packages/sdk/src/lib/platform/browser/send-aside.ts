import type { PartAnswer, PartSender, PartToSend } from '../../ports/part-sender.ts';
import type { BlobSource } from '../../sources/blob-source.ts';
import { type BlobStretch, createStretchPost, type PostedStretch, stretchOf } from './blob-stretch.ts';
import { LOOK_EVERY_MS, MAX_LOOKS_AHEAD, MAX_QUIET_LOOKS } from './worker-patience.ts';

/** A part to be sent, but for its bytes. */
export type SendingOrder = { readonly id: number } & Pick<PartToSend<BlobSource>, 'url' | 'headers'>;

/** What the sending worker is asked: to send something, to leave off, or whether it is there. */
export type Order = (PostedStretch & SendingOrder) | { readonly id: number } | 'alive?';

/** What it tells. */
export interface News {
  /** Bytes handed to the network, by `id`, of all that have moved. */
  readonly moved: ReadonlyMap<number, number>;
  readonly ended?: { readonly id: number; readonly answer?: PartAnswer; readonly error?: string };
}

type Send = PartSender<BlobSource>['send'];

interface Running {
  readonly part: PartToSend<BlobSource>;
  end(answer: PartAnswer | Promise<PartAnswer>): void;
}

/** Sends from a worker. */
export interface Aside {
  /** By the worker, or here until it is there, and once there can be none, or it has fallen silent. */
  readonly send: Send;
  /** Starts the worker, if there is none. `isAhead`: nobody has picked a file yet. */
  getReady(isAhead: boolean): void;
}

/** No worker is started before it is needed, or about to be. */
export function createAside(sendHere: Send): Aside {
  const running = new Map<number, Running>();
  const worker = createSendingWorker({
    isBusy: () => running.size > 0,
    hear({ moved, ended }) {
      for (const [id, sentBytes] of moved) running.get(id)?.part.onProgress(sentBytes);
      if (!ended) return;
      const { id, answer, error } = ended;
      running.get(id)?.end(answer ?? Promise.reject(new Error(error)));
    },
    lose() {
      for (const { part, end } of running.values()) end(sendHere(part));
    },
  });
  let lastId = 0;

  const send: Send = (part) => {
    if (!worker.isReady()) return sendHere(part);
    const { url, headers, source, offsetBytes, sizeBytes, signal } = part;
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const id = ++lastId;
      worker.orderPart({ id, ...stretchOf(source, offsetBytes, sizeBytes), url, headers });
      const leave = (): void => {
        running.delete(id);
        signal.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        leave();
        worker.order({ id });
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort);
      running.set(id, {
        part,
        end(answer) {
          leave();
          resolve(answer);
        },
      });
    });
  };
  return { send, getReady: worker.getReady };
}

interface SendingWorker extends Pick<Aside, 'getReady'> {
  /** Starts it if need be. `false`: it is not there yet, or there can be none. */
  isReady(): boolean;
  order(order: Order): void;
  orderPart(part: BlobStretch & SendingOrder): void;
}

/** Who has something to send. */
interface Owner {
  isBusy(): boolean;
  hear(news: News): void;
  /** There is no worker any more, and there will be none. */
  lose(): void;
}

/** One worker, started when it is needed, ended when it is not, and looked after while it is busy. */
function createSendingWorker(owner: Owner): SendingWorker {
  let worker: Worker | undefined;
  let post: ((part: BlobStretch & SendingOrder) => void) | undefined;
  let canWork = true;
  let hasSpoken = false;
  let quietLooks = 0;
  let maxIdleLooks = MAX_QUIET_LOOKS;
  let looking: ReturnType<typeof setInterval> | undefined;

  const order = (what: Order): void => worker?.postMessage(what);
  const stop = (): void => {
    clearInterval(looking);
    worker?.terminate();
    worker = undefined;
    // It holds the last Blob.
    post = undefined;
    hasSpoken = false;
  };
  const giveUp = (): void => {
    canWork = false;
    stop();
    owner.lose();
  };
  const look = (): void => {
    quietLooks++;
    if (owner.isBusy()) return quietLooks > MAX_QUIET_LOOKS ? giveUp() : order('alive?');
    if (quietLooks > maxIdleLooks) stop();
  };
  const start = (): void => {
    // Bundlers know this form, and take the file along.
    worker = new Worker(new URL('./sending-worker.js', import.meta.url), { type: 'module' });
    post = createStretchPost(worker);
    worker.onmessage = ({ data }: MessageEvent<News>) => {
      quietLooks = 0;
      hasSpoken = true;
      owner.hear(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      giveUp();
    };
    quietLooks = 0;
    looking = setInterval(look, LOOK_EVERY_MS);
  };

  const isReady = (): boolean => {
    try {
      if (canWork && !worker) start();
    } catch {
      canWork = false;
    }
    return hasSpoken;
  };

  return {
    order,
    orderPart: (part) => post?.(part),
    isReady,
    getReady(isAhead) {
      if (!isAhead || !worker) maxIdleLooks = isAhead ? MAX_LOOKS_AHEAD : MAX_QUIET_LOOKS;
      if (!owner.isBusy()) quietLooks = 0;
      isReady();
    },
  };
}
