// Sends what the page asks for, away from the thread that the page draws with.
import { type BlobStretch, createStretchReader } from './blob-stretch.ts';
import type { News, Order, SendingOrder } from './send-aside.ts';
import { sendByXhr } from './xhr-part-sender.ts';

/** The page hears of all connections together. */
const TELL_EVERY_MS = 200;

const running = new Map<number, AbortController>();
const read = createStretchReader();
let moved = new Map<number, number>();
let telling: ReturnType<typeof setTimeout> | undefined;

addEventListener('message', ({ data }: MessageEvent<Order>) => {
  if (data === 'alive?') tell({});
  else if ('url' in data) void send(read(data));
  else running.get(data.id)?.abort();
});

async function send({
  id,
  blob,
  offsetBytes,
  sizeBytes,
  ...request
}: BlobStretch & SendingOrder): Promise<void> {
  const stop = new AbortController();
  running.set(id, stop);
  const onProgress = (sentBytes: number): void => {
    moved.set(id, sentBytes);
    // Of the last byte too: as a rule the answer comes soon enough to travel along, and the page waits for that far longer.
    telling ??= setTimeout(() => tell({}), TELL_EVERY_MS);
  };
  const source = { blob: () => blob.slice(offsetBytes, offsetBytes + sizeBytes) };
  const part = { ...request, source, offsetBytes, sizeBytes, signal: stop.signal, onProgress };
  const ended = await sendByXhr(part).then(
    (answer) => ({ id, answer }),
    (error: unknown) => ({ id, error: String(error) }),
  );
  running.delete(id);
  tell({ ended });
}

/** Whatever has moved goes along. */
function tell(news: Omit<News, 'moved'>): void {
  clearTimeout(telling);
  telling = undefined;
  postMessage({ ...news, moved } satisfies News);
  moved = new Map();
}

// The page waits for the first word before it asks for anything.
tell({});
