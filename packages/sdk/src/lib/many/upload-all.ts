import { MAX_BATCH_ITEMS, type UploadResult } from '@longhaul/protocol';
import { systemClock } from '../system-clock.ts';
import type { Uploader } from '../uploader/create-uploader.ts';
import { createEmitter } from '../uploader/emitter.ts';
import type { UploadOptions } from '../uploader/options.ts';
import type { UploadHandle } from '../uploader/upload-handle.ts';
import { createRunningUploads, type RunningUploads } from './running-uploads.ts';
import { createTotal, type TotalProgress } from './total-progress.ts';
import {
  countList,
  itemOf,
  sizeOf,
  type UploadCount,
  type UploadItem,
  type UploadList,
} from './upload-item.ts';

/** What all of them are given; an item's own options come first. */
export interface UploadAllOptions extends Omit<UploadOptions, 'name'> {
  /** Whether the first that fails stops the others. Default `false`: each ends by itself. */
  readonly stopOnError?: boolean;
  /** How much there is, where somebody has counted. Default the list itself, if it is an array (or a `FileList`) of known sizes. */
  readonly expected?: UploadCount | Promise<UploadCount>;
}

/** What became of one of them. */
export type UploadOutcome<Input> =
  | { readonly item: UploadItem<Input>; readonly result: UploadResult; readonly error?: undefined }
  /** `error` as the `result` of a handle rejects with it. */
  | { readonly item: UploadItem<Input>; readonly result?: undefined; readonly error: unknown };

/** What a handle to many uploads tells. */
export interface UploadAllEvents<Input> {
  /** At most ten times a second, and at every end. */
  readonly progress: TotalProgress;
  /** One has begun; `upload` is its own handle. */
  readonly begin: { readonly item: UploadItem<Input>; readonly upload: UploadHandle };
  /** One has ended, well or not. */
  readonly end: UploadOutcome<Input>;
}

/** Many uploads under way. */
export interface UploadAllHandle<Input> {
  /**
   * What became of each, in the order of the list, once all have ended. Does not reject because one failed, was aborted or
   * cancelled: that is its outcome. Those that were not begun before an abort or a cancel have none.
   *
   * Rejects with what the list throws, once those begun before have ended.
   */
  readonly result: Promise<readonly UploadOutcome<Input>[]>;
  readonly progress: TotalProgress;
  /** Adds a listener; the returned function removes it. */
  on<Name extends keyof UploadAllEvents<Input>>(
    name: Name,
    listener: (event: UploadAllEvents<Input>[Name]) => void,
  ): () => void;
  /** Begins no more and pauses those under way, until `resume()`. The list is not asked meanwhile. */
  pause(): void;
  /** Goes on after `pause()`, with those that were paused by themselves too. */
  resume(): void;
  /**
   * Begins no more, and ends those under way for good. What is complete stays.
   *
   * @throws UploadError if the coordinator could not be told of one of them; the others are cancelled all the same
   */
  cancel(): Promise<void>;
}

/** Uploads begun and not ended: as many as the uploader opens at once. */
const AT_ONCE = MAX_BATCH_ITEMS;

/**
 * Uploads everything in a list, with one progress: files of an input or a drop, a folder, whatever can be iterated over.
 * One that fails leaves the others alone. Any number will do: a hundred are begun at a time, and the list is asked for the
 * next one when another has ended.
 *
 * @param list inputs of the uploader, or items with options of their own: `{ input: file, name: 'photos/cat.jpg' }`
 * @throws TypeError if `list` is nothing to iterate over, or is one input itself
 * @example
 * const all = uploadAll(uploader, filesOfInput(picker.files), { connectorId: 'photos' });
 * all.on('progress', ({ doneFiles, totalFiles }) => console.log(`${doneFiles} of ${totalFiles}`));
 * const failed = (await all.result).filter(({ result }) => !result);
 */
export function uploadAll<Input>(
  uploader: Uploader<Input>,
  list: UploadList<Input>,
  options: UploadAllOptions = {},
): UploadAllHandle<Input> {
  assertList(list);
  const { stopOnError = false, expected = countList(list), signal, ...shared } = options;
  const { on, emit } = createEmitter<UploadAllEvents<Input>>();
  const total = createTotal(systemClock, (progress) => emit('progress', progress));
  const stopping = new AbortController();
  const stopSignal = AbortSignal.any([stopping.signal, ...(signal ? [signal] : [])]);
  const running = createRunningUploads(stopSignal);

  const upload = async (item: UploadItem<Input>): Promise<UploadOutcome<Input>> => {
    const { input, sizeBytes: _sizeBytes, ...own } = item;
    const share = total.begin(sizeOf(item));
    let outcome: UploadOutcome<Input>;
    try {
      const given = isFunction(input) ? await input() : input;
      const handle = await running.begin(() =>
        uploader.upload(given, { ...shared, ...own, signal: stopSignal }),
      );
      share.follow(handle);
      emit('begin', { item, upload: handle });
      outcome = { item, result: await handle.result };
    } catch (error) {
      outcome = { item, error };
      // What a cancel ends is no failure: an abort would keep the others from being ended at the coordinator.
      if (stopOnError && !running.endSignal.aborted) stopping.abort(error);
    }
    share.end(outcome.result !== undefined);
    emit('end', outcome);
    return outcome;
  };

  // A count that fails is a total that stays unknown.
  void Promise.resolve(expected).then(
    (count) => count && total.expect(count),
    () => {},
  );
  return {
    result: beginEach(untilEnd(list, running, total.allBegun), AT_ONCE, running.endSignal, (entry) =>
      upload(itemOf(entry)),
    ),
    on,
    get progress() {
      return total.progress();
    },
    pause() {
      running.pause();
      total.rest();
    },
    resume() {
      total.rest();
      running.resume();
    },
    cancel: running.cancel,
  };
}

/** The same list, not asked in a pause. `onEnd` is called when there is no more, or none is wanted: a list that says nothing is left then. */
async function* untilEnd<Entry>(
  list: Iterable<Entry> | AsyncIterable<Entry>,
  { endSignal: signal, whenGoing }: Pick<RunningUploads, 'endSignal' | 'whenGoing'>,
  onEnd: () => void,
): AsyncGenerator<Entry> {
  const entries = (async function* () {
    yield* list;
  })();
  const over = new AbortController();
  let leave = (): void => {};
  signal.addEventListener('abort', () => leave(), over);
  try {
    for (;;) {
      await whenGoing();
      if (signal.aborted) return;
      const next = await new Promise<IteratorResult<Entry> | undefined>((resolve, reject) => {
        leave = () => resolve(undefined);
        entries.next().then(resolve, reject);
      });
      if (!next || next.done) return;
      yield next.value;
    }
  } finally {
    over.abort();
    onEnd();
    // It may never answer.
    entries.return(undefined).catch(() => {});
  }
}

/**
 * Begins what a list gives, `atOnce` at a time, and resolves with what came of each once all have ended.
 *
 * @param begin never rejects
 * @throws what the list throws, once all that were begun have ended
 */
async function beginEach<Entry, Outcome>(
  list: AsyncIterable<Entry>,
  atOnce: number,
  signal: AbortSignal,
  begin: (entry: Entry) => Promise<Outcome>,
): Promise<readonly Outcome[]> {
  const all: Promise<Outcome>[] = [];
  let running = 0;
  let wake = (): void => {};
  const ended = (): void => {
    running--;
    wake();
  };
  try {
    for await (const entry of list) {
      while (running >= atOnce) await new Promise<void>((resolve) => (wake = resolve));
      if (signal.aborted) break;
      running++;
      all.push(begin(entry).finally(ended));
    }
  } finally {
    await Promise.all(all);
  }
  return await Promise.all(all);
}

function isFunction<Input>(input: UploadItem<Input>['input']): input is () => Input | Promise<Input> {
  return typeof input === 'function';
}

/** A path is a list of letters to JavaScript, and bytes are one of numbers. */
function assertList(list: unknown): void {
  const isOne = typeof list === 'string' || ArrayBuffer.isView(list);
  const given = Object(list) as object;
  if (isOne || !(Symbol.iterator in given || Symbol.asyncIterator in given)) {
    throw new TypeError(
      'uploadAll() takes a list of what is to be uploaded; for a single one there is upload()',
    );
  }
}
