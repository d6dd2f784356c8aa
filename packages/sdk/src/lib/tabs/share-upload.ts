import type { ReceivedPart, UploadResult } from '@longhaul/protocol';
import type { UploadControl } from '../uploader/upload-handle.ts';
import type { TransferState } from '../uploader/upload-state.ts';
import type { PartProgress } from '../uploader/upload-tracker.ts';

/** What tabs with the same upload tell each other. */
type Message =
  /** A newcomer wants to know how far it is, or one who follows a new leader. */
  | { readonly kind: 'hello' }
  /** Something that a follower's caller has asked for. */
  | { readonly kind: 'wish'; readonly wish: Wish }
  /** From the leader: what has changed. */
  | ({ readonly kind: 'news' } & News)
  /** From the leader: the upload is over for all of them. Without a result it was cancelled. */
  | { readonly kind: 'end'; readonly result?: UploadResult };

/** As much of the Web Locks as it takes, and of a channel. Insecure pages have no locks. */
interface Locks {
  request(
    name: string,
    options: { readonly signal: AbortSignal },
    task: () => Promise<void>,
  ): Promise<unknown>;
}
type Channel = InstanceType<typeof BroadcastChannel>;

type Wish = 'paused' | 'resumed' | 'cancelling';

interface News {
  /** A leader begins: it has not heard of any wish. */
  readonly isNew?: boolean;
  readonly state: TransferState;
  readonly totalBytes: number;
  readonly parts: readonly PartProgress[];
}

/** How long a leader keeps its lock after the end, so that its last word arrives before somebody takes over. */
const LAST_WORD_MS = 500;

/**
 * Of all tabs of an origin that upload the same under the same key, one leads and does the work; the others follow: their
 * handles tell what the leader's does, and their pauses and cancels reach it. When the leader's tab dies, or its upload
 * fails or is stopped by its own signal, the next one takes over and resumes.
 *
 * Whoever holds the lock leads. Where there are no locks everybody does, as if they were alone.
 */
export async function shareUpload(
  key: string,
  control: UploadControl,
  lead: () => Promise<UploadResult>,
): Promise<UploadResult> {
  control.abortSignal.throwIfAborted();
  const { locks } = navigator as { readonly locks?: Locks };
  if (!locks) return await lead();
  const name = `longhaul ${key}`;
  const channel = new BroadcastChannel(name);
  const waiting = new AbortController();
  let isOver = false;
  let stopFollowing = (): void => {};
  try {
    return await new Promise((resolve, reject) => {
      stopFollowing = follow(channel, control, { resolve, reject });
      const takeOver = async (): Promise<void> => {
        if (isOver) return;
        stopFollowing();
        const leading = leadOthers(channel, control, lead);
        leading.then(resolve, reject);
        await leading.catch(() => {});
        await new Promise((passed) => setTimeout(passed, LAST_WORD_MS));
      };
      locks.request(name, { signal: waiting.signal }, takeOver).catch(async () => {
        // No lock for this page: it goes on as if it were alone. Or nobody waits for one any more.
        if (!isOver) await takeOver();
      });
    });
  } finally {
    isOver = true;
    stopFollowing();
    waiting.abort();
    channel.close();
  }
}

/** Does the work, and tells the others how it goes. */
async function leadOthers(
  channel: Channel,
  control: UploadControl,
  lead: () => Promise<UploadResult>,
): Promise<UploadResult> {
  const parts = new Map<number, PartProgress>();
  const changed = new Map<number, PartProgress>();
  const post = (message: Message): void => channel.postMessage(message);
  // Most uploads have no followers, and to tell costs a page more than anything else that it does ten times a second.
  let isHeard = false;
  const tell = (told: ReadonlyMap<number, PartProgress>, isNew = false): void => {
    if (!isHeard && !isNew) return;
    const { kind, upload } = control.state();
    const state = { kind, upload } as TransferState;
    const { totalBytes = 0 } = control.progress();
    post({ kind: 'news', isNew, state, totalBytes, parts: [...told.values()] });
    changed.clear();
  };
  const stopTelling = [
    control.on('part', (part) => {
      parts.set(part.partNumber, part);
      changed.set(part.partNumber, part);
    }),
    control.on('progress', () => tell(changed)),
    control.on('state', ({ kind }) => {
      // What was known of parts is of another upload.
      if (kind === 'opening') parts.clear();
      tell(changed);
    }),
  ];
  channel.onmessage = ({ data }: { readonly data: Message }) => {
    isHeard ||= data.kind === 'hello' || data.kind === 'wish';
    if (data.kind === 'hello') tell(parts);
    if (data.kind !== 'wish') return;
    if (data.wish === 'cancelling') control.cancel();
    else control.dispatch({ kind: data.wish });
    // It may come too late for that: then the others have to know.
    tell(changed);
  };
  tell(parts, true);
  try {
    const result = await lead();
    post({ kind: 'end', result });
    return result;
  } catch (error) {
    if ((error as { readonly code?: unknown } | undefined)?.code === 'CANCELLED') post({ kind: 'end' });
    throw error;
  } finally {
    for (const stop of stopTelling) stop();
  }
}

/** Goes by what the leader tells, and passes on what is asked for here. Returns how to end that. */
function follow(
  channel: Channel,
  control: UploadControl,
  end: { resolve(result: UploadResult): void; reject(error: unknown): void },
): () => void {
  const post = (message: Message): void => channel.postMessage(message);
  let isHearing = false;
  let wish: Wish | undefined;
  let heard = '';
  let totalBytes = 0;

  const hear = ({ state, parts, ...news }: News): void => {
    if (news.totalBytes !== totalBytes || state.kind === 'opening') {
      ({ totalBytes } = news);
      control.begin(totalBytes, parts.filter(({ isStored }) => isStored) satisfies readonly ReceivedPart[]);
    }
    for (const part of parts) control.partMoved(part, part.sentBytes, part.isStored);
    if (heard === (heard = JSON.stringify(state))) return;
    // What was asked for is done, or somebody has asked for something else since: the next leader need not hear of it.
    if (wish !== 'cancelling') wish = undefined;
    // The leader knows better: a pause that came too late is none.
    if (state.kind !== 'paused') control.dispatch({ kind: 'resumed' });
    if (state.kind === 'cancelling') control.cancel();
    else control.dispatch(state);
  };
  const pass = ({ kind }: TransferState): void => {
    if (isHearing) return;
    wish = kind === 'paused' || kind === 'cancelling' ? kind : 'resumed';
    post({ kind: 'wish', wish });
  };
  const stopWishing = control.on('state', pass);
  const stop = (): void => end.reject(control.abortSignal.reason);
  control.abortSignal.addEventListener('abort', stop);

  channel.onmessage = ({ data }: { readonly data: Message }) => {
    if (data.kind === 'end') {
      if (data.result) return end.resolve(data.result);
      isHearing = true;
      control.cancel();
      end.reject(control.stopSignal.reason);
    }
    if (data.kind !== 'news') return;
    if (data.isNew) post(wish ? { kind: 'wish', wish } : { kind: 'hello' });
    isHearing = true;
    hear(data);
    isHearing = false;
  };
  post({ kind: 'hello' });
  // Asked for before there was anybody to ask.
  if (control.state().kind !== 'opening') pass(control.state());
  return () => {
    stopWishing();
    control.abortSignal.removeEventListener('abort', stop);
  };
}
